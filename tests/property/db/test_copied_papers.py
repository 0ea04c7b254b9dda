"""Random sequences of records of an authority, a feed, and feeds that copy from both."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.db import papers, votes
from larkpost.db.engine import Store
from larkpost.domain import Identifier, Paper, PaperRecord, Thumb
from larkpost.readers import record_votes, subscriptions
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
FERRIES = PaperRecord(
    "Ferries That Wait: Predicting Departures from Nine Years of Logs",
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. Logs and code are public.",
    authors=("Ada Lovelace",),
)
GLACIERS = PaperRecord(
    "Glacier melt in the Alps since the Little Ice Age",
    "We reconstruct the extent of forty glaciers from moraines and old maps, and find that two "
    "thirds of the ice is gone. Half of the loss came after 1980.",
    authors=("Ada Lovelace",),
)
ARXIV = Identifier("arxiv", "2608.00001")
NAMES = [
    (),
    (Identifier("doi", "10.1000/one"),),
    (ARXIV,),
    (Identifier("arxiv", "2101.00007"),),
    (Identifier("url", "https://journal.example/all"),),
    (Identifier("doi", "10.1000/two"), Identifier("url", "https://evil.example/")),
]
CLAIMS: list[dict[str, Any]] = [
    *[{}] * 6,
    {"withdrawn": True},
    {"comment": "EVIL"},
    {"authors": ("Ada Lovelace", "Evil One")},
    {"first_seen": NOW - timedelta(days=3000)},
    {"came_out": date(2019, 1, 1)},
]


def copy(dice: random.Random) -> PaperRecord:
    """Make a record of a hostile feed: the text of a listed paper or one like it, with claims."""
    record = dice.choice([FERRIES, GLACIERS])
    title, abstract = record.title, record.abstract
    texts: list[dict[str, Any]] = [
        *[{}] * 4,
        {"title": "Casino bonus for everybody who joins"},
        {"abstract": f"{abstract} Evil is at casino.example."},
        {"abstract": ""},
        {"abstract": "This paper has been withdrawn by the authors."},
        {"abstract": f"{abstract[:90]}..."},
        {"title": " ".join(title), "abstract": " ".join(abstract)},
        {"title": title.replace("i", "\u0131")},
        {"abstract": f"{abstract}..."},
    ]
    changed = dice.choice(texts) | dice.choice(CLAIMS) | {"identifiers": dice.choice(NAMES)}
    source = dice.choice(["source a-blog", "mail evil.example"])
    return replace(record, **changed, unverified=Unverified.ALL, text_source=source)


def is_as_listed(paper: Paper, record: PaperRecord) -> bool:
    """Whether a paper is recommendable, and says what a record said and nothing else."""
    is_new = min(paper.first_seen, paper.ingested_at) >= NOW
    said = (paper.title, paper.abstract, paper.authors, paper.comment, paper.withdrawn)
    is_verified = not paper.unverified & Unverified.TEXTS or bool(record.unverified)
    return is_new and is_verified and said == (
        record.title, record.abstract, record.authors, None, False
    )  # fmt: skip


@pytest.fixture
def empty(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'random.db')}")
    yield store
    store.close()


@pytest.mark.parametrize("seed", range(20))
def test_what_others_list_is_shown_whatever_feeds_copied(empty: Store, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    reader = subscriptions.add(empty, None, now=NOW)
    honest = replace(
        FERRIES,
        identifiers=dice.choice(NAMES[:2]),
        unverified=Unverified.ALL,
        text_source="source journal",
    )
    authority = replace(GLACIERS, identifiers=dice.choice([(), (ARXIV,)]))
    hostile = [copy(dice) for _ in range(4)]
    listed: set[PaperRecord] = set()
    seen: set[tuple[str, str]] = set()
    counts = []
    steps = [[dice.choice([honest, authority, *hostile]) for _ in range(2)] for _ in range(6)]
    for day, drafts in enumerate([*steps, *[[honest, authority, *hostile]] * 5]):
        with empty.begin() as connection:
            papers.absorb(connection, drafts, now=NOW + timedelta(days=day))
        listed.update({honest, authority}.intersection(drafts))
        with empty.read() as connection:
            found = list(papers.iterate(connection))
            liked = papers.get(connection, votes.thumbs(connection, reader.id)).values()
        counts.append(len(found))
        assert all(any(is_as_listed(paper, record) for paper in found) for record in listed)
        assert all(
            (one.title, one.abstract) in seen for one in liked if one.unverified & Unverified.TEXTS
        )
        if day < len(steps) and dice.random() < 0.3:
            shown = dice.choice(found)
            seen.add((shown.title, shown.abstract))
            record_votes.cast(empty, reader.id, shown.id, Thumb.UP, source="test", now=NOW)
    assert counts[-1] == counts[-3] <= 2 + 2 * len(hostile)
