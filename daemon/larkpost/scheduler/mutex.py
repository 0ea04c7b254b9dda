"""A mutex between processes, built on a lease that is renewed while it is held."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db.coordination import leases
from larkpost.errors import Busy, LarkpostError
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from larkpost.db.engine import Store

LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 20.0

log = logs.get_logger("larkpost.alone")

# Holders by database and name, of leases of this process that could not be released: the disk was
# full. The next one to ask takes such a lease at once, and is not told that somebody else works.
_unreleased: dict[tuple[str, str], str] = {}


@contextmanager
def alone(
    store: Store, name: str, *, lost: Callable[[], None] = lambda: None, hint: str = ""
) -> Iterator[str]:
    """Hold the lease ``name`` inside the context, renewed by a thread; yields the holder's name.

    Raises Busy, naming the holder, while another process has it; the lease of a killed process ends
    after a minute. Calls ``lost`` when another process took it because this machine was asleep.
    """
    key = store.name, name
    me = _unreleased.get(key) or _new_holder()
    if other := _other_holder(store, name, me):
        raise Busy(f"another {name} is running on {store.name}: {other}", hint=hint)
    _unreleased.pop(key, None)
    done = threading.Event()
    renewal = threading.Thread(
        target=_renew, args=(store, name, me, done, lost), name=f"lease of {name}", daemon=True
    )
    renewal.start()
    try:
        yield me
    finally:
        done.set()
        _unreleased[key] = me
        with store.begin() as connection:
            leases.release(connection, name, me)
        del _unreleased[key]


def is_held(store: Store, name: str) -> bool:
    """Return whether a process holds the lease ``name``."""
    with store.read() as connection:
        return leases.holder(connection, name, now=datetime.now(UTC)) is not None


def _new_holder() -> str:
    return f"process {os.getpid()} on {logs.escape(socket.gethostname())} ({secrets.token_hex(4)})"


def _other_holder(store: Store, name: str, me: str) -> str | None:
    """Take or renew the lease; returns the other holder, if there is one."""
    now = datetime.now(UTC)  # a lease is about the processes' time, not about the work's
    with store.begin() as connection:
        if leases.take(connection, name, me, now=now, seconds=LEASE_SECONDS):
            return None
        return leases.holder(connection, name, now=now) or "unknown"


def _renew(
    store: Store, name: str, me: str, done: threading.Event, lost: Callable[[], None]
) -> None:
    trouble = ""
    while not done.wait(RENEWAL_SECONDS):
        try:
            other = _other_holder(store, name, me)
        except LarkpostError as error:
            if str(error) != trouble:  # a disk may be full for hours
                log.warning(LogEvent.LEASE_UNRENEWED, lease=name, error=str(error))
            trouble = str(error)
            continue
        trouble = ""
        if other:
            log.error(LogEvent.LEASE_LOST, lease=name, owner=other)
            lost()
            return
