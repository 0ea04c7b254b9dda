"""Tests that the time to read a text grows linearly with its size, whatever the text.

They measure the processor time of one process for three sizes in turn, in the shortest of several
rounds. If the size doubles, linear time doubles, and quadratic time quadruples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.support.hostile import grow, read_page, read_records
from tests.helpers.timing import assert_grows_less_than

from larkpost.db.search.tokenize import words
from larkpost.ranking.words.tokenizer import terms
from larkpost.text.minhash import title_key
from larkpost.text.normalize import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

LINEAR = 1.58  # the exponent of three times as long for twice the size
MARKS = ["combining marks", "marks on letters", "decomposing marks", "half-width marks", "joiners"]
OTHERS = ["zero width", "soft hyphens", "hyphens at line ends", "spaces", "tags", "LaTeX accents"]


@pytest.mark.parametrize("text", [*MARKS, *OTHERS])
@pytest.mark.parametrize(("reader", "read"), [("page", read_page), ("jsonl", read_records)])
def test_a_dump_of_hostile_text_is_read_in_linear_time(
    reader: str, read: Callable[[bytes], None], text: str
) -> None:
    def exponent() -> float:
        return grow(reader, read, text, "line", size=12_000, rounds=3).exponent

    assert_grows_less_than(exponent, LINEAR)


@pytest.mark.parametrize("text", MARKS)
@pytest.mark.parametrize("work", [clean, one_line, title_key, terms, words])
def test_marks_are_normalized_in_linear_time(work: Callable[[str], object], text: str) -> None:
    def run(dump: bytes) -> None:
        work(dump.decode())

    def exponent() -> float:
        return grow("page", run, text, "line", size=20_000, rounds=3).exponent

    assert_grows_less_than(exponent, LINEAR)
