"""Papers of two feeds, one of which copies the other, and of an authority."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import papers
from larkpost.domain import Identifier, PaperRecord
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)
DOI, ARXIV = Identifier("doi", "10.1000/ferries"), Identifier("arxiv", "2608.00001")
LISTED = PaperRecord(
    "Ferries That Wait: Predicting Departures from Nine Years of Logs",
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. Logs and code are public.",
    (DOI,),
    ("Ada Lovelace",),
    unverified=Unverified.ALL,
    text_source="source journal",
)
COPY = replace(LISTED, text_source="source a-blog")
CASINO = replace(
    COPY, title="Casino bonus for everybody who joins", abstract="Jackpots, spins and odds. " * 9
)
GLACIERS = PaperRecord(
    "Glacier melt in the Alps since the Little Ice Age",
    "We reconstruct the extent of forty glaciers from moraines and old maps, and find that two "
    "thirds of the ice is gone. Half of the loss came after 1980.",
    (ARXIV,),
    ("Ada Lovelace",),
)


def take(store: Store, *drafts: PaperRecord) -> list[Paper]:
    """Take these in, one a day; return all papers, in the order of their records."""
    for days, draft in enumerate(drafts):
        with store.begin() as connection:
            papers.absorb(connection, [draft], now=NOW + days * DAY)
    return read_all(store)


def read_all(store: Store) -> list[Paper]:
    """Read all papers, in the order in which they came."""
    with store.read() as connection:
        return sorted(papers.iterate(connection), key=lambda paper: paper.id)


def is_as_listed(paper: Paper) -> bool:
    """Whether a paper says what the journal said, and nothing else."""
    said = (paper.title, paper.abstract, paper.authors, paper.withdrawn, paper.organisation)
    return said == (LISTED.title, LISTED.abstract, LISTED.authors, False, None)
