"""Tests that links in the text of a paper are found, in time proportional to its length."""

from __future__ import annotations

import pytest
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.web.templating import TextSpan, find_links


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("(see https://a.org/b).", "https://a.org/b"),
        ("https://a.org/b_(c)", "https://a.org/b_(c)"),
        ("(https://a.org/b_(c))", "https://a.org/b_(c)"),
        ("[https://a.org/b].)", "https://a.org/b"),
        ("https://a.org/b(.)...)", "https://a.org/b(.)"),
    ],
)
def test_what_belongs_to_the_sentence_is_not_part_of_a_link(text: str, link: str) -> None:
    found = find_links(text)

    assert [piece for piece in found if piece.href] == [TextSpan(link, link)]
    assert "".join(piece.text for piece in found) == text


@pytest.mark.parametrize("unit", [")", "]", "(.", ".)", "(.)"])
def test_a_link_with_many_brackets_takes_time_in_proportion(unit: str) -> None:
    def seconds(size: int) -> float:
        return cpu_seconds(lambda: find_links(f"http://a{'(' * size}{unit * size}{')' * size}"))

    assert_grows_less_than(lambda: seconds(40_000) / max(seconds(20_000), 0.001), 3.0)
