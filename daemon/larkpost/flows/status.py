"""Tells how things stand: what is here, what happened last, and why a day is quiet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from larkpost.domain import DeliveryState, Status
from larkpost.store import deliveries, dumps, events, papers, readers, votes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from larkpost.domain import Rejected
    from larkpost.store.dumps import Dump
    from larkpost.store.engine import Connection
    from larkpost.store.events import Event


class Quiet(StrEnum):
    """Why a morning may bring nothing."""

    NO_READER = "no-reader"
    NO_DUMP = "no-dump"
    KNOWN_DUMP = "known-dump"
    UNREADABLE_DUMP = "unreadable-dump"
    ALL_BELOW = "all-below"
    ALL_SEEN = "all-seen"
    MAIL_REFUSED = "mail-refused"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a morning may bring nothing, in words, and what to try."""

    kind: Quiet
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand at one moment; ``quiet`` is empty while papers flow to readers.

    ``rejects`` are the first thousand records of the newest dump that could not be read.
    """

    papers: int
    votes: int
    readers: Mapping[Status, int]
    deliveries: Mapping[DeliveryState, int]
    newest_dump: Dump | None
    rejects: Sequence[Rejected]
    next_slot: datetime | None
    events: Mapping[str, Event]
    quiet: tuple[Reason, ...]


def standing(connection: Connection, *, now: datetime, window: timedelta) -> Standing:
    """Read how things stand; ``window`` is how far back an edition looks for papers."""
    happened = events.latest(connection)
    counts = readers.count_by_status(connection)
    newest = next(iter(dumps.latest(connection)), None)
    return Standing(
        papers=papers.count(connection),
        votes=votes.count(connection),
        readers=counts,
        deliveries=deliveries.counts(connection),
        newest_dump=newest,
        rejects=dumps.rejects(connection, newest.id) if newest else (),
        next_slot=readers.next_slot(connection),
        events=happened,
        quiet=quiet(connection, now=now, window=window),
    )


def quiet(connection: Connection, *, now: datetime, window: timedelta) -> tuple[Reason, ...]:
    """Say why a morning may bring nothing; empty while papers flow to readers."""
    return tuple(
        reasons(
            readers=readers.count_by_status(connection)[Status.ACTIVE],
            fresh=papers.count_candidates(connection, at=now, window=window),
            newest=next(iter(dumps.latest(connection)), None),
            happened=events.latest(connection),
        )
    )


def reasons(
    *, readers: int, fresh: int, newest: Dump | None, happened: Mapping[str, Event]
) -> Iterator[Reason]:
    """Say why a morning may bring nothing.

    ``readers`` counts the active ones, ``fresh`` the papers in the window; ``happened`` holds
    the latest event of each kind.
    """
    if not readers:
        yield Reason(
            Quiet.NO_READER, "there is no active reader", "larkpost reader add you@example.org"
        )
    if not fresh:
        last = f"the last one was read on {newest.read_at:%d %B %Y}" if newest else "none ever came"
        yield Reason(
            Quiet.NO_DUMP,
            f"no dump brought a paper lately; {last}",
            "save today's page into the inbox folder, or larkpost ingest FILE",
        )
    yield from _of_ingest(happened.get("ingest"))
    yield from _of_publish(happened.get("publish"))
    yield from _of_deliver(happened.get("deliver"))


def _of_ingest(event: Event | None) -> Iterator[Reason]:
    if event is None:
        return
    name = event.detail.get("name", "the last file")
    if event.detail.get("already"):
        yield Reason(
            Quiet.KNOWN_DUMP,
            f"{name} has the bytes of a dump that was read on {event.detail['already']}",
            "nothing is wrong if it came twice; otherwise fetch a newer page",
        )
    elif not event.ok:
        yield Reason(
            Quiet.UNREADABLE_DUMP,
            f"nothing was recognised in {name}: {event.detail.get('problem', '')}",
            "see the .why file beside it in the folder bad/, and docs/formats.md",
        )


def _of_publish(event: Event | None) -> Iterator[Reason]:
    if event is None or event.detail.get("published"):
        return
    if below := event.detail.get("below"):
        yield Reason(
            Quiet.ALL_BELOW,
            f"every paper was below the threshold of {below} of the readers",
            "larkpost reader set EMAIL --threshold 0",
        )
    elif quiet := event.detail.get("quiet"):
        yield Reason(
            Quiet.ALL_SEEN,
            f"{quiet} of the readers had seen every paper there was",
            "a new dump brings new papers",
        )


def _of_deliver(event: Event | None) -> Iterator[Reason]:
    if event is not None and not event.ok:
        yield Reason(
            Quiet.MAIL_REFUSED,
            f"the mail server did not take letters: {event.detail.get('problem', '')}",
            event.detail.get("hint") or "letters are kept and tried again; larkpost doctor helps",
        )
