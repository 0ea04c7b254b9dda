"""Sweeps the inbox folder: reads what has settled, then moves it to ``done/`` or ``bad/``."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import structlog

from larkpost.errors import Failure, LarkpostError, UnreadableDump
from larkpost.flows.ingest import Report, ingest
from larkpost.flows.moving import move
from larkpost.sources.dates import in_name
from larkpost.store import events
from larkpost.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from larkpost.seams import Source
    from larkpost.store.engine import Store

log = structlog.get_logger()

MOST_TRIES = 3
_TRIES = ".tries-"
_REMIND = timedelta(hours=1)
# Names under which programs write what is not finished.
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download", "~")


class Places(Protocol):
    """The three folders."""

    @property
    def inbox(self) -> Path:
        """Where dumps are put."""
        ...

    @property
    def done(self) -> Path:
        """Where they go once they are in the store."""
        ...

    @property
    def bad(self) -> Path:
        """Where those go that cannot be read, each with a ``.why``."""
        ...


@dataclass(frozen=True, slots=True)
class Bad:
    """A file that was not taken in; ``moved`` to ``bad/``, or left to be tried again."""

    name: str
    reason: str
    moved: bool


Taken = Report | Bad


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A regular file in the inbox."""

    path: Path
    inode: int
    size: int
    modified: float

    @property
    def day(self) -> str:
        """By which files are put in order: the day in the name, else that of the file."""
        named = in_name(self.path.name)
        return str(named or datetime.fromtimestamp(max(self.modified, 0), UTC).date())


def sweep(
    store: Store,
    sources: Sequence[Source],
    places: Places,
    *,
    settle_seconds: float,
    now: datetime,
) -> list[Taken]:
    """Read every file of the inbox that has not changed for ``settle_seconds``, oldest day first.

    Only regular files that are not hidden are looked at. A file is moved to ``done/`` after its
    papers are committed, and to ``bad/`` with the reason beside it when nothing in it can be
    read, or when reading it broke the program three times. What happens to one file does not
    keep the others from being read. Raises Failure when the inbox itself cannot be used.
    """
    try:
        for folder in (places.inbox, places.done, places.bad):
            folder.mkdir(parents=True, exist_ok=True)
        waiting = _waiting(places.inbox)
        _tidy(places.inbox, waiting)
    except OSError as error:
        raise _unusable(error, places.inbox) from error
    settled = [one for one in waiting if _settled(one, settle_seconds, now)]
    settled.sort(key=lambda one: (one.day, one.modified, os.fsencode(one.path.name)))
    taken = [_take(store, sources, places, one, now) for one in settled]
    _complain(store, taken, now)
    return taken


def _unusable(error: OSError, inbox: Path) -> Failure:
    what = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
    return Failure(
        f"the inbox cannot be read: {error.filename or inbox}: {what}",
        hint="make it a folder that the daemon may write to; it is looked at again by itself",
    )


def _waiting(inbox: Path) -> list[_Waiting]:
    found = []
    with os.scandir(inbox) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                continue
            with suppress(FileNotFoundError):  # gone again already
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    path = inbox / entry.name
                    found.append(_Waiting(path, status.st_ino, status.st_size, status.st_mtime))
    return found


def _settled(one: _Waiting, settle_seconds: float, now: datetime) -> bool:
    # A time far in the future is as good as one far in the past: nobody writes to it now.
    return abs(now.timestamp() - one.modified) >= settle_seconds


def _take(
    store: Store, sources: Sequence[Source], places: Places, one: _Waiting, now: datetime
) -> Taken:
    """Read one file and move it; whatever goes wrong ends here."""
    name = one_line(one.path.name)
    tries = _Tries(places.inbox, one)
    try:
        tries.begin(name)
        report = ingest(store, sources, one.path, now=now, follow=False)
        for warning in report.warnings:
            log.warning("dump is odd", name=name, what=warning)
        _out(one, places.done)
        tries.forget()
    except UnreadableDump as error:
        return _refuse(places, one, name, error, tries)
    except (LarkpostError, OSError) as error:
        # Neither the file's fault nor a crash: a busy database, a full disk, somebody writing.
        with suppress(OSError):
            tries.take_back()
        return _left(name, error)
    except Exception as error:  # a fault in our code on one file must not stop the others
        log.exception("reading a dump broke", name=name)
        return _left(name, error)
    else:
        return report


def _out(one: _Waiting, folder: Path) -> None:
    """Move a file that was read, unless another has taken its place meanwhile."""
    with suppress(FileNotFoundError):  # somebody else has moved it
        status = one.path.stat(follow_symlinks=False)
        if (status.st_ino, status.st_size, status.st_mtime) == (one.inode, one.size, one.modified):
            move(one.path, folder)


def _refuse(places: Places, one: _Waiting, name: str, error: LarkpostError, tries: _Tries) -> Bad:
    reason = str(error)
    log.warning("dump refused", name=name, why=reason)
    try:
        target = move(one.path, places.bad)
        why = f"{reason}\n{error.hint}\n" if error.hint else f"{reason}\n"
        target.with_name(f"{target.name}.why").write_text(why, "utf-8")
        tries.forget()
    except OSError as trouble:
        return Bad(name, f"{reason}; and it could not be moved: {trouble}", moved=False)
    return Bad(name, reason, moved=True)


def _left(name: str, error: Exception) -> Bad:
    reason = str(error) if isinstance(error, LarkpostError) else f"{type(error).__name__}: {error}"
    return Bad(name, one_line(reason), moved=False)


class _Tries:
    """How often reading a file was begun and not brought to an end, told across restarts.

    The number lies in a hidden file in the inbox, written before the file is read: a file that
    has the process killed for its memory leaves no other trace.
    """

    def __init__(self, inbox: Path, one: _Waiting) -> None:
        key = f"{one.size} {one.modified} ".encode() + os.fsencode(one.path.name)
        self.file = inbox / f"{_TRIES}{sha256(key).hexdigest()[:16]}"

    def count(self) -> int:
        try:
            return int(self.file.read_text("ascii"))
        except (OSError, ValueError):
            return 0

    def begin(self, name: str) -> None:
        """Count one more; raises UnreadableDump when there were enough."""
        if (before := self.count()) >= MOST_TRIES:
            raise UnreadableDump(
                f"reading {name} broke the program {MOST_TRIES} times",
                hint="the log tells where; the file is kept",
            )
        self.file.write_text(str(before + 1), "ascii")

    def take_back(self) -> None:
        if (count := self.count()) > 1:
            self.file.write_text(str(count - 1), "ascii")
        else:
            self.forget()

    def forget(self) -> None:
        self.file.unlink(missing_ok=True)


def _tidy(inbox: Path, waiting: Sequence[_Waiting]) -> None:
    """Forget the tries of files that are no longer there."""
    wanted = {_Tries(inbox, one).file for one in waiting}
    for file in inbox.glob(f"{_TRIES}*"):
        if file not in wanted:
            file.unlink(missing_ok=True)


def _complain(store: Store, taken: Sequence[Taken], now: datetime) -> None:
    """Tell of files that stay in the inbox when that is news, and else once an hour."""
    left = {one.name: one.reason for one in taken if isinstance(one, Bad) and not one.moved}
    with suppress(LarkpostError):  # a database that does not answer is told of elsewhere
        with store.read() as connection:
            before = events.latest(connection).get("inbox")
        told = before.detail.get("left", {}) if before else {}
        if left == told and (not left or (before and now - before.at < _REMIND)):
            return
        with store.begin() as connection:
            events.record(connection, "inbox", ok=not left, now=now, left=left)
        for name, reason in left.items():
            log.warning("dump left in the inbox", name=name, why=reason)
