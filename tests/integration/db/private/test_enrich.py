"""Tests metadata and private papers: unchanged until their paper becomes public."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.dump_files import NOW
from tests.integration.ingest.test_enrich import absorb, arxiv, only, run, text_paper

from larkpost.db import votes
from larkpost.db.private import private_papers, private_upsert
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from larkpost.db.engine import Store


def test_what_only_a_reader_brought_is_left_alone(store: Store) -> None:
    reader = subscriptions.add(store, None, now=NOW)
    bring(store, reader.id, text_paper(identifiers=(Identifier("arxiv", "2607.00001"),)))
    with store.read() as connection:
        (before,) = private_papers.of(connection, reader.id)

    report = run(store, arxiv())

    assert (report.enriched, report.complete, report.unmatched) == (0, 0, 1)
    with store.read() as connection:
        assert private_papers.of(connection, reader.id) == [before]


def test_a_paper_gains_its_link_though_a_reader_brought_its_id_before(store: Store) -> None:
    reader = subscriptions.add(store, None, now=NOW)
    name = Identifier("arxiv", "2607.00001")
    bring(store, reader.id, PaperRecord(title="2607.00001", identifiers=(name,)))
    absorb(store, text_paper())

    first, again = run(store, arxiv()), run(store, arxiv())

    public = only(store)
    assert (first.enriched, again.enriched, again.complete) == (1, 0, 1)
    assert public.url == "https://arxiv.org/abs/2607.00001"
    with store.read() as connection:  # its reader has the public one from now on
        assert private_papers.of(connection, reader.id) == []
        assert [vote.paper_id for vote in votes.of(connection, reader.id)] == [public.id]


def bring(store: Store, owner_id: int, draft: PaperRecord) -> None:
    """Import a paper for a reader, with a thumb up."""
    with store.begin() as connection:
        (made,) = private_upsert.bring(connection, owner_id, [draft], now=NOW)
        votes.cast(connection, Vote(owner_id, made.paper_id, Thumb.UP, NOW, "import"))
