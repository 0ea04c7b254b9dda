"""The tick: one round of everything that time brings, safe to call as often as one likes."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from larkpost.flows.alone import alone
from larkpost.flows.deliver import Ledger, deliver
from larkpost.flows.inbox import sweep
from larkpost.flows.notices import answer
from larkpost.flows.publish import Newsroom, Outcome, publish_due
from larkpost.flows.receipt import Desk, tell
from larkpost.flows.returns import collect
from larkpost.store import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from larkpost.flows.inbox import Taken
    from larkpost.flows.notices import Writer
    from larkpost.flows.receive import Meaning
    from larkpost.mailboxes import Mailboxes
    from larkpost.seams import Renderer, Source, Transport
    from larkpost.settings import Places

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Works:
    """What a tick needs; ``road`` opens the way letters take, ``stopped`` says when to end.

    ``returns`` is the Maildir in which mail to the ``mailboxes`` comes back; ``desk`` says who is
    told of quiet mornings.
    """

    newsroom: Newsroom
    press: Renderer
    road: Callable[[], AbstractContextManager[Transport]]
    sources: Sequence[Source]
    places: Places
    settle_seconds: float
    holder: str
    stopped: Callable[[], bool] = lambda: False
    mailboxes: Mailboxes | None = None
    returns: Path | None = None
    desk: Desk | None = None
    writer: Writer | None = None


@dataclass(slots=True)
class Round:
    """What one tick did; ``troubles`` holds, by step, what kept a step from its end."""

    taken: list[Taken] = field(default_factory=list)
    returned: Counter[Meaning] = field(default_factory=Counter)
    answered: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    ledger: Ledger = field(default_factory=Ledger)
    troubles: dict[str, str] = field(default_factory=dict)


def tick(works: Works, *, now: datetime) -> Round:
    """Take in what lies in the inbox and what came back, publish what is due, deliver it.

    A step that fails is told in ``troubles``, in the log and in the store; the next one runs
    all the same. Raises Busy while another process is at it.
    """
    store = works.newsroom.store
    done = Round()
    with alone(store, "tick", hint="it does the work; there is nothing to do"):
        with _step("ingest", done):
            done.taken = sweep(
                store, works.sources, works.places, settle_seconds=works.settle_seconds, now=now
            )
        with _step("returns", done):
            if works.mailboxes and works.returns:
                done.returned = collect(
                    store, works.mailboxes, works.returns, now=now, stopped=works.stopped
                )
        with _step("notices", done):
            if works.writer:
                done.answered = answer(
                    store, works.writer, works.road, now=now, stopped=works.stopped
                )
        with _step("publish", done):
            done.outcomes = publish_due(works.newsroom, now=now)
        with _step("deliver", done):
            done.ledger = deliver(
                store,
                works.press,
                works.road,
                now=now,
                holder=works.holder,
                patient=True,
                stopped=works.stopped,
            )
        with _step("receipt", done):
            if works.desk:
                tell(store, works.road, works.desk, now=now, window=works.newsroom.window)
        with store.begin() as connection:
            events.record(connection, "tick", ok=not done.troubles, now=now, **done.troubles)
    return done


@contextmanager
def _step(name: str, done: Round) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a fault in one step must not stop the others
        log.exception("step failed", step=name)
        done.troubles[name] = f"{type(error).__name__}: {error}"
