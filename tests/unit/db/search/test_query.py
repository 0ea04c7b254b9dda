"""Tests which queries the search box understands, and how text is split into words for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from larkpost.db.search.find import Query, SearchTerm, parse
from larkpost.db.search.query import LONGEST_PHRASE, MOST_WORDS
from larkpost.db.search.tokenize import BREAK, index_document, stems, telling, words

LATEST = {"hour": 23, "minute": 59, "second": 59, "microsecond": 999_999}


def term(*spelt: str) -> SearchTerm:
    return SearchTerm(spelt, tuple(stems(" ".join(spelt))))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("Routing experts", Query((term("routing"), term("experts")))),
        # What is written as one is looked for as one.
        ('"Routing experts"', Query((term("routing", "experts"),))),
        ("“Routing experts”", Query((term("routing", "experts"),))),
        ("mixture-of-experts", Query((term("mixture", "of", "experts"),))),
        ("GPT-4", Query((term("gpt", "4"),))),
        ('never "closed again', Query((term("never"), term("closed", "again")))),
        ("author:Curie", Query((SearchTerm(("curie",)),))),
        ('AUTHOR:"Marie Curie"', Query((SearchTerm(("marie", "curie")),))),
        ("author: Curie", Query((SearchTerm(("curie",)),))),
        ("-routing", Query(excluded=(term("routing"),))),
        ('-"sparse routing"', Query(excluded=(term("sparse", "routing"),))),
        ("-author:Curie", Query(excluded=(SearchTerm(("curie",)),))),
        ("since:2026-08-07", Query(since=datetime(2026, 8, 7, tzinfo=UTC))),
        ("since:2026-08", Query(since=datetime(2026, 8, 1, tzinfo=UTC))),
        ("since:2026", Query(since=datetime(2026, 1, 1, tzinfo=UTC))),
        ("until:2026-08-07", Query(until=datetime(2026, 8, 7, tzinfo=UTC, **LATEST))),
        ("until:2024-02", Query(until=datetime(2024, 2, 29, tzinfo=UTC, **LATEST))),
        ("until:9999", Query(until=datetime(9999, 12, 31, tzinfo=UTC, **LATEST))),
        # Said twice, both hold.
        ("since:2025 since:2026", Query(since=datetime(2026, 1, 1, tzinfo=UTC))),
        ("until:2025 until:2026", Query(until=datetime(2025, 12, 31, tzinfo=UTC, **LATEST))),
        ("since:yesterday", Query(unclear=("since:yesterday",))),
        ("until:2026-02-30", Query(unclear=("until:2026-02-30",))),
        ("-since:2026", Query(unclear=("-since:2026",))),
        ("author:?", Query(unclear=("author:?",))),
        ("+ - *", Query(unclear=("+", "-", "*"))),
        ("NEAR(a OR b)", Query((term("near", "a"), term("or"), term("b")))),
        ("zürich", Query((term("zurich"),))),
    ],
)
def test_a_question_is_read(text: str, query: Query) -> None:
    assert parse(text) == query


def test_only_a_question_of_which_nothing_was_understood_is_lost() -> None:
    assert parse("since:yesterday").is_unreadable
    assert not parse("").is_unreadable
    assert not parse("since:yesterday routing").is_unreadable


def test_an_endless_question_is_cut() -> None:
    assert len(parse(" ".join(f"w{n}" for n in range(5_000))).wanted) == 16
    assert len(parse("a b " * 5_000).wanted) == 2
    assert len(parse('"' + "a " * 5_000).wanted[0].stems) == 32


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Routing, tokens & experts!", ["routing", "tokens", "experts"]),
        ("Émilie du Châtelet", ["emilie", "du", "chatelet"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("eﬃcient", ["efficient"]),
        ("snake_case x²", ["snake", "case", "x2"]),
        ("机器学习 for 한국어", ["机", "器", "学", "习", "for", "한국어"]),
        ("x" * 65, ["x" * 64, "x"]),
        ("é" * 65, ["e" * 64, "e"]),
        ("", []),
    ],
)
def test_words_are_plain(text: str, found: list[str]) -> None:
    assert words(text) == found


# The index on a disk was made with these stems: where one changes, the index is to be filled anew.
@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("routing routed routes", "rout"),
        ("generalization general", "gener"),
        ("queries query", "queri"),
        ("alignment aligning", "align"),
        ("2026", "2026"),
        ("s", "s"),
        ("zürich", "zurich"),
    ],
)
def test_the_forms_of_a_word_have_one_stem(text: str, stem: str) -> None:
    assert set(stems(text)) == {stem}


def test_a_word_longer_than_64_characters_is_cut_before_its_parts_are_stemmed() -> None:
    long = "ab" * 70

    assert stems(f"One {long} running") == ["on", long[:64], long[:64], long[:12], "run"]


def test_names_are_indexed_as_they_are_spelt_and_apart() -> None:
    laid = index_document("Routing", ["Marie Curie", "Bose"], "")

    assert laid.authors == f"marie curie {BREAK} bose {BREAK}"


def test_the_longest_words_of_a_title_tell_its_subject() -> None:
    assert telling("On the Routing of Tokens to Experts", most=2) == ["routing", "experts"]


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_words_of_all_phrases_are_limited_together(sign: str) -> None:
    """Sixteen phrases of thirty common words took seconds, in which pages of others waited."""
    phrases = [" ".join("a" * length) for length in range(32, 16, -1)]
    query = parse(" ".join(f'{sign}"{phrase}"' for phrase in [*phrases, "robot"]))

    found = query.excluded if sign else query.wanted
    assert sum(len(one.spelt) for one in found) <= MOST_WORDS
    assert [one.spelt for one in found] == [("a",) * 32, ("robot",)]


def test_a_long_title_is_searched_whole() -> None:
    title = " ".join(f"word{number}" for number in range(LONGEST_PHRASE))
    assert parse(f'"{title}"').wanted == (term(*title.split()),)
