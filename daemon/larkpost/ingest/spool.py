"""The files in the inbox and its two folders, and the number of attempts to read each."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from heapq import nsmallest
from operator import itemgetter
from pathlib import Path

from larkpost.errors import UnreadableDump
from larkpost.formats.dates import in_name
from larkpost.ingest.file_owners import owner_lookup
from larkpost.safe_files import is_own, open_folder, read_own, write_note

WHY = ".why"  # the extension of the file that contains the reason of a refusal
MOST_TRIES = 3
MOST_LISTED = 10_000  # files of one user
_TRIES = ".tries-"
_MOST_TRIES_BYTES = 16
# Names under which programs write unfinished files.
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download", "~")
# Btrfs, ZFS and others keep times of any year: one such file stopped the reading of the inbox.
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_AGES = timedelta(days=100_000)

FileOrder = tuple[str, int, bytes]


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A snapshot of a regular file.

    ``modified`` is when its bytes were last written, ``changed`` when anything about it last
    changed, including its name; both in nanoseconds. ``owner`` is the number of its user, also of
    one with subordinate uids.
    """

    path: Path
    inode: int
    size: int
    modified: int
    changed: int
    owner: int = 0

    @property
    def day(self) -> str:
        """The day in the name, else the day of the file."""
        named = in_name(self.path.name)
        return str(named or time_of_file(self.modified).date())

    @property
    def order(self) -> FileOrder:
        """The sort key of the files of one user: by day, then by time and name."""
        return self.day, self.modified, os.fsencode(self.path.name)

    def still_for(self, now: datetime) -> timedelta:
        """Return how long the file has not changed."""
        # A time far in the future counts like one far in the past: nobody is writing to the file.
        seconds = abs(now.timestamp() - self.modified / 1e9)
        return timedelta(seconds=min(seconds, _AGES.total_seconds()))

    def is_unchanged(self) -> bool:
        """Return whether the file is unchanged; False if it is gone."""
        try:
            now = inspect_file(self.path)
        except FileNotFoundError:
            return False
        return (now.inode, now.size, now.modified) == (self.inode, self.size, self.modified)


def time_of_file(nanoseconds: int) -> datetime:
    """Return the time of a file; its user can set any: from 1970 to the year 9999."""
    return datetime.fromtimestamp(min(max(nanoseconds / 1e9, 0.0), _LATEST), UTC)


def inspect_file(path: Path) -> InboxFile:
    """Take a snapshot of a file without following a link. Raises OSError."""
    return _make_inbox_file(path, path.stat(follow_symlinks=False), owner_lookup())


def files_in(folder: Path) -> Iterator[InboxFile]:
    """Yield the visible regular files whose names mark them as finished; raises OSError.

    An entry that cannot be looked at is left out: any user can mount a file system of their own
    (FUSE) on a folder of theirs in the inbox, and nobody else may look at it, not even root.
    """
    owner_of = owner_lookup()
    with open_folder(folder) as descriptor, os.scandir(descriptor) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                continue
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield _make_inbox_file(folder / entry.name, status, owner_of)


def lying_in(folder: Path) -> list[InboxFile]:
    """List these files, of each user only the first ``MOST_LISTED`` in their order.

    A user with a million files filled two gigabytes of memory. Raises OSError.
    """
    found: defaultdict[int, list[tuple[FileOrder, InboxFile]]] = defaultdict(list)
    for one in files_in(folder):
        mine = found[one.owner]
        mine.append((one.order, one))
        if len(mine) >= 2 * MOST_LISTED:
            mine[:] = nsmallest(MOST_LISTED, mine, key=itemgetter(0))
    return [
        one for mine in found.values() for _, one in nsmallest(MOST_LISTED, mine, key=itemgetter(0))
    ]


def _is_ours(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # as in ``files_in``
        return is_own(entry.stat(follow_symlinks=False))
    return False


def _make_inbox_file(
    path: Path, status: os.stat_result, owner_of: Callable[[int], int]
) -> InboxFile:
    times = status.st_mtime_ns, status.st_ctime_ns
    return InboxFile(path, status.st_ino, status.st_size, *times, owner_of(status.st_uid))


class ReadAttempts:
    """The number of attempts to read a file while it is in the inbox; survives a restart.

    The number is in a hidden file in the inbox, written before the file is read: if a file gets the
    process killed for its memory, there is no other trace. A file keeps its number if it was read
    and stays because the rest may still be written. Anybody can tell the name of that file, and put
    something there that cannot be replaced; then the number is in the folder ``spare``.
    """

    def __init__(self, inbox: Path, one: InboxFile, *, spare: Path | None = None) -> None:
        key = f"{one.size} {one.modified} ".encode() + os.fsencode(one.path.name)
        self.file = inbox / f"{_TRIES}{sha256(key).hexdigest()[:16]}"
        self._spare = spare / self.file.name if spare else None

    def count(self) -> int:
        """Return the number of attempts."""
        return max(_read_count(file) for file in (self.file, self._spare) if file)

    def begin(self, name: str) -> None:
        """Count one more attempt; raises UnreadableDump over the limit."""
        if (before := self.count()) >= MOST_TRIES:
            raise UnreadableDump(
                f"reading {name} crashed the program {MOST_TRIES} times",
                hint="see the log; the file was not deleted",
            )
        number = str(before + 1).encode("ascii")
        try:
            write_note(self.file, number)
        except OSError:
            if self._spare is None or not os.access(self.file.parent, os.W_OK):
                raise
            write_note(self._spare, number)

    def forget(self) -> None:
        """Reset the count; an entry that cannot be removed, such as a folder of others, stays."""
        for file in filter(None, (self.file, self._spare)):
            with suppress(OSError):
                file.unlink()


def _read_count(file: Path) -> int:
    try:
        return int(read_own(file, _MOST_TRIES_BYTES))
    except (OSError, ValueError):
        return 0


def has_attempts(folder: Path) -> bool:
    """Return whether a folder contains counts of attempts; raises OSError."""
    with os.scandir(folder) as entries:
        return any(entry.name.startswith(_TRIES) for entry in entries)


def forget_missing(inbox: Path, counts: Path | None = None) -> None:
    """Delete the counts of files that are gone from ``inbox``; raises OSError.

    They are in the same folder, or in ``counts``. Entries of other users that cannot be removed are
    ignored.
    """
    counts = counts or inbox
    with open_folder(counts) as descriptor, os.scandir(descriptor) as entries:
        left = {
            entry.name for entry in entries if entry.name.startswith(_TRIES) and _is_ours(entry)
        }
    if not left:
        return
    for one in files_in(inbox):
        left.discard(ReadAttempts(inbox, one).file.name)
    for name in left:
        with suppress(OSError):
            (counts / name).unlink()
