"""Counts have the right form, and sentences end once."""

from __future__ import annotations

import re

import pytest

from larkpost.packaged_files import shipped_path
from larkpost.text.plurals import quantity, sentence, tally, thumbs


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 papers"), (1, "1 paper"), (2, "2 papers"), (1234, "1,234 papers")],
)
def test_one_thing_has_the_form_of_one(count: int, said: str) -> None:
    assert quantity(count, "paper") == said


def test_what_an_s_does_not_make_plural_is_given() -> None:
    assert quantity(1, "entry", "entries") == "1 entry"
    assert quantity(2, "entry", "entries") == "2 entries"
    assert [thumbs(count, "up") for count in (0, 1, 2)] == [
        "0 thumbs up",
        "1 thumb up",
        "2 thumbs up",
    ]


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("There is no such zone", "There is no such zone."),
        ("Did you mean Europe/Berlin?", "Did you mean Europe/Berlin?"),
        ("It is gone.", "It is gone."),
        ("It says “gone.”", "It says “gone.”"),
        ("It is called “gone”", "It is called “gone”."),
        ("wait…", "wait…"),
        ("  spaces ", "spaces."),
        ("", ""),
    ],
)
def test_a_sentence_ends_once(text: str, ended: str) -> None:
    assert sentence(text) == ended
    assert sentence(ended) == ended


def test_no_template_writes_a_number_before_a_plural_by_itself() -> None:
    """Numbers that can be one go through ``quantity`` or ``thumbs``; see larkpost.text.plurals."""
    nouns = "papers|thumbs|votes|files|mornings|readers|letters|editions|upvotes|records"
    wrong = re.compile(rf"\}}\}} ({nouns})\b|else '({nouns})'")
    found = [
        (path.name, match[0])
        for folder in ("web", "email", "feeds", "report")
        for path in sorted(shipped_path(f"templates/{folder}").rglob("*.*"))
        if path.suffix in {".html", ".txt"}
        for match in wrong.finditer(path.read_text("utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("ups", "downs", "step", "told"),
    [
        (1, 0, 1, "1 thumb up, 0 down"),
        (2, 3, 1, "2 thumbs up, 3 down"),
        (5, 0, 5, "at least 5 thumbs up"),
        (1500, 10, 5, "at least 1,500 thumbs up, at least 10 down"),
        (0, 5, 5, "at least 5 thumbs down"),
    ],
)
def test_thumbs_are_reported_singly_or_in_steps(ups: int, downs: int, step: int, told: str) -> None:
    assert tally(ups, downs, step) == told
