"""The quiet-day receipt: one line to the operator when a morning brought nothing, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from larkpost.flows.status import Quiet, quiet
from larkpost.render.notice import notice
from larkpost.store import events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

    from larkpost.flows.status import Reason
    from larkpost.seams import Transport
    from larkpost.store.engine import Connection, Store

KIND = "receipt"


@dataclass(frozen=True, slots=True)
class Desk:
    """Who is told, and in whose name: a plain address, and the mailbox of ``mail.sender``."""

    operator: str
    sender: str


def tell(
    store: Store,
    road: Callable[[], AbstractContextManager[Transport]],
    desk: Desk,
    *,
    now: datetime,
    window: timedelta,
) -> Sequence[Reason]:
    """Write to the operator why this morning was quiet; at most once a day (UTC).

    Nothing is told before the first editions of the day were due. Gives what was told. Raises
    what the road raises: then it is tried again.
    """
    with store.read() as connection:
        reasons = _untold(connection, now, window)
    if not reasons:
        return ()
    subject = f"Larkpost: a quiet morning: {reasons[0].text}"
    lines = [f"{reason.text}. {reason.hint}" for reason in reasons]
    with road() as transport:
        transport.send(notice(desk.sender, desk.operator, subject, lines, now))
    with store.begin() as connection:
        kinds = [str(reason.kind) for reason in reasons]
        events.record(connection, KIND, ok=True, now=now, told=kinds)
    return reasons


def _untold(connection: Connection, now: datetime, window: timedelta) -> Sequence[Reason]:
    happened = events.latest(connection)
    published, told = happened.get("publish"), happened.get(KIND)
    if published is None or published.at.date() != now.date():
        return ()
    if told is not None and told.at.date() == now.date():
        return ()
    # Whoever asks for receipts knows that nobody subscribes yet.
    return [
        reason
        for reason in quiet(connection, now=now, window=window)
        if reason.kind is not Quiet.NO_READER
    ]
