"""Tests the lines of a dump: invisible characters have no effect, and cut words are joined."""

from __future__ import annotations

from io import BytesIO

import pytest

from larkpost.formats.decoding import NumberedLine, lines


def read(dump: str) -> list[tuple[int, str]]:
    found = lines(BytesIO(dump.encode("utf-8", "surrogatepass")))
    return [(line.number, line.text) for line in found if isinstance(line, NumberedLine)]


@pytest.mark.parametrize(
    "invisible",
    [
        "\u200b",
        "\u00ad",
        "\u200e",
        "\u00a0",
        "\ufeff",
        "\u2060",
        "\u200d",
        "\u3164",
        "\u2800",
        "\u202a\u202c",
        "\u2007 \u202f",
        "\ufe0f",
        "\U000e0020",
        "\u061c",
        "\u180e",
        "\ufffc",
        " \t",
    ],
)
def test_a_line_of_what_nobody_sees_is_empty(invisible: str) -> None:
    assert read(f"Title\n{invisible}\n{invisible}\nText\n") == [(1, "Title"), (2, ""), (4, "Text")]


def test_no_break_spaces_are_spaces() -> None:
    assert read("Aug\u00a07\n3\u202fauthors\n") == [(1, "Aug 7"), (2, "3 authors")]


@pytest.mark.parametrize(
    ("dump", "found"),
    [
        ("repre\u00ad\nsentation of\nall\n", [(1, "representation"), (2, "of"), (3, "all")]),
        ("in\u00ad \r\n  dented text\r\n", [(1, "indented"), (2, "  text")]),
        ("syl\u00ad\nla\u00ad\nble\u00ad\nby\n", [(1, "syllableby")]),
        ("Subscribe\u00ad\nA Title\n", [(1, "Subscribe"), (2, "A Title")]),
        ("title\u00ad\n\ntext\n", [(1, "title"), (2, ""), (3, "text")]),
        ("\u00ad\ntext\n", [(1, ""), (2, "text")]),
        ("the end\u00ad", [(1, "the end")]),
    ],
)
def test_a_word_that_is_cut_at_a_soft_hyphen_is_made_whole(
    dump: str, found: list[tuple[int, str]]
) -> None:
    assert read(dump) == found


def test_words_are_not_added_to_a_line_for_ever() -> None:
    found = read("ab\u00ad\n" * 100_000)

    assert "".join(text for _, text in found) == "ab" * 100_000
    assert max(len(text) for _, text in found) < 3_000
