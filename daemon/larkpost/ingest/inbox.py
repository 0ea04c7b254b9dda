"""Processes the inbox: reads stable files, then moves them to ``done/`` or ``bad/``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from larkpost import logs
from larkpost.db import read_dumps
from larkpost.db.coordination import job_status
from larkpost.disk_space import is_no_room, no_room
from larkpost.errors import Failure, LarkpostError, TryAgainLater, UnreadableDump
from larkpost.ingest.changed_files import list_changed_dumps, list_changed_refusals, why_file
from larkpost.ingest.file_moves import move
from larkpost.ingest.inbox_turns import InboxTurns
from larkpost.ingest.ingest import IngestReport, ingest, was_read
from larkpost.ingest.refused_files import MOST_REFUSALS, Refusal, inbox_refusals, refusals_since
from larkpost.ingest.spool import WHY, InboxFile, ReadAttempts, forget_missing, lying_in
from larkpost.interfaces import DumpFormat
from larkpost.log_events import LogEvent
from larkpost.safe_files import atomic_write, make_folder, remove_stale_drafts
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.db.engine import Store

log = logs.get_logger(__name__)

# How long to wait for the rest of a file that ends within a paper: its writer may have paused.
PAUSE = timedelta(minutes=10)
_REMIND = timedelta(hours=1)
_MOST_LEFT = 100


class InboxFolders(Protocol):
    """The three folders."""

    @property
    def inbox(self) -> Path:
        """The folder for new dumps."""
        ...

    @property
    def done(self) -> Path:
        """The folder of ingested dumps."""
        ...

    @property
    def bad(self) -> Path:
        """The folder of unreadable files, each with a ``.why``."""
        ...


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that was not ingested: ``moved`` to ``bad/``, or left for another attempt.

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
    stopped: Callable[[], bool] = lambda: False,
) -> list[Taken]:
    """Read every file of the inbox that has not changed for ``stable_seconds``, oldest day first.

    Users whose files are in the inbox take turns (``ingest.inbox_turns``).
    Only regular files that are not hidden are read. A file is moved to ``done/`` after its papers
    are committed. It is moved to ``bad/``, with the reason in a ``.why`` file, if nothing in it can
    be read or if the program crashed on it three times. A file that ends within a paper stays until
    it has not changed for ten minutes; a file that changes after it was moved is moved back. An
    error in one file does not stop the others. When ``stopped``, the rest stays, also a file that
    is being read. Raises Failure if the inbox itself cannot be used.
    """
    try:
        make_folder(places.inbox)
        for folder in (places.done, places.bad):  # users who see the inbox may see the results
            make_folder(folder, places.inbox.stat().st_mode & 0o755)
            remove_stale_drafts(folder)
        remove_stale_drafts(places.inbox)
        _bring_back(store, places, now)
        waiting = lying_in(places.inbox)
        for counts in (places.inbox, places.done):
            forget_missing(places.inbox, counts)
    except OSError as error:
        raise _unusable(error, places.inbox) from error
    turns = InboxTurns(places.inbox, timedelta(seconds=stable_seconds), now)
    sweeping = _Sweep(store, dump_formats, places, now, stopped, turns)
    going = takewhile(lambda _file: not stopped(), turns.files(waiting))
    for file in going:
        sweeping.read(file)
    _note(store, sweeping.taken, now)
    return sweeping.taken


def _unusable(error: OSError, inbox: Path) -> LarkpostError:
    if is_no_room(error):
        return no_room(f"the inbox {inbox}", error)
    what = "it is not a folder" if isinstance(error, FileExistsError) else error.strerror
    return Failure(
        f"the inbox cannot be read: {error.filename or inbox}: {what}",
        hint="make it a folder that the daemon can write to; it is checked again automatically",
    )


def _bring_back(store: Store, places: InboxFolders, now: datetime) -> None:
    """Move files back into the inbox if they were written to after they were moved."""
    for one in (*list_changed_dumps(store, places.done, now), *list_changed_refusals(places.bad)):
        name = one_line(one.path.name)
        try:
            move(one.path, places.inbox)
            why_file(one.path).unlink(missing_ok=True)
        except OSError as error:
            log.warning(LogEvent.DUMP_UNRESTORED, name=name, reason=str(error))
        else:
            log.info(LogEvent.DUMP_CHANGED, name=name)


@dataclass(slots=True)
class _Sweep:
    """The state of one sweep; ``paused``: a file waits while others are read."""

    store: Store
    dump_formats: Sequence[DumpFormat]
    places: InboxFolders
    now: datetime
    stopped: Callable[[], bool]
    turns: InboxTurns
    taken: list[Taken] = field(default_factory=list)
    paused: bool = False

    def read(self, one: InboxFile) -> None:
        """Read one file, and others in its pauses; the results are in ``taken``."""
        result = self.take(one)
        if result is not None:
            self.taken.append(result)

    def take(self, one: InboxFile) -> Taken | None:
        """Read one file and move it; catches all errors. Returns None if it was read before."""
        name = one_line(one.path.name)
        tries = ReadAttempts(self.places.inbox, one, spare=self.places.done)
        try:
            report = self._read(one, name, tries)
            cut = report is None or report.cut
            if one.is_unchanged():
                if cut and one.still_for(self.turns.now()) < PAUSE:  # the rest may still be written
                    return report
                move(one.path, self.places.done)
            tries.forget()
        except UnreadableDump as error:
            return self._refuse(one, name, error, tries)
        except (LarkpostError, OSError) as error:
            return None if self.stopped() else _left(name, error)
        except Exception as error:  # a bug that one file triggers must not stop the others
            log.exception(LogEvent.DUMP_FAILED, name=name)
            return _left(name, error)
        return report

    def _read(self, one: InboxFile, name: str, tries: ReadAttempts) -> IngestReport | None:
        """Read a file, unless an earlier sweep has read it and left it in place."""
        if tries.count() and was_read(self.store, one.path):
            return None
        tries.begin(name)
        try:
            report = ingest(
                self.store,
                self.dump_formats,
                one.path,
                now=self.now,
                progress=self._give_way,
                follow=False,
            )
        except (LarkpostError, OSError):
            # These are not crashes: not a dump, a busy database, a full disk, a file being written.
            tries.forget()
            raise
        for warning in report.warnings:
            log.warning(LogEvent.DUMP_WARNED, name=name, warning=warning)
        return report

    def _give_way(self, _done: int, _size: int) -> None:
        """Let others be read between two records; raise TryAgainLater to put the file back."""
        if self.stopped():
            raise TryAgainLater("Larkpost was stopped")
        if not self.turns.is_over():
            return
        if self.paused or self.turns.is_full:
            self.turns.put_back()
            raise TryAgainLater("it takes long to read, and files of other users are read first")
        self.paused = True
        for one in takewhile(lambda _file: not self.stopped(), self.turns.files_between()):
            self.read(one)
        self.paused = False

    def _refuse(
        self, one: InboxFile, name: str, error: LarkpostError, tries: ReadAttempts
    ) -> RejectedFile:
        reason = str(error)
        try:
            target = move(one.path, self.places.bad, beside=WHY)
            why = f"{reason}\n{error.hint}\n" if error.hint else f"{reason}\n"
            seen_by = 0o600 | self.places.bad.stat().st_mode & 0o044
            atomic_write(why_file(target), why.encode(), mode=seen_by)
            tries.forget()
        except OSError as trouble:
            return RejectedFile(
                name, f"{reason}; and it could not be moved: {trouble}", moved=False
            )
        # A file that cannot be moved is refused at each sweep; ``_note`` logs it once per hour.
        log.warning(LogEvent.DUMP_REJECTED, name=name, reason=reason)
        return RejectedFile(name, reason, moved=True, hint=error.hint, place=one_line(str(target)))


def _left(name: str, error: Exception) -> RejectedFile:
    if isinstance(error, OSError) and is_no_room(error):
        error = no_room(error.filename or name, error)
    reason = str(error) if isinstance(error, LarkpostError) else f"{type(error).__name__}: {error}"
    return RejectedFile(name, one_line(reason), moved=False)


def _note(store: Store, taken: Sequence[Taken], now: datetime) -> None:
    """Record which files were refused, and which stay in the inbox.

    Files that stay are recorded and logged when new, and then once per hour; the first hundred by
    name, because other users may put any number there.
    """
    bad = [one for one in taken if isinstance(one, RejectedFile)]
    left = dict(sorted((one.name, one.reason) for one in bad if not one.moved)[:_MOST_LEFT])
    refused = [Refusal(one.name, one.reason, one.hint, one.place, now) for one in bad if one.moved]
    with suppress(LarkpostError):  # an unavailable database is reported elsewhere
        with store.read() as connection:
            happened = job_status.latest(connection)
            newest = next(iter(read_dumps.latest(connection)), None)
        before = happened.get("inbox")
        told = before.detail.get("left", {}) if before else {}
        news = left != told or (left and not (before and timedelta(0) <= now - before.at < _REMIND))
        if not news and not refused:
            return
        since = refusals_since(newest.read_at if newest else None, now)
        earlier = inbox_refusals(happened, since)
        records = [one.record for one in (*earlier, *refused)][-MOST_REFUSALS:]
        with store.begin() as connection:
            job_status.record(connection, "inbox", ok=not left, now=now, left=left, refused=records)
        for name, reason in left.items() if news else ():
            log.warning(LogEvent.DUMP_DEFERRED, name=name, reason=reason)
