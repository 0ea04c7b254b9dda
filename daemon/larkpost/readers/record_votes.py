"""Records votes from every channel, and resolves the paper that is meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import editions, papers, votes
from larkpost.db.private import private_papers
from larkpost.db.usage import forgotten_votes
from larkpost.domain import Edition, Identifier, Paper, Reader, Thumb, Vote
from larkpost.errors import UnknownPaper, UsageError
from larkpost.text.identifiers import parse_identifier
from larkpost.text.normalize import shorten
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store

VOTE_DAYS = 90  # after an edition: old newsletters are in many hands
AT_ONCE = 200  # thumbs that are restored in one transaction
_POSITION = re.compile(r"[0-9]{1,4}")
_THUMBS = {"up": Thumb.UP, "down": Thumb.DOWN, "clear": None}


def is_late(edition: Edition, now: datetime) -> bool:
    """Return whether the links of an edition, and replies to it, no longer vote."""
    return now > edition.published_at + timedelta(days=VOTE_DAYS)


def cast(
    store: Store,
    reader_id: int,
    paper_id: int,
    thumb: Thumb | None,
    *,
    source: str,
    now: datetime,
    interest_id: int | None = None,
    permit: Callable[[Connection], None] | None = None,
) -> Vote | None:
    """Record a thumb, or clear it with None; returns the previous vote.

    The last thumb wins, and a repeat changes only its time. Without ``interest_id`` the vote goes
    to the interest that chose the paper, if one did. To undo, cast the thumb of the vote returned
    here. ``permit`` is called in the transaction, before anything is written; if it raises, nothing
    is.
    """
    with store.begin() as connection:
        if permit is not None:
            permit(connection)
        before = votes.one(connection, reader_id, paper_id)
        if thumb is None:
            votes.clear(connection, reader_id, paper_id)
            private_papers.note_cleared(connection, [paper_id], now)
            return before
        if interest_id is None:
            interest_id = before.interest_id if before else None
        if interest_id is None:
            interest_id = editions.chooser(connection, reader_id, paper_id)
        votes.cast(connection, Vote(reader_id, paper_id, thumb, now, source, interest_id))
        return before


def roll_back(
    store: Store,
    reader_id: int,
    *,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Vote]:
    """Delete every thumb of a reader cast from ``since`` on and before ``until``.

    Returns the deleted votes, oldest first; thumbs that they had replaced are lost.
    """
    with store.begin() as connection:
        gone = votes.clear_between(connection, reader_id, since, until)
        private_papers.note_cleared(connection, (vote.paper_id for vote in gone), now)
        return gone


def forget(store: Store, reader_id: int, before: datetime, *, now: datetime) -> list[Vote]:
    """Forget every thumb that a reader gave before a time; returns them, oldest first.

    They no longer count, and ``remember`` restores them for a month.
    """
    with store.begin() as connection:
        gone = forgotten_votes.forget(connection, reader_id, before, now)
        private_papers.note_cleared(connection, (vote.paper_id for vote in gone), now)
        return gone


def remember(store: Store, reader_id: int) -> int:
    """Undo the last ``forget`` of a reader; returns how many thumbs count again.

    A newer thumb on the same paper stays. After a month there is nothing to undo. It is done in
    short transactions; one for 20,000 thumbs, beside 40 other new readers with the same ones, kept
    all votes waiting for 16 seconds. If it is interrupted, repeating it continues.
    """
    with store.read() as connection:
        last = forgotten_votes.latest(connection, reader_id)
    total, more = 0, last is not None
    while last is not None and more:
        with store.begin() as connection:
            count, more = forgotten_votes.restore(connection, reader_id, last.at, most=AT_ONCE)
        total += count
    return total


def resolve(connection: Connection, reader: Reader, ref: str) -> Paper:
    """Find the paper that ``ref`` names for this reader.

    ``ref`` is ``scheme:value``, a URL, or a position in the reader's latest edition. Raises
    UnknownPaper, and UsageError if it is none of these.
    """
    ref = ref.strip()
    if _POSITION.fullmatch(ref):
        return _at(connection, reader, int(ref))
    identifier = parse_identifier(ref)
    paper = papers.by_identifier(connection, identifier)
    if paper is None:
        paper = _on_own_list(connection, reader, identifier)
    if paper is None:
        raise UnknownPaper(
            f"there is no paper {identifier}",
            hint="run larkpost papers --search WORDS to list papers with their ids",
        )
    return paper


def read_thumb(name: str) -> Thumb | None:
    """Read ``up``, ``down`` or ``clear`` (None); raises UsageError for anything else."""
    try:
        return _THUMBS[name]
    except KeyError:
        raise UsageError(
            f"{shorten(name, 40)!r} is not a thumb", hint="give one of: up, down, clear"
        ) from None


def _on_own_list(connection: Connection, reader: Reader, name: Identifier) -> Paper | None:
    """Find a private paper of the reader by one of its identifiers."""
    found = private_papers.find(connection, reader.id, {name})
    return papers.get(connection, found.values()).get(found[name]) if found else None


def _at(connection: Connection, reader: Reader, position: int) -> Paper:
    latest = editions.latest(connection, reader.id)
    if not latest:
        raise UnknownPaper(
            f"there is no position {position}: {_who(reader)} has had no edition yet",
            hint="give the identifier of the paper, such as arxiv:2508.13426",
        )
    for pick in latest[0].picks:
        if pick.position == position:
            return pick.paper
    raise UnknownPaper(
        f"the edition of {latest[0].date} has no position {position};"
        f" it has {quantity(len(latest[0].picks), 'paper')}",
        hint=f"run larkpost preview {reader.address or reader.uid} to see the edition",
    )


def _who(reader: Reader) -> str:
    return reader.address or reader.name or reader.uid
