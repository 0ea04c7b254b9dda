"""Makes papers, readers and picks for tests of the database, and reads its content."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import papers, readers, votes
from larkpost.db.search.find import find, parse
from larkpost.domain import Identifier, PaperRecord, Pick, TermWeight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from larkpost.domain import Paper, Reader, Vote

NOW = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)
TODAY = date(2026, 8, 7)
DAY = timedelta(days=1)

# Different subjects, so that no paper is recognised as another one.
SUBJECTS = (
    "Sparse routing in mixtures of experts",
    "Glaciers of the southern Andes seen by radar",
    "A lattice proof of the four squares theorem",
    "Birdsong dialects along urban rivers",
    "Quantum error correction with tetrahedral codes",
    "Medieval trade routes rebuilt from pollen",
)


def add_papers(connection: Connection, count: int) -> list[Paper]:
    """Store papers, at most one per subject."""
    drafts = [
        PaperRecord(
            title=subject,
            abstract=f"{subject}: what is known, and what {subject.split()[-1]} still hides.",
            identifiers=(Identifier("arxiv", f"2608.{number:05}"),),
            authors=("Ada Lovelace", "Émilie du Châtelet"),
            first_seen=NOW - DAY,
        )
        for number, subject in enumerate(SUBJECTS[:count], start=1)
    ]
    ids = [absorbed.paper_id for absorbed in papers.absorb(connection, drafts, now=NOW)]
    found = papers.get(connection, ids)
    return [found[paper_id] for paper_id in ids]


def add_readers(connection: Connection, count: int) -> list[Reader]:
    """Create active readers whose slot is due."""
    return [
        readers.add(connection, address=f"reader{n}@example.org", now=NOW, next_slot=NOW)
        for n in range(1, count + 1)
    ]


def picks_of(chosen: Sequence[Paper]) -> list[Pick]:
    """Pick these papers, in order; all but the first are similar to the first."""
    return [
        Pick(
            paper=paper,
            position=position,
            score=1.0 / position,
            probability=0.5,
            positive_terms=(
                TermWeight("mixture of experts", 0.1 + 0.2),
                TermWeight("routing", 1e-17),
            ),
            negative_terms=(TermWeight("größe", -0.25),),
            similar_paper=chosen[0] if position > 1 else None,
        )
        for position, paper in enumerate(chosen, start=1)
    ]


def search_papers(connection: Connection, words: str) -> list[Paper]:
    """Find papers as the search page does."""
    return list(find(connection, parse(words), limit=50).papers)


def all_votes(connection: Connection) -> list[Vote]:
    """Read all votes by reader, oldest first."""
    return [vote for one in readers.all(connection) for vote in votes.of(connection, one.id)]
