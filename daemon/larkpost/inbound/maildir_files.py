"""Opens the files of the inbound Maildir safely, and moves them without overwriting others.

Anybody who may write to that folder may put anything there. Only regular files are opened: a pipe
would hang, a device would act, and a link could lead to files that are not theirs. The folders of
the Maildir are opened once and used by their descriptors: a user who replaced ``new`` by a link
while mails were read had ``secret.key`` and the database moved out of the home (CWE-367).
"""

from __future__ import annotations

import heapq
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from larkpost.formats.mail.mail_parser import MOST_READ
from larkpost.ingest.file_owners import owner_lookup
from larkpost.safe_files import CAREFUL, is_there, open_folder, open_part
from larkpost.transports.maildir import REFUSED

MOST_LISTED = 100_000  # refused mails that one call looks at
_LONGEST_NAME = 200  # bytes, so that a number and flags still fit where 255 are allowed


@dataclass(frozen=True, slots=True)
class OpenMaildir:
    """The descriptors of a Maildir and two of its folders."""

    top: int
    new: int
    cur: int


@contextmanager
def open_maildir(folder: Path) -> Iterator[OpenMaildir]:
    """Open a Maildir, with its ``cur`` made if it is missing.

    Raises OSError, also if ``new`` or ``cur`` is a symbolic link: other folders would be emptied,
    or filled, through it.
    """
    with open_folder(folder) as top:
        with suppress(FileExistsError):
            os.mkdir("cur", 0o700, dir_fd=top)
        with open_part("new", top, listable=True) as new, open_part("cur", top) as cur:
            yield OpenMaildir(top, new, cur)


@dataclass(frozen=True, slots=True)
class MaildirEntry:
    """A mail in the folder: the beginning that is read, the whole size in bytes, and its user."""

    content: bytes
    size: int
    owner: int


class NoMailFile(Exception):
    """The entry is not a regular file; the error's message says what it is."""


def first_names(
    folder: int,
    most: int,
    *,
    last: Callable[[str], bool],
    served: Callable[[int], int] = lambda _owner: 0,
) -> list[str]:
    """List the first names of an open folder in order, with those in ``last`` behind the others.

    Mail programs name mails by the time (maildir(5)), and skip names that begin with a dot. The
    users whose files are there take turns, or one could keep the mail of all others waiting;
    ``served`` grows with the time at which a user's mail was last read, and who waited longest is
    first. All names are looked at: those beyond a limit would never be read if the others stay.
    """
    found: defaultdict[int, list[tuple[bool, str]]] = defaultdict(list)
    owner_of = owner_lookup()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            mine = found[owner_of(_uid(entry))]
            mine.append((last(entry.name), entry.name))
            if len(mine) >= 2 * most + 1_000:  # bounded memory
                mine[:] = heapq.nsmallest(most, mine)
    turns = [
        (rests, turn, served(owner), name)
        for owner, names in found.items()
        for turn, (rests, name) in enumerate(sorted(names))
    ]
    return [name for *_, name in heapq.nsmallest(most, turns)]


def _uid(entry: os.DirEntry[str]) -> int:
    """Return the uid of an entry; -1 for one that cannot be looked at.

    Any user can mount a file system of their own (FUSE) on a folder of theirs there, and nobody
    else may look at it, not even root.
    """
    with suppress(OSError):
        return entry.stat(follow_symlinks=False).st_uid
    return -1


def read_mail(name: str, folder: int, most: int = MOST_READ) -> MaildirEntry:
    """Read the first ``most`` bytes of a mail in an open folder; raises NoMailFile, and OSError."""
    _require_regular(os.lstat(name, dir_fd=folder).st_mode)
    number = os.open(name, os.O_RDONLY | CAREFUL, dir_fd=folder)
    try:
        status = os.fstat(number)
        _require_regular(status.st_mode)  # it may have replaced the other one meanwhile
        pieces, left = [], most
        while left and (more := os.read(number, left)):
            pieces.append(more)
            left -= len(more)
    finally:
        os.close(number)
    return MaildirEntry(b"".join(pieces), status.st_size, owner_lookup()(status.st_uid))


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


def move_mail(
    name: str, here: int, there: int, *, before: str = "", flags: str | None = None
) -> str:
    """Move an entry of an open folder into another, and return its new name; raises OSError.

    A name that is taken there gets a number. ``before`` is put in front of the name; ``flags`` are
    those of a Maildir.
    """
    ending = "" if flags is None else f":2,{flags}"
    stem = os.fsencode(before + name.partition(":")[0])[:_LONGEST_NAME]
    for number in count(1):
        middle = "" if number == 1 else f",{number}"
        target = os.fsdecode(stem) + middle + ending
        if not is_there(target, there):
            os.rename(name, target, src_dir_fd=here, dst_dir_fd=there)
            return target
    raise AssertionError("numbers do not end")  # pragma: no cover


@dataclass(frozen=True, slots=True)
class RefusedMail:
    """The folder ``refused`` in an open Maildir, which keeps only the newest up to a limit."""

    top: int
    most: int = 100
    most_bytes: int = 100_000_000

    def take_in(self, name: str, here: int, moment: str) -> tuple[str, list[str]]:
        """Move an entry into the folder; returns its new name, and those deleted to make room.

        Folders in it, and their contents, are never removed. Raises OSError.
        """
        with suppress(FileExistsError):
            os.mkdir(REFUSED, 0o700, dir_fd=self.top)
        with open_part(REFUSED, self.top, listable=True) as refused:
            place = move_mail(name, here, refused, before=f"{moment}.")
            return place, self._drop_oldest(refused)

    def _drop_oldest(self, refused: int) -> list[str]:
        """Remove the oldest until both bounds hold; names begin with the time."""
        sizes: dict[str, int] = {}
        with os.scandir(refused) as entries:
            for entry in islice(entries, MOST_LISTED):
                with suppress(OSError):  # gone meanwhile, or not to be looked at
                    status = entry.stat(follow_symlinks=False)
                    if not stat.S_ISDIR(status.st_mode):
                        sizes[entry.name] = status.st_size
        total = sum(sizes.values())
        dropped: list[str] = []
        for name in sorted(sizes):
            if len(sizes) - len(dropped) <= self.most and total <= self.most_bytes:
                break
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=refused)
            total -= sizes[name]
            dropped.append(name)
        return dropped
