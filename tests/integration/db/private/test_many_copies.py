"""Tests that a list whose papers many readers brought in advance is absorbed in short parts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers, votes
from larkpost.db.private import merge_into_public
from larkpost.db.private.merge_into_public import count_ready
from larkpost.db.usage import quotas
from larkpost.domain import Identifier, PaperRecord
from larkpost.formats.jsonl import Jsonl
from larkpost.ingest import ingest
from larkpost.portability.importer import take_papers
from larkpost.readers import onboarding, subscriptions

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store

NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)
TITLES = [f"Whale songs of the {place} ocean" for place in ("northern", "southern", "western")]
BROUGHT = "\n".join(
    f"@article{{k{at}, title = {{{title}}}, eprint = {{2608.0000{at}}}, archivePrefix = {{arXiv}}}}"
    for at, title in enumerate(TITLES, 1)
)


@pytest.fixture
def readers(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Three readers with copies of the three papers."""
    monkeypatch.setattr(merge_into_public, "MOST_COPIES", 6)
    made = [subscriptions.add(store, None, now=NOW).id for _ in range(3)]
    for one in made:
        assert onboarding.from_references(store, one, BROUGHT, now=NOW).new == 3
    return made


def drafts(title: str = "{}") -> list[PaperRecord]:
    return [
        PaperRecord(title=title.format(one), identifiers=(Identifier("arxiv", f"2608.0000{at}"),))
        for at, one in enumerate(TITLES, 1)
    ]


@pytest.mark.parametrize(("title", "ready"), [("{}", 1), ("Another title of {}", 2)])
def test_as_many_papers_are_absorbed_at_once_as_have_few_copies(
    store: Store, readers: list[int], title: str, ready: int
) -> None:
    assert readers
    asked = papers.prepare(drafts(title), NOW)

    with store.read() as connection:
        assert count_ready(connection, asked) == ready
        assert count_ready(connection, asked[2:]) == 1
        assert count_ready(connection, []) == 0


def test_papers_without_copies_are_absorbed_all_at_once(store: Store, readers: list[int]) -> None:
    assert readers
    new = [PaperRecord(title=f"Rivers and rains {at}") for at in range(9)]

    with store.read() as connection:
        assert count_ready(connection, papers.prepare(new, NOW)) == 9


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Write the three papers as a dump, which is a file of an export as well."""
    lines = [{"id": f"arxiv:2608.0000{at}", "title": title} for at, title in enumerate(TITLES, 1)]
    path = tmp_path / "papers.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_every_copy_becomes_the_public_paper_all_the_same(
    store: Store, readers: list[int], dump: Path
) -> None:
    assert ingest.ingest(store, [Jsonl()], dump, now=NOW).new == 3

    with store.read() as connection:
        assert quotas.private_papers(connection) == 0
        assert [len(votes.of(connection, one)) for one in readers] == [3, 3, 3]


def test_an_import_takes_in_all_papers_however_many_copies_they_have(
    store: Store, readers: list[int], dump: Path
) -> None:
    assert take_papers(store, dump, now=NOW).taken == 3

    with store.read() as connection:
        assert papers.count(connection) == 3
        assert quotas.private_papers(connection) == 0
        assert [len(votes.of(connection, one)) for one in readers] == [3, 3, 3]


def test_of_many_copies_under_one_title_a_bounded_number_becomes_public_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = "\n".join(
        f"@article{{k{at}, title = {{{TITLES[0]}}}, doi = {{10.1234/{at}}}}}" for at in range(9)
    )
    first, second = (subscriptions.add(store, None, now=NOW).id for _ in range(2))
    assert onboarding.from_references(store, first, alike, now=NOW).new == 9
    last = f"@article{{k, title = {{{TITLES[0]}}}, doi = {{10.4321/1}}}}"
    assert onboarding.from_references(store, second, last, now=NOW).new == 1
    monkeypatch.setattr(merge_into_public, "MOST_COPIES", 4)

    with store.begin() as connection:
        (public,) = papers.absorb(connection, drafts()[:1], now=NOW)

    with store.read() as connection:
        assert quotas.private_papers(connection) == 9 + 1 - 4
        assert public.paper_id in votes.thumbs(connection, first)
        assert [*votes.thumbs(connection, second)] == [public.paper_id]  # everybody's first one
