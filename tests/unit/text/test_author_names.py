"""Several authors in one text."""

from __future__ import annotations

import pytest

from larkpost.text.author_names import split_authors


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Ada One, Bo Two, Cy Three", ("Ada One", "Bo Two", "Cy Three")),
        ("Ada One, Bo Two, and Cy Three", ("Ada One", "Bo Two", "Cy Three")),
        ("Ada One and Bo Two", ("Ada One", "Bo Two")),
        ("One, A.; Two, B.", ("A. One", "B. Two")),
        ("One, A. and Two, B.", ("A. One", "B. Two")),
        ("Curie, Marie", ("Marie Curie",)),
        ("Robert Downey, Jr., Bo Two", ("Robert Downey Jr.", "Bo Two")),
        ("Ada One (MIT, Cambridge), Bo Two (ETH)", ("Ada One", "Bo Two")),
        ("ada@example.org (Ada One)", ("Ada One",)),
        ("ada@example.org", ()),
        ("", ()),
    ],
)
def test_each_author_is_named(text: str, names: tuple[str, ...]) -> None:
    assert split_authors(text) == names


def test_where_first_names_come_first_a_comma_parts_two_authors() -> None:
    assert split_authors("OpenAI, Ada Lovett", family_first=False) == ("OpenAI", "Ada Lovett")
