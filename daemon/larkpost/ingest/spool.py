"""The files in the inbox and its two folders, and how often reading each of them was begun."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from larkpost.errors import UnreadableDump
from larkpost.formats.dates import in_name
from larkpost.safe_files import open_folder, read_own, write_note

WHY = ".why"  # the ending of the file that says why another one was refused
MOST_TRIES = 3
_TRIES = ".tries-"
_MOST_TRIES_BYTES = 16
# Names under which programs write what is not finished.
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download", "~")


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A regular file, as it was when it was looked at.

    ``modified`` is when its bytes were last written, ``changed`` when anything about it last
    changed, its name too; both in nanoseconds.
    """

    path: Path
    inode: int
    size: int
    modified: int
    changed: int

    @property
    def day(self) -> str:
        """By which files are put in order: the day in the name, else that of the file."""
        named = in_name(self.path.name)
        return str(named or datetime.fromtimestamp(max(self.modified, 0) / 1e9, UTC).date())

    def still_for(self, now: datetime) -> timedelta:
        """How long it has not changed."""
        # A time far in the future is as good as one far in the past: nobody writes to it now.
        return timedelta(seconds=abs(now.timestamp() - self.modified / 1e9))

    def is_unchanged(self) -> bool:
        """Whether it still is what it was; False where it is gone."""
        try:
            now = inspect_file(self.path)
        except FileNotFoundError:
            return False
        return (now.inode, now.size, now.modified) == (self.inode, self.size, self.modified)


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
    return InboxFile(path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class ReadAttempts:
    """How often reading a file was begun, as long as it lies in the inbox; known after a restart.

    The number lies in a hidden file in the inbox, written before the file is read: a file that
    has the process killed for its memory leaves no other trace. A file that was read and stays,
    because its end may still come, keeps its number.
    """

    def __init__(self, inbox: Path, one: InboxFile) -> None:
        key = f"{one.size} {one.modified} ".encode() + os.fsencode(one.path.name)
        self.file = inbox / f"{_TRIES}{sha256(key).hexdigest()[:16]}"

    def count(self) -> int:
        """How often it was."""
        try:
            return int(read_own(self.file, _MOST_TRIES_BYTES))
        except (OSError, ValueError):
            return 0

    def begin(self, name: str) -> None:
        """Count one more; raises UnreadableDump when there were enough."""
        if (before := self.count()) >= MOST_TRIES:
            raise UnreadableDump(
                f"reading {name} crashed the program {MOST_TRIES} times",
                hint="see the log; the file was not deleted",
            )
        write_note(self.file, str(before + 1).encode("ascii"))

    def forget(self) -> None:
        """Begin anew; what cannot be removed, such as a folder of others, is left there."""
        with suppress(OSError):
            self.file.unlink()


def forget_missing(inbox: Path, waiting: Sequence[InboxFile]) -> None:
    """Forget the tries of files that are no longer there.

    What others have put there, and cannot be removed, is no count of ours and stops nothing.
    """
    wanted = {ReadAttempts(inbox, one).file for one in waiting}
    for file in inbox.glob(f"{_TRIES}*"):
        if file not in wanted:
            with suppress(OSError):
                file.unlink()
