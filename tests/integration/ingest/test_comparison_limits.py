"""Tests that texts which are costly to compare hold up no writer. Work is counted, not timed."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.helpers.dump_files import ABSTRACT, NOW, everything, read, write
from tests.helpers.merging.alike_texts import TITLE, ComparisonCount, make_texts

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.db.matching.comparison import text_comparer
from larkpost.db.matching.paper_upsert import lay_out
from larkpost.domain import Identifier, PaperRecord
from larkpost.ingest import ingest as flow
from larkpost.ingest import transaction_limit
from larkpost.text import minhash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from larkpost.db.engine import Connection

ORIGIN = papers.RecordOrigin("jsonl", None)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> ComparisonCount:
    return ComparisonCount(monkeypatch)


class Transactions:
    """The comparisons that each write transaction made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount) -> None:
        self.comparisons: list[int] = []
        begin = Store.begin

        @contextmanager
        def counting(store: Store) -> Iterator[Connection]:
            with begin(store) as connection:
                before = len(compared.pairs)
                yield connection
                self.comparisons.append(len(compared.pairs) - before)

        monkeypatch.setattr(Store, "begin", counting)


def _dump(folder: Path, abstracts: list[str], titles: list[str] | None = None) -> Path:
    given = titles or [TITLE] * len(abstracts)
    records = [{"title": t, "abstract": a} for t, a in zip(given, abstracts, strict=True)]
    return write(folder, "\n".join(map(json.dumps, records)), "evil.jsonl")


def test_a_record_is_compared_with_few_long_texts_under_its_title(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    monkeypatch.setattr(text_comparer, "MOST_FOR_RECORD", 4_000)

    report = read(store, _dump(tmp_path, make_texts(12, 700)))

    assert report.new == 12
    assert len(compared.pairs) <= 12 * 3  # 1,400 characters each
    assert len(set(compared.pairs)) == len(compared.pairs)


def test_long_texts_that_share_a_part_are_not_compared_under_unlike_titles(
    store: Store, tmp_path: Path, compared: ComparisonCount
) -> None:
    titles = [f"{first} {first}ing" for first in make_texts(15, 60)]

    report = read(store, _dump(tmp_path, make_texts(15, 3_000, shared=0.6), titles))

    assert report.new == 15
    assert compared.pairs == []


def test_comparisons_end_a_transaction_and_the_next_are_made_before_it_begins(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    monkeypatch.setattr(transaction_limit, "MOST_SECONDS", math.inf)
    monkeypatch.setattr(transaction_limit, "MOST_CHARACTERS", 10_000)
    transactions = Transactions(monkeypatch, compared)

    report = read(store, _dump(tmp_path, make_texts(20, 700)))

    assert report.papers == report.new == len(everything(store)) == 20
    first, *others = transactions.comparisons
    assert 7 <= first < 7 + 20  # up to 10,000 characters, and the record in hand
    assert not any(others)
    assert len(compared.pairs) == len(set(compared.pairs)) > first


def test_time_ends_a_transaction_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    monkeypatch.setattr(transaction_limit, "MOST_SECONDS", 0)
    monkeypatch.setattr(flow, "SLICE", 2)
    transactions = Transactions(monkeypatch, compared)

    report = read(store, _dump(tmp_path, make_texts(6, 100), make_texts(6, 40)))

    assert report.papers == report.new == len(everything(store)) == 6
    assert len(transactions.comparisons) == 3 + 1  # and one that records the result


def test_a_slice_is_bounded_by_its_characters_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    monkeypatch.setattr(transaction_limit, "MOST_SECONDS", 0)
    monkeypatch.setattr(flow, "SLICE_CHARACTERS", 1_000)
    transactions = Transactions(monkeypatch, compared)

    read(store, _dump(tmp_path, make_texts(6, 700), make_texts(6, 40)))

    assert len(transactions.comparisons) == 3 + 1


def test_letters_beyond_ascii_count_several_times_because_they_take_longer_to_fold(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    monkeypatch.setattr(transaction_limit, "MOST_SECONDS", 0)
    monkeypatch.setattr(flow, "SLICE_CHARACTERS", 2_000)
    transactions = Transactions(monkeypatch, compared)

    read(store, _dump(tmp_path, [f"{text} \u03b1" for text in make_texts(6, 700)]))

    assert len(transactions.comparisons) == 6 + 1


def test_a_slice_is_bounded_by_the_names_of_authors_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    monkeypatch.setattr(transaction_limit, "MOST_SECONDS", 0)
    monkeypatch.setattr(flow, "SLICE_CHARACTERS", 2_000)
    transactions = Transactions(monkeypatch, compared)
    records = [{"title": title, "authors": ["A. B"] * 100} for title in make_texts(6, 40)]

    read(store, write(tmp_path, "\n".join(map(json.dumps, records)), "evil.jsonl"))

    assert len(transactions.comparisons) == 6 + 1


def test_the_texts_of_a_record_and_its_paper_are_folded_a_few_times_only(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abstracts = [f"{text} \u03b1\u03c1" for text in make_texts(6, 700)]
    read(store, _dump(tmp_path, abstracts, make_texts(6, 40)))
    minhash._squeeze_again.cache_clear()
    folded: list[str] = []
    fold = minhash._fold_letters

    def counting(text: str) -> str:
        folded.append(text)
        return fold(text)

    monkeypatch.setattr(minhash, "_fold_letters", counting)

    changed = [f"{text} changed" for text in abstracts]
    report = read(store, _dump(tmp_path, changed, make_texts(6, 40)))

    assert (report.papers, report.new) == (6, 0)
    assert 6 <= len([text for text in folded if len(text) > 600]) <= 6 * 4


def test_a_clock_decides_when_a_transaction_has_lasted_long_enough() -> None:
    moments = iter([10.0, 10.2, 10.3])
    limit = transaction_limit.TransactionLimit(papers.TextComparer(), lambda: next(moments))

    assert [limit.is_reached(), limit.is_reached()] == [False, True]


def test_a_paper_that_changed_after_the_comparison_is_compared_again(store: Store) -> None:
    name = Identifier("arxiv", "2608.00001")
    other = PaperRecord(TITLE, abstract=make_texts(1, 700)[0], identifiers=(name,), version=1)
    asked = papers.prepare([PaperRecord(TITLE, abstract=ABSTRACT)], NOW)
    comparer = papers.TextComparer()
    with store.begin() as connection:
        papers.absorb(connection, [other], now=NOW)
    with store.read() as connection:
        papers.compare_ahead(connection, asked, now=NOW, comparer=comparer)
    with store.begin() as connection:
        edited = replace(other, abstract=ABSTRACT.replace("six", "seven"), version=2)
        papers.absorb(connection, [edited], now=NOW)

    with store.begin() as connection:
        (found,) = papers.absorb_prepared(
            connection, asked, now=NOW, origin=ORIGIN, comparer=comparer, until=lambda: False
        )

    assert found.what is not papers.MatchOutcome.NEW
    assert len(everything(store)) == 1


def test_comparing_ahead_writes_nothing(store: Store) -> None:
    asked = papers.prepare([PaperRecord(TITLE, abstract=ABSTRACT)], NOW)

    with store.read() as connection:
        papers.compare_ahead(connection, asked, now=NOW, comparer=papers.TextComparer())

    assert everything(store) == []


def test_of_many_papers_with_one_title_only_those_to_compare_are_read(store: Store) -> None:
    with store.begin() as connection:
        records = [PaperRecord(TITLE, abstract=one) for one in make_texts(30, 60)]
        papers.absorb(connection, records, now=NOW)
    asked = papers.prepare([PaperRecord(TITLE, abstract=ABSTRACT)], NOW)

    with store.read() as connection:
        matcher = lay_out(connection, asked, NOW)

    assert len(matcher.entries) == 20


def test_a_near_duplicate_is_found_among_many_papers_of_its_title(store: Store) -> None:
    others = [PaperRecord(TITLE, abstract=one) for one in make_texts(40, 300)]
    with store.begin() as connection:
        papers.absorb(connection, others, now=NOW)
        (first,) = papers.absorb(connection, [PaperRecord(TITLE, abstract=ABSTRACT)], now=NOW)
        edited = PaperRecord(TITLE, abstract=ABSTRACT.replace("six public", "seven public"))
        (again,) = papers.absorb(connection, [edited], now=NOW)

    assert again.paper_id == first.paper_id
