"""Opens the files of the inbound Maildir safely, and moves them without overwriting others.

Anybody who may write to that folder may put anything there. Only regular files are opened: a pipe
would hang, a device would act, and a link could lead to files that are not theirs.
"""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from larkpost.formats.mail.mail_parser import MOST_READ

MOST_LISTED = 100_000  # names of the folder that one call looks at
_LONGEST_NAME = 200  # bytes, so that a number and flags still fit where 255 are allowed
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@dataclass(frozen=True, slots=True)
class MaildirEntry:
    """A mail in the folder: the beginning that is read, and the whole size in bytes."""

    content: bytes
    size: int


class NoMailFile(Exception):
    """The entry is not a regular file; the error's message says what it is."""


def first_names(folder: Path, most: int, *, last: Callable[[str], bool]) -> list[str]:
    """List the first names of a folder in order, with those in ``last`` behind the others.

    Mail programs name mails by the time (maildir(5)), and skip names that begin with a dot.
    """
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, MOST_LISTED)]
    shown = (name for name in names if not name.startswith("."))
    return heapq.nsmallest(most, shown, key=lambda name: (last(name), name))


def read_mail(path: Path, most: int = MOST_READ) -> MaildirEntry:
    """Read the first ``most`` bytes of a mail; raises NoMailFile, and OSError."""
    _require_regular(path.lstat().st_mode)
    number = os.open(path, _FLAGS)
    try:
        status = os.fstat(number)
        _require_regular(status.st_mode)  # it may have replaced the other one meanwhile
        pieces, left = [], most
        while left and (more := os.read(number, left)):
            pieces.append(more)
            left -= len(more)
    finally:
        os.close(number)
    return MaildirEntry(b"".join(pieces), status.st_size)


def _require_regular(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    raise NoMailFile(kinds.get(stat.S_IFMT(mode), "a device"))


def move_mail(path: Path, folder: Path, *, before: str = "", flags: str | None = None) -> Path:
    """Move an entry into a folder, and return its new path; raises OSError.

    A name that is taken there gets a number. ``before`` is put in front of the name; ``flags`` are
    those of a Maildir.
    """
    ending = "" if flags is None else f":2,{flags}"
    stem = os.fsencode(before + path.name.partition(":")[0])[:_LONGEST_NAME]
    for number in count(1):
        middle = "" if number == 1 else f",{number}"
        target = folder / (os.fsdecode(stem) + middle + ending)
        if not os.path.lexists(target):
            path.rename(target)
            return target
    raise AssertionError("numbers do not end")  # pragma: no cover


@dataclass(frozen=True, slots=True)
class RefusedMail:
    """The folder of refused mail, which keeps only the newest up to a limit."""

    folder: Path
    most: int = 100
    most_bytes: int = 100_000_000

    def take_in(self, path: Path, moment: str) -> tuple[Path, list[str]]:
        """Move an entry into the folder; returns its new path, and the names deleted to make room.

        Folders in it, and their contents, are never removed. Raises OSError.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.folder.is_symlink():
            raise NotADirectoryError(f"{self.folder} is a symbolic link")
        place = move_mail(path, self.folder, before=f"{moment}.")
        return place, self._drop_oldest()

    def _drop_oldest(self) -> list[str]:
        """Remove the oldest until both bounds hold; names begin with the time."""
        sizes: dict[str, int] = {}
        with os.scandir(self.folder) as entries:
            for entry in islice(entries, MOST_LISTED):
                with suppress(FileNotFoundError):  # gone meanwhile
                    status = entry.stat(follow_symlinks=False)
                    if not stat.S_ISDIR(status.st_mode):
                        sizes[entry.name] = status.st_size
        total = sum(sizes.values())
        dropped: list[str] = []
        for name in sorted(sizes):
            if len(sizes) - len(dropped) <= self.most and total <= self.most_bytes:
                break
            (self.folder / name).unlink(missing_ok=True)
            total -= sizes[name]
            dropped.append(name)
        return dropped
