"""Opens an untrusted dump file safely, and makes a private copy to read from."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from larkpost.domain import RejectedRecord
from larkpost.errors import TryAgainLater, UnreadableDump, UsageError
from larkpost.formats.file_types import refuse_what_is_no_dump
from larkpost.formats.json_items import HeadFirst
from larkpost.ingest.archives import GZIP, ZIP, DumpMember, GunzipReader, zip_members
from larkpost.ingest.dump_limits import LARGEST, SizeLimit
from larkpost.ingest.spool import time_of_file
from larkpost.safe_files import others_may_write
from larkpost.text.normalize import one_line

_CHUNK = 1024 * 1024
_HEAD = 64 * 1024
_IN_MEMORY = 8 * 1024 * 1024

_PACKED = re.compile(r"\.gz(?:ip)?$", re.IGNORECASE)

_SPECIAL = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True)
class DumpCopy:
    """A private copy of a dump.

    ``digest`` is the SHA-256 of its bytes, ``name`` is safe to print. ``modified`` is when the file
    was last written; None for a stream. A gzip file is unpacked first, so that a dump is recognised
    whether it was packed or not. ``as_papers``: lists of references are dumps, too.
    """

    name: str
    digest: str
    size: int
    head: bytes
    body: BinaryIO
    modified: datetime | None
    as_papers: bool = False
    largest: int = LARGEST  # bytes, unpacked

    @property
    def is_zip(self) -> bool:
        """Whether it is a zip archive, which may contain several dumps."""
        return self.head.startswith(ZIP)

    def members(self) -> Iterator[DumpMember | RejectedRecord]:
        """Yield the dumps in it: itself, or the members of the archive; see ``zip_members``."""
        if self.is_zip:
            yield from zip_members(self.body, as_papers=self.as_papers, largest=self.largest)
        else:
            bare = _PACKED.sub("", self.name)
            yield DumpMember("", bare, self.head, self.body, self.modified)


def lines_of(copy: DumpCopy) -> int:
    """Count the lines of a dump, including an unterminated last one."""
    copy.body.seek(0)
    ends, last = 0, b""
    while chunk := copy.body.read(_CHUNK):
        ends += chunk.count(b"\n")
        last = chunk[-1:]
    return ends + (last not in (b"", b"\n"))


@contextmanager
def copy_of(
    path: Path,
    *,
    follow: bool,
    linked: bool = True,
    as_papers: bool = False,
    largest: int = LARGEST,
) -> Iterator[DumpCopy]:
    """Copy a regular file; ``follow`` says whether it may be a symbolic link to one.

    Unless it may be ``linked``, a file with a second name is refused if others may put files into
    the folder: a hard link could make us read a file that they cannot read. A list of references is
    refused unless it is to be read ``as_papers``. Raises UsageError if it does not exist,
    UnreadableDump if it must not or cannot be read or is larger than ``largest`` (``SizeLimit``),
    TryAgainLater while somebody is still writing to it.
    """
    name = one_line(path.name)
    with open_regular(path, follow=follow) as file:
        before = os.fstat(file.fileno())
        if not linked and before.st_nlink > 1 and others_may_write(path.parent):
            raise UnreadableDump(f"{name} is a hard link", hint="put a copy of the file there")
        SizeLimit(largest, name).refuse_above(before.st_size)  # it may be a hole of a terabyte
        modified = time_of_file(before.st_mtime_ns)
        with _copy(file, name, modified, as_papers=as_papers, largest=largest) as copy:
            after = os.fstat(file.fileno())
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise TryAgainLater(f"{name} is still being written", hint="it is read when whole")
            yield copy


def open_regular(path: Path, *, follow: bool) -> BinaryIO:
    """Open a regular file to read from; raises UsageError and UnreadableDump like ``copy_of``."""
    return os.fdopen(_open(path, one_line(path.name), follow=follow), "rb")


@contextmanager
def copy_of_stream(
    stream: BinaryIO, name: str, *, as_papers: bool = False, largest: int = LARGEST
) -> Iterator[DumpCopy]:
    """Copy the bytes of a stream, such as standard input.

    Raises UnreadableDump, also if it is larger than ``largest`` (``SizeLimit``).
    """
    with _copy(stream, name, None, as_papers=as_papers, largest=largest) as copy:
        yield copy


def _open(path: Path, name: str, *, follow: bool) -> int:
    """Open a regular file, but no pipe or device, because opening one may block or have effects."""
    try:
        _must_be_regular(path.stat(follow_symlinks=follow).st_mode, name)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
        number = os.open(path, flags)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {name}", hint="check the spelling") from error
    except PermissionError as error:
        hint = "give the user of Larkpost permission to read it"
        raise UnreadableDump(f"{name} cannot be read", hint=hint) from error
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise UnreadableDump(
            f"{name} is a symbolic link", hint="put the file itself there"
        ) from error
    try:
        _must_be_regular(os.fstat(number).st_mode, name)  # it may have been replaced meanwhile
    except UnreadableDump:
        os.close(number)
        raise
    return number


def _must_be_regular(mode: int, name: str) -> None:
    if stat.S_ISREG(mode):
        return
    what = next((what for test, what in _SPECIAL if test(mode)), "not a regular file")
    raise UnreadableDump(
        f"{name} is {what}, not a file", hint="only files are read; for a pipe, write - instead"
    )


@contextmanager
def _copy(
    file: BinaryIO,
    name: str,
    modified: datetime | None,
    *,
    as_papers: bool,
    largest: int,
) -> Iterator[DumpCopy]:
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        body = cast("BinaryIO", spool)
        head, digest, size, limit = b"", sha256(), 0, SizeLimit(largest, name)
        for chunk in _chunks(file, name, largest):
            if not size:
                head = chunk[:_HEAD]
                _refuse_other_files(head, name, as_papers=as_papers)
            size += len(chunk)
            limit.add(chunk)
            digest.update(chunk)
            body.write(chunk)
        _refuse_other_files(head, name, as_papers=as_papers)
        if as_papers and head.startswith(ZIP):  # it may have been read without references
            digest.update(b"as papers")
        body.seek(0)
        yield DumpCopy(name, digest.hexdigest(), size, head, body, modified, as_papers, largest)


def _chunks(file: BinaryIO, name: str, largest: int) -> Iterator[bytes]:
    """Yield the bytes of a file, unpacked if it is gzip."""
    first = file.read(_CHUNK)
    if not first.startswith(GZIP):
        while first:
            yield first
            first = file.read(_CHUNK)
        return
    unpacked = GunzipReader(cast("BinaryIO", HeadFirst(first, file)), name, largest)
    first = unpacked.read(_CHUNK)
    if first.startswith((GZIP, ZIP)):
        raise UnreadableDump(
            f"{name} is an archive within an archive, not a dump",
            hint="unpack it and ingest what is inside",
        )
    while first:
        yield first
        first = unpacked.read(_CHUNK)


def _refuse_other_files(head: bytes, name: str, *, as_papers: bool) -> None:
    """Raise UnreadableDump with the type of the file, unless it may contain dumps."""
    if not head.startswith(ZIP):
        refuse_what_is_no_dump(head, name, as_papers=as_papers)
