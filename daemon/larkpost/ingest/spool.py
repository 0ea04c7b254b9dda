"""The state of the files in the inbox and its two folders, and which of them were read."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.formats.dates import in_name
from larkpost.safe_files import open_append, open_folder, read_own, write_note

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

READ = ".read"
WHY = ".why"  # the ending of the file that says why another one was refused
_MOST_READ = 16 * 1024 * 1024  # bytes: a hundred thousand files a day, and more
_WAITS = "waits"
_RECENT = timedelta(days=1)
# Names under which programs write what is not finished.
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download", "~")


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A regular file, as it was when it was looked at; ``modified`` is in nanoseconds."""

    path: Path
    inode: int
    size: int
    modified: int

    @property
    def state(self) -> str:
        """What changes with every change of the file, on one line; a new name is none."""
        return f"{self.inode} {self.size} {self.modified}"

    @property
    def day(self) -> str:
        """By which files are put in order: the day in the name, else that of the file."""
        named = in_name(self.path.name)
        return str(named or datetime.fromtimestamp(max(self.modified, 0) / 1e9, UTC).date())

    def still_for(self, now: datetime) -> timedelta:
        """How long it has not changed."""
        return _still_for(self.modified, now)

    def is_unchanged(self) -> bool:
        """Whether it still is what it was; False where it is gone."""
        try:
            return inspect_file(self.path).state == self.state
        except FileNotFoundError:
            return False


def inspect_file(path: Path) -> InboxFile:
    """Look at a file; a link is not followed. Raises OSError."""
    return _make_inbox_file(path, path.stat(follow_symlinks=False))


def lying_in(folder: Path) -> list[InboxFile]:
    """List the regular files that show and are finished by their names; raises OSError."""
    found = []
    with open_folder(folder) as descriptor, os.scandir(descriptor) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                continue
            with suppress(FileNotFoundError):  # gone again already
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append(_make_inbox_file(folder / entry.name, status))
    return found


def _make_inbox_file(path: Path, status: os.stat_result) -> InboxFile:
    return InboxFile(path, status.st_ino, status.st_size, status.st_mtime_ns)


class ReadFiles:
    """Which files were read, or refused, as they are: told by their states, for a day.

    The states lie in a hidden file in the inbox, a line each, written before the file is moved:
    who goes on writing to a file that was taken for finished does so wherever it is by then. Where
    there is no such file yet, all that lies in the ``folders`` counts as known.
    """

    def __init__(self, inbox: Path, folders: Iterable[Path]) -> None:
        self.file = inbox / READ
        self.folders = tuple(folders)
        try:
            self.states = set(read_own(self.file, _MOST_READ).decode("ascii").splitlines())
        except (OSError, ValueError):
            self.states = {one.state for folder in self.folders for one in lying_in(folder)}

    def has(self, one: InboxFile) -> bool:
        """Whether the file was read as it is."""
        return one.state in self.states or self.waits(one)

    def waits(self, one: InboxFile) -> bool:
        """Whether it was, and stayed where it was because its end is missing."""
        return f"{one.state} {_WAITS}" in self.states

    def add(self, one: InboxFile, *, waits: bool = False) -> None:
        """Write down that it was; raises OSError."""
        state = f"{one.state} {_WAITS}" if waits else one.state
        if state in self.states:
            return
        try:
            with os.fdopen(open_append(self.file), "ab") as file:
                file.write(f"{state}\n".encode("ascii"))
        except OSError:  # somebody has put something else there: it is replaced
            self._write({*self.states, state})
        self.states.add(state)

    def list_changes(self, now: datetime) -> list[InboxFile]:
        """List the files in the folders that were written to, of late, since they were moved."""
        return [
            one
            for folder in self.folders
            for one in lying_in(folder)
            if one.still_for(now) < _RECENT and not self.has(one) and one.path.suffix != WHY
        ]

    def tidy(self, now: datetime) -> None:
        """Forget what has not changed for a day; raises OSError."""
        recent = {
            state for state in self.states if _still_for(_modification_time(state), now) < _RECENT
        }
        if recent == self.states and self.file.exists():
            return
        self._write(recent)
        self.states = recent

    def _write(self, states: Iterable[str]) -> None:
        lines = "".join(f"{state}\n" for state in sorted(states))
        write_note(self.file, lines.encode("ascii"))


def _modification_time(state: str) -> int:
    try:
        return int(state.split()[2])
    except (LookupError, ValueError):  # a line that a full disk cut off
        return 0


def _still_for(modified: int, now: datetime) -> timedelta:
    # A time far in the future is as good as one far in the past: nobody writes to it now.
    return timedelta(seconds=abs(now.timestamp() - modified / 1e9))
