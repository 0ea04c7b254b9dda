"""Tests papers in the store: inserted, merged, found again, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import event
from tests.helpers.factories import search_papers

from larkpost.db import papers
from larkpost.db.papers import MatchOutcome
from larkpost.domain import Identifier, PaperRecord
from larkpost.text.identifiers import parse_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larkpost.db.engine import Store
    from larkpost.domain import Paper

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)

TITLE = "Routing Tokens to Experts Without an Auxiliary Loss"
ABSTRACT = (
    "Large models route tokens to experts. We propose a cheaper router. It needs no extra loss. "
    "On eight benchmarks it beats every dense model of its size. We also study how experts differ. "
    "Code and weights are public. The gains grow with the number of experts that are trained."
)
BIRDS = (
    "We present a corpus of birdsong recorded at dawn in forty gardens, with a transcript for each "
    "bird, the weather of the hour and the distance of the nearest road. A small network tells "
    "species apart from two seconds of sound, and most of its mistakes are those of listeners too."
)
PAPER = PaperRecord(TITLE, ABSTRACT, first_seen=NOW - DAY)


def absorb(store: Store, *drafts: PaperRecord, now: datetime = NOW) -> list[MatchOutcome]:
    with store.begin() as connection:
        return [one.what for one in papers.absorb(connection, drafts, now=now)]


def everything(store: Store) -> list[Paper]:
    with store.read() as connection:
        return list(papers.iterate(connection))


def only(store: Store) -> Paper:
    (paper,) = everything(store)
    return paper


@pytest.mark.parametrize(
    "again",
    [
        replace(PAPER, title=TITLE.upper(), abstract=ABSTRACT.lower()),
        replace(PAPER, title="Routing Tokens to\n  Experts Without an Auxiliary Loss"),
        replace(PAPER, title=r"Routing \emph{Tokens} to {Experts} Without an Auxiliary Loss$"),
        replace(PAPER, abstract=ABSTRACT.replace("to experts", "toexperts")),  # glued highlights
    ],
)
def test_a_paper_set_differently_is_known(store: Store, again: PaperRecord) -> None:
    absorb(store, PAPER)

    assert absorb(store, again) == [MatchOutcome.KNOWN]
    assert only(store).updated == NOW


def test_an_edited_sentence_updates_the_paper(store: Store) -> None:
    absorb(store, PAPER)
    edited = ABSTRACT.replace("It needs no extra loss.", "One small loss term keeps it stable.")

    what = absorb(store, replace(PAPER, abstract=edited), now=NOW + DAY)

    assert what == [MatchOutcome.UPDATED]
    assert only(store).abstract == edited
    assert only(store).updated == NOW + DAY


def test_a_fixed_title_updates_the_paper_and_keeps_its_uid(store: Store) -> None:
    absorb(store, replace(PAPER, title="Routing Tokans to Experts Without an Auxilary Loss"))
    uid = only(store).uid

    what = absorb(store, PAPER, now=NOW + DAY)

    assert what == [MatchOutcome.UPDATED]
    assert (only(store).title, only(store).uid) == (TITLE, uid)


def test_a_copy_with_a_sentence_less_is_found_again_and_takes_nothing_away(store: Store) -> None:
    shorter = replace(PAPER, abstract=ABSTRACT.replace("We also study how experts differ. ", ""))
    absorb(store, PAPER)
    absorb(store, shorter)

    assert absorb(store, shorter, PAPER) == [MatchOutcome.KNOWN, MatchOutcome.KNOWN]
    assert only(store).abstract == ABSTRACT


def test_two_pages_that_word_it_differently_do_not_reword_it_every_day(store: Store) -> None:
    other = replace(PAPER, abstract=ABSTRACT.replace("We also study", "We study, too,"))
    absorb(store, PAPER)

    assert absorb(store, other, now=NOW + DAY) == [MatchOutcome.UPDATED]
    assert absorb(store, PAPER, now=NOW + 2 * DAY) == [MatchOutcome.KNOWN]
    assert (only(store).abstract, only(store).updated) == (other.abstract, NOW + DAY)


def test_variants_within_one_dump_are_one_paper_with_all_categories(store: Store) -> None:
    first = replace(PAPER, categories=("cs.CL",))
    second = replace(PAPER, title=TITLE.upper(), categories=("cs.LG", "cs.CL"))

    assert absorb(store, first, second) == [MatchOutcome.NEW, MatchOutcome.UPDATED]
    assert only(store).categories == ("cs.CL", "cs.LG")


@pytest.mark.parametrize(
    "other",
    [
        replace(PAPER, title=TITLE + " in Speech Recognition", abstract=BIRDS),
        replace(PAPER, title=TITLE, abstract=BIRDS),
        replace(PAPER, title="A Corpus of Birdsong at Dawn", abstract=BIRDS),
        replace(PAPER, title="A Corpus of Birdsong at Dawn", abstract=""),
    ],
)
def test_other_papers_stay_apart(store: Store, other: PaperRecord) -> None:
    assert absorb(store, PAPER, other) == [MatchOutcome.NEW, MatchOutcome.NEW]


def test_one_short_title_over_different_abstracts_is_two_papers(store: Store) -> None:
    first = PaperRecord(
        "Erratum", "In the printed version of this article Figure 2 was upside down."
    )
    second = PaperRecord(
        "Erratum", "The name of the third author was misspelt throughout our paper."
    )

    assert absorb(store, first) == [MatchOutcome.NEW]
    assert absorb(store, second, first) == [MatchOutcome.NEW, MatchOutcome.KNOWN]


def test_titles_with_different_numbers_are_two_papers(store: Store) -> None:
    first = replace(PAPER, title="The Qwen 2 Technical Report on Routing")
    second = replace(PAPER, title="The Qwen 3 Technical Report on Routing")

    assert absorb(store, first, second) == [MatchOutcome.NEW, MatchOutcome.NEW]


def test_two_arxiv_ids_are_two_papers_whatever_their_text(store: Store) -> None:
    first = replace(PAPER, identifiers=(Identifier("arxiv", "2508.00001"),))
    second = replace(PAPER, identifiers=(Identifier("arxiv", "2508.00002"),))

    assert absorb(store, first, second) == [MatchOutcome.NEW, MatchOutcome.NEW]
    assert absorb(store, second, first) == [MatchOutcome.KNOWN, MatchOutcome.KNOWN]


def test_an_identifier_finds_a_paper_that_was_rewritten(store: Store) -> None:
    name = Identifier("doi", "10.1000/182")
    absorb(store, replace(PAPER, identifiers=(name,)))

    what = absorb(store, replace(PAPER, title="Birds", abstract=BIRDS, identifiers=(name,)))

    assert what == [MatchOutcome.UPDATED]
    assert only(store).title == "Birds"


def test_the_arxiv_id_in_a_link_names_the_paper(store: Store) -> None:
    absorb(store, replace(PAPER, url="https://arxiv.org/pdf/2508.00001v2"))

    with store.read() as connection:
        found = papers.by_identifier(connection, parse_identifier("arxiv:2508.00001"))

    assert found == only(store)


def test_a_link_that_many_papers_give_names_none_of_them(store: Store) -> None:
    listing = "https://example.org/papers"
    birds = PaperRecord("A Corpus of Birdsong at Dawn", BIRDS, url=listing)

    assert absorb(store, replace(PAPER, url=listing), birds) == [MatchOutcome.NEW, MatchOutcome.NEW]


def test_a_paper_known_by_its_text_gains_its_names(store: Store) -> None:
    absorb(store, PAPER)
    before = only(store)

    what = absorb(store, replace(PAPER, identifiers=(Identifier("arxiv", "2508.00001"),)))

    assert what == [MatchOutcome.UPDATED]
    assert only(store) == replace(before, identifier=Identifier("arxiv", "2508.00001"))
    with store.read() as connection:
        assert papers.by_identifier(connection, before.identifier) == only(store)


def test_a_cut_abstract_never_replaces_the_whole_one(store: Store) -> None:
    absorb(store, PAPER)

    absorb(store, replace(PAPER, abstract=ABSTRACT[:150]), replace(PAPER, abstract=""))

    assert only(store).abstract == ABSTRACT


def test_the_whole_abstract_replaces_a_cut_one(store: Store) -> None:
    absorb(store, replace(PAPER, abstract=ABSTRACT[:200]))

    assert absorb(store, PAPER) == [MatchOutcome.UPDATED]
    assert only(store).abstract == ABSTRACT


def test_an_older_dump_moves_first_seen_back_and_leaves_the_text(store: Store) -> None:
    absorb(store, PAPER)
    older = replace(
        PAPER, abstract=ABSTRACT.replace("cheaper", "draft of a"), first_seen=NOW - 5 * DAY
    )

    absorb(store, older)

    assert only(store).first_seen == NOW - 5 * DAY
    assert only(store).abstract == ABSTRACT


def test_nothing_is_seen_or_published_in_the_future(store: Store) -> None:
    absorb(store, replace(PAPER, first_seen=NOW + 400 * DAY, published=date(9999, 1, 1)))

    assert only(store).first_seen == NOW
    assert only(store).published == NOW.date()


def test_an_exported_paper_keeps_its_uid_unless_it_is_taken(store: Store) -> None:
    uid = str(uuid4())
    birds = PaperRecord("A Corpus of Birdsong at Dawn", BIRDS, uid=uid)

    absorb(store, replace(PAPER, uid=uid), birds, PaperRecord("Odd", uid="no uuid"))

    first, *others = (paper.uid for paper in everything(store))
    assert first == uid
    assert len({uid, *others}) == 3


def test_hostile_text_lies_in_both_databases_alike(store: Store) -> None:
    title = "{{7*7}} <script>\x00\ud800 \u202e😀 %_\\ '; DROP TABLE paper; --"

    absorb(
        store,
        PaperRecord(title, ABSTRACT, authors=("A\x00B",), url="https://example.org/" + "x" * 900),
    )

    assert only(store).title == "{{7*7}} <script> 😀 %_\\ '; DROP TABLE paper; --"


def test_candidates_are_what_was_seen_or_read_in_the_window(store: Store) -> None:
    def seen(name: str, days: int, read_days: int) -> PaperRecord:
        return PaperRecord(name, first_seen=NOW - days * DAY, ingested_at=NOW - read_days * DAY)

    absorb(
        store,
        seen("fresh", 1, 1),
        seen("old", 9, 9),
        seen("old but read late", 30, 2),
        seen("after the moment", 0, 0),
    )

    with store.read() as connection:
        found = papers.candidates(connection, at=NOW - DAY, window=7 * DAY)

    assert [paper.title for paper in found] == ["fresh", "old but read late"]


def test_the_corpus_can_be_bounded(store: Store) -> None:
    absorb(store, *(PaperRecord(f"Paper {n}", first_seen=NOW - n * DAY) for n in range(5)))

    with store.read() as connection:
        bounded = papers.corpus(connection, since=NOW - 3 * DAY, until=NOW - DAY)
        newest = papers.corpus(connection, limit=2)

    assert [paper.title for paper in bounded] == ["Paper 1", "Paper 2"]
    assert [paper.title for paper in newest] == ["Paper 0", "Paper 1"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("routing experts", [TITLE]),
        ("DAWN", ["Birds of Zürich"]),
        ("zürich", ["Birds of Zürich"]),
        ("routing dawn", []),
        ("100%_", []),
        ("", [TITLE, "Birds of Zürich"]),
    ],
)
def test_search_finds_papers_that_have_every_word(
    store: Store, words: str, found: list[str]
) -> None:
    absorb(store, PAPER, PaperRecord("Birds of Zürich", BIRDS, first_seen=NOW - 2 * DAY))

    with store.read() as connection:
        assert [paper.title for paper in search_papers(connection, words)] == found


def test_count_and_extent_tell_what_there_is(store: Store) -> None:
    with store.read() as connection:
        assert papers.extent(connection) == papers.Extent(0, None)
    absorb(store, PAPER)

    with store.read() as connection:
        assert papers.count(connection) == 1
        assert papers.extent(connection) == papers.Extent(1, NOW)
        assert papers.get(connection, [only(store).id, 999]) == {only(store).id: only(store)}


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    seen: list[str] = []
    record = lambda _c, _cursor, statement, *_: seen.append(statement)  # noqa: E731 - a listener
    event.listen(store.engine, "before_cursor_execute", record)
    yield seen
    event.remove(store.engine, "before_cursor_execute", record)


def test_a_batch_takes_a_fixed_number_of_queries(store: Store, statements: list[str]) -> None:
    def drafts(count: int) -> list[PaperRecord]:
        return [PaperRecord(f"Paper {n} of {count}", f"{BIRDS} {n} {count}") for n in range(count)]

    absorb(store, *drafts(100))
    for_hundred = len(statements)
    absorb(store, *drafts(900))

    assert len(statements) - for_hundred < for_hundred + 40
