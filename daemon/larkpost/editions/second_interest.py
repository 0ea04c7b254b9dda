"""Offers a second interest if the papers that a reader likes fall into two groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import interests, readers, votes
from larkpost.domain import Interest, Paper, Reader, Thumb, Vote
from larkpost.errors import UsageError
from larkpost.interfaces import Evidence
from larkpost.schedule import local_date
from larkpost.text.interest_words import LONGEST_INTEREST, MOST_INTERESTS, tidy
from larkpost.text.normalize import one_line, shorten

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.ranking import TextSpace

NOT_AGAIN = timedelta(days=180)  # after an offer was declined
NAMED_AFTER = 2  # words
NOTE = (
    "The papers you like fall into two groups. On the page “Your taste” you can make the second"
    " a separate interest with one click."
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A new interest for the smaller of two groups of liked papers, oldest first.

    ``interest`` is the name of the one that they are liked under, ``others`` are words of the
    larger group, which stays with it.
    """

    interest: str
    name: str
    words: tuple[str, ...]
    papers: tuple[Paper, ...]
    others: tuple[str, ...]


def find_offer(
    space: TextSpace, reader: Reader, asked: Sequence[Evidence], *, now: datetime
) -> Offer | None:
    """Find the first of a reader's interests whose liked papers fall into two groups.

    ``asked`` is the reader's evidence. None if there is no such interest, no room for one more, or
    an offer was declined in the last 180 days. ``ranking.two_groups`` has the rule.
    """
    from larkpost.ranking.exploration.liked_clusters import find_two_groups

    declined = reader.offer_declined
    if declined is not None and now - declined < NOT_AGAIN:
        return None
    if len(reader.interests) >= MOST_INTERESTS:
        return None
    names = {interest.id: interest.name for interest in reader.interests}
    for one in asked:
        votes_cast = zip(one.papers, one.thumbs, strict=True)
        liked = [paper for paper, thumb in votes_cast if thumb is Thumb.UP]
        if groups := find_two_groups(space, liked):
            new = groups.smaller
            name = _free_name(new.terms, names.values())
            return Offer(names[one.interest_id], name, new.terms, new.papers, groups.larger.terms)
    return None


def note(space: TextSpace, reader: Reader, asked: Sequence[Evidence], *, now: datetime) -> str:
    """Return an edition's text about an offer, on one of the reader's days per week, else nothing.

    It contains no words of papers, because editions are forwarded and a paper may be private.
    """
    days = sorted(reader.weekdays)
    asks = days[0] if reader.weekly else days[reader.id % len(days)]
    if local_date(reader.zone, now).weekday() != asks:
        return ""
    return NOTE if find_offer(space, reader, asked, now=now) else ""


def accept(
    store: Store,
    reader_id: int,
    *,
    interest: str,
    name: str,
    words: Iterable[str],
    paper_ids: Collection[int],
) -> None:
    """Create the offered interest, and move the thumbs up on these papers to it.

    ``interest`` is the name of their present one. Raises UsageError if there is none of that name,
    or the new one is impossible.
    """
    name, kept = shorten(name, LONGEST_INTEREST).strip(), tidy(words)
    with store.begin() as connection:
        reader = readers.get(connection, reader_id)
        source = _named(reader, interest)
        if not name or any(one.name == name for one in reader.interests):
            raise UsageError(f"there is an interest called {one_line(name)!r} already")
        if len(reader.interests) >= MOST_INTERESTS:
            raise UsageError(
                f"there are {MOST_INTERESTS} interests already", hint="remove one first"
            )
        interests.set_interest(connection, reader_id, name, words=kept, quota=source.quota)
        new = _named(readers.get(connection, reader_id), name)
        liked = {vote.paper_id for vote in _of(connection, reader, source) if vote.thumb > 0}
        votes.move(connection, reader_id, liked & set(paper_ids), new.id)


def undo(store: Store, reader_id: int, *, name: str, into: str) -> None:
    """Remove the new interest and return its thumbs to their old one.

    Raises UsageError if one of the two is missing, or they are the same.
    """
    with store.begin() as connection:
        reader = readers.get(connection, reader_id)
        gone, back = _named(reader, name), _named(reader, into)
        if gone == back:
            raise UsageError(f"{one_line(name)!r} cannot replace itself")
        theirs = {vote.paper_id for vote in _of(connection, reader, gone)}
        votes.move(connection, reader_id, theirs, back.id)
        interests.remove_interest(connection, reader_id, name)


def decline(store: Store, reader_id: int, *, now: datetime) -> None:
    """Make no such offer for 180 days."""
    with store.begin() as connection:
        readers.update(connection, reader_id, offer_declined=now)


def allow(store: Store, reader_id: int) -> None:
    """Undo ``decline``."""
    with store.begin() as connection:
        readers.update(connection, reader_id, offer_declined=None)


def _of(connection: Connection, reader: Reader, interest: Interest) -> list[Vote]:
    """Return the votes that count for an interest; those for none count for the first."""
    main, known = reader.interests[0].id, {one.id for one in reader.interests}
    return [
        vote
        for vote in votes.of(connection, reader.id)
        if (vote.interest_id if vote.interest_id in known else main) == interest.id
    ]


def _named(reader: Reader, name: str) -> Interest:
    for interest in reader.interests:
        if interest.name == name:
            return interest
    raise UsageError(f"there is no interest called {one_line(name)!r}")


def _free_name(words: Sequence[str], taken: Iterable[str]) -> str:
    """Name an interest after its first words, with as many as make the name unique."""
    known = set(taken)
    for many in range(NAMED_AFTER, len(words) + 1):
        name = shorten(", ".join(words[:many]), LONGEST_INTEREST)
        if name not in known:
            return name
    number = 2
    while f"{words[0]} {number}" in known:
        number += 1
    return f"{words[0]} {number}"
