"""Sweeps the inbox folder: reads what has settled, then moves it to ``done/`` or ``bad/``."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from larkpost import logs
from larkpost.db import dumps
from larkpost.db.coordination import job_status
from larkpost.disk_space import is_no_room, no_room
from larkpost.errors import Failure, LarkpostError, UnreadableDump
from larkpost.ingest.file_moves import move
from larkpost.ingest.ingest import IngestReport, ingest, was_read
from larkpost.ingest.read_attempts import ReadAttempts, forget_missing
from larkpost.ingest.refused_files import MOST_REFUSALS, Refusal, inbox_refusals
from larkpost.ingest.spool import WHY, ReadFiles, inspect_file, lying_in
from larkpost.log_events import LogEvent
from larkpost.safe_files import atomic_write, make_folder, remove_stale_drafts
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.ingest.spool import InboxFile
    from larkpost.interfaces import DumpFormat

log = logs.get_logger(__name__)

# A file that ends within a paper is waited for so long: whoever writes it may have paused.
PAUSE = timedelta(minutes=10)
_REMIND = timedelta(hours=1)


class InboxFolders(Protocol):
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
class RejectedFile:
    """A file that was not taken in; ``moved`` to ``bad/``, or left to be tried again.

    ``hint`` is what to try, ``place`` the path to which it was moved.
    """

    name: str
    reason: str
    moved: bool
    hint: str = ""
    place: str = ""


Taken = IngestReport | RejectedFile


def sweep(
    store: Store,
    dump_formats: Sequence[DumpFormat],
    places: InboxFolders,
    *,
    stable_seconds: float,
    now: datetime,
) -> list[Taken]:
    """Read every file of the inbox that has not changed for ``stable_seconds``, oldest day first.

    Only regular files that are not hidden are looked at. A file is moved to ``done/`` after its
    papers are committed, and to ``bad/`` with the reason beside it when nothing in it can be
    read, or when reading it broke the program three times. One that ends within a paper stays
    until it has not changed for ten minutes; one that is written to after it was moved comes back.
    What happens to one file does not keep the others from being read. Raises Failure when the
    inbox itself cannot be used.
    """
    try:
        make_folder(places.inbox)
        for folder in (places.done, places.bad):  # who sees the inbox may see what became of it
            make_folder(folder, places.inbox.stat().st_mode & 0o755)
            remove_stale_drafts(folder)
        remove_stale_drafts(places.inbox)
        read = ReadFiles(places.inbox, (places.done, places.bad))
        _bring_back(read, places, now)
        waiting = lying_in(places.inbox)
        forget_missing(places.inbox, waiting)
    except OSError as error:
        raise _unusable(error, places.inbox) from error
    settle = timedelta(seconds=stable_seconds)
    settled = [
        one for one in waiting if one.still_for(now) >= (PAUSE if read.waits(one) else settle)
    ]
    settled.sort(key=lambda one: (one.day, one.modified, os.fsencode(one.path.name)))
    sweeping = _Sweep(store, dump_formats, places, read, now)
    taken = [one for one in map(sweeping.take, settled) if one is not None]
    with suppress(OSError):  # a full disk
        read.tidy(now)
    _note(store, taken, now)
    return taken


def _unusable(error: OSError, inbox: Path) -> LarkpostError:
    if is_no_room(error):
        return no_room(f"the inbox {inbox}", error)
    what = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
    return Failure(
        f"the inbox cannot be read: {error.filename or inbox}: {what}",
        hint="make it a folder that the daemon may write to; it is looked at again by itself",
    )


def _bring_back(read: ReadFiles, places: InboxFolders, now: datetime) -> None:
    """Put files back into the inbox that somebody went on writing after they were moved."""
    for one in read.list_changes(now):
        name = one_line(one.path.name)
        try:
            move(one.path, places.inbox)
            if one.path.parent == places.bad:
                _why(one.path).unlink(missing_ok=True)
        except OSError as error:
            log.warning(LogEvent.DUMP_UNRESTORED, name=name, reason=str(error))
        else:
            log.info(LogEvent.DUMP_CHANGED, name=name)


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What one sweep has at hand."""

    store: Store
    dump_formats: Sequence[DumpFormat]
    places: InboxFolders
    read: ReadFiles
    now: datetime

    def take(self, one: InboxFile) -> Taken | None:
        """Read one file and move it; whatever goes wrong ends here. None: it was read before."""
        name = one_line(one.path.name)
        tries = ReadAttempts(self.places.inbox, one)
        try:
            tries.begin(name)
            report = self._read(one)
            tries.forget()
        except UnreadableDump as error:
            return self._refuse(one, name, error, tries)
        except (LarkpostError, OSError) as error:
            # Neither the file's fault nor a crash: a busy database, a full disk, somebody writing.
            with suppress(OSError):
                tries.take_back()
            return _left(name, error)
        except Exception as error:  # a fault in our code on one file must not stop the others
            log.exception(LogEvent.DUMP_FAILED, name=name)
            return _left(name, error)
        else:
            return report

    def _read(self, one: InboxFile) -> IngestReport | None:
        """Read a file and move it, unless it changed meanwhile, or its end may still come."""
        report = None
        if not (self.read.has(one) and was_read(self.store, one.path)):
            report = ingest(self.store, self.dump_formats, one.path, now=self.now, follow=False)
            for warning in report.warnings:
                log.warning(LogEvent.DUMP_WARNED, name=one_line(one.path.name), warning=warning)
        if one.is_unchanged():
            if report and report.cut and one.still_for(self.now) < PAUSE:
                self.read.add(one, waits=True)
            else:
                self._move(one, self.places.done)
        return report

    def _move(self, one: InboxFile, folder: Path) -> Path:
        self.read.add(one)
        target = move(one.path, folder, beside=WHY if folder == self.places.bad else "")
        self.read.add(inspect_file(target))  # a copy on another disk has an inode of its own
        return target

    def _refuse(
        self, one: InboxFile, name: str, error: LarkpostError, tries: ReadAttempts
    ) -> RejectedFile:
        reason = str(error)
        log.warning(LogEvent.DUMP_REJECTED, name=name, reason=reason)
        try:
            target = self._move(one, self.places.bad)
            why = f"{reason}\n{error.hint}\n" if error.hint else f"{reason}\n"
            seen_by = 0o600 | self.places.bad.stat().st_mode & 0o044
            atomic_write(_why(target), why.encode(), mode=seen_by)
            tries.forget()
        except OSError as trouble:
            return RejectedFile(
                name, f"{reason}; and it could not be moved: {trouble}", moved=False
            )
        return RejectedFile(name, reason, moved=True, hint=error.hint, place=one_line(str(target)))


def _why(path: Path) -> Path:
    return path.with_name(f"{path.name}{WHY}")


def _left(name: str, error: Exception) -> RejectedFile:
    if isinstance(error, OSError) and is_no_room(error):
        error = no_room(error.filename or name, error)
    reason = str(error) if isinstance(error, LarkpostError) else f"{type(error).__name__}: {error}"
    return RejectedFile(name, one_line(reason), moved=False)


def _note(store: Store, taken: Sequence[Taken], now: datetime) -> None:
    """Write down which files were refused, and which stay in the inbox.

    That some stay is written and logged when it is news, and else once an hour.
    """
    bad = [one for one in taken if isinstance(one, RejectedFile)]
    left = {one.name: one.reason for one in bad if not one.moved}
    refused = [Refusal(one.name, one.reason, one.hint, one.place, now) for one in bad if one.moved]
    with suppress(LarkpostError):  # a database that does not answer is told of elsewhere
        with store.read() as connection:
            happened = job_status.latest(connection)
            newest = next(iter(dumps.latest(connection)), None)
        before = happened.get("inbox")
        told = before.detail.get("left", {}) if before else {}
        news = left != told or (left and not (before and timedelta(0) <= now - before.at < _REMIND))
        if not news and not refused:
            return
        earlier = inbox_refusals(happened, newest.read_at if newest else None)
        records = [one.record for one in (*earlier, *refused)][-MOST_REFUSALS:]
        with store.begin() as connection:
            job_status.record(connection, "inbox", ok=not left, now=now, left=left, refused=records)
        for name, reason in left.items() if news else ():
            log.warning(LogEvent.DUMP_DEFERRED, name=name, reason=reason)
