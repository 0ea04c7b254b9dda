"""Starts a taste from what somebody has read before: references become papers and thumbs up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from larkpost.domain import Thumb, Vote
from larkpost.sources.references import read_references
from larkpost.store import papers, readers, votes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from larkpost.domain import Draft, Identifier, Paper, Reader
    from larkpost.flows.quotas import Allowance
    from larkpost.seams import Space
    from larkpost.store.engine import Connection, Store

VIA = "import"
# What a reader brings is older than any edition looks back: it must not come to other readers as
# the news of the day.
OLD = timedelta(days=60)
RATED = 10
FEWEST, AMONG = 30, 500  # papers out of which those to rate are chosen


@dataclass(frozen=True, slots=True)
class Start:
    """What became of a list of references: thumbs given, papers new here, names not known here."""

    liked: int
    new: int
    unknown: tuple[str, ...] = ()


def from_references(
    store: Store, reader_id: int, text: str, *, now: datetime, allowance: Allowance | None = None
) -> Start:
    """Give a thumb up to every paper of the list that the reader has not judged yet.

    A reference with a title that is not here becomes a paper; one that is only a name is told in
    ``unknown``. Nothing that is here already is changed, and what becomes a paper is shown to its
    readers alone until a dump lists it. Raises UsageError for text of a kind that is not read, and
    QuotaExceeded for more than the ``allowance``; then nothing is taken.
    """
    drafts = [replace(draft, url=None, guest=True) for draft in read_references(text)]
    with store.begin() as connection:
        reader = readers.get(connection, reader_id)
        known = papers.owners(connection, {name for one in drafts for name in one.identifiers})
        found = [_known(one, known) for one in drafts]
        titled = [one for one, at in zip(drafts, found, strict=True) if at is None and one.title]
        absorbed = papers.absorb(connection, [_aged(one, now) for one in titled], now=now)
        ids = {at for at in found if at is not None} | {one.paper_id for one in absorbed}
        liked = _like(connection, reader, sorted(ids), now)
        if allowance:
            became = zip(titled, absorbed, strict=True)
            new = [draft for draft, one in became if one.what is papers.What.NEW]
            allowance.take_papers(connection, reader_id, new, now)
            allowance.check_thumbs(connection, reader_id)
    nameless = [one for one, at in zip(drafts, found, strict=True) if at is None and not one.title]
    return Start(
        liked=liked,
        new=sum(one.what is papers.What.NEW for one in absorbed),
        unknown=tuple(str(one.identifiers[0]) for one in nameless),
    )


def to_rate(space: Space, among: Sequence[Paper], *, known: Collection[int] = ()) -> list[Paper]:
    """Ten papers to rate of ``among``, see ``rateable``: those that tell most about a taste.

    None of them is ``known``, by its id: rated by the reader, or shown before. The same papers
    give the same ten.
    """
    from larkpost.ranking import TextSpace, informative

    if not isinstance(space, TextSpace):
        return []
    return informative(space, among, RATED, known=[one for one in among if one.id in known])


def rateable(connection: Connection, *, now: datetime, window: timedelta) -> list[Paper]:
    """The papers out of which those to rate are chosen, newest first: what came lately."""
    lately = papers.candidates(connection, at=now, window=window)
    if len(lately) < FEWEST:
        lately = papers.corpus(connection, until=now, limit=AMONG, withdrawn=False)
    return lately[:AMONG]


def _known(draft: Draft, known: Mapping[Identifier, int]) -> int | None:
    return next((known[name] for name in draft.identifiers if name in known), None)


def _aged(draft: Draft, now: datetime) -> Draft:
    published = datetime.combine(draft.published or now.date(), time(), UTC)
    seen = min(published, now - OLD)
    return replace(draft, first_seen=seen, arrived=seen)


def _like(connection: Connection, reader: Reader, ids: Sequence[int], now: datetime) -> int:
    judged = {vote.paper_id for vote in votes.of(connection, reader.id)}
    main = reader.interests[0].id
    new = [Vote(reader.id, one, Thumb.UP, now, VIA, main) for one in ids if one not in judged]
    votes.cast_many(connection, new)
    return len(new)
