"""Unpacks gzip and zip as streams in bounded memory; the members are read like other dumps.

An archive within an archive is refused.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from larkpost.domain import RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.file_types import refuse_what_is_no_dump
from larkpost.ingest.dump_limits import LARGEST, SizeLimit
from larkpost.text.normalize import shorten

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
MOST_MEMBERS = 1_000
MOST_PACKED_MEMBERS = 100_000  # of a gzip stream; programs that split it make one per 64 kB
MOST_TIMES = 200  # times its packed size; text compresses to a tenth, deflate can reach 1,032
_SMALL = 16 * 1024 * 1024  # bytes that may always be unpacked
_IN_MEMORY = 8 * 1024 * 1024
_CHUNK = 1024 * 1024
_PIECE = 64 * 1024  # packed bytes; each member in one copies the rest of it
_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_HEAD = 64 * 1024
_LARGEST_DIRECTORY = 1024 * 1024  # bytes of a zip's list of members
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may need gigabytes to unpack
_OFFICE_FILES = frozenset(("[content_types].xml", "mimetype", "meta-inf/manifest.mf"))
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)
_BOMB = "unpacks to more than {times} times its size"
_SPLIT_UP = "split it up, or unpack it and ingest what is inside"


@dataclass(frozen=True, slots=True)
class DumpMember:
    """A dump to be read: a file, or a member of an archive, which then has a ``name``.

    ``file_name`` may show the format and the day, and ``modified`` the day.
    """

    name: str
    file_name: str
    head: bytes
    body: BinaryIO
    modified: datetime | None


class GunzipReader:
    """The unpacked bytes of a gzip stream, of one member or several (RFC 1952, 2.2).

    Python's own reader looks at the padding behind a member, and at a name in its header, byte by
    byte: a file with a hole of a terabyte, which takes no disk, would stop the inbox for days.
    Raises UnreadableDump if the stream is damaged or a zip bomb, and if it has more than
    ``largest`` bytes, packed, or too many members.
    """

    def __init__(self, packed: BinaryIO, name: str, largest: int = LARGEST) -> None:
        self._packed = packed
        self._name = name
        self._largest = largest
        self._packed_size = self._size = 0
        self._pieces = self._unpack()
        self._left = b""

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes, fewer at the end, and then none."""
        parts, length = [self._left], len(self._left)
        try:
            while length < size and (piece := next(self._pieces, b"")):
                parts.append(piece)
                length += len(piece)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableDump(
                f"{self._name} is a gzip archive that is damaged or cut off",
                hint="fetch it again, or unpack it and ingest what is inside",
            ) from error
        whole = b"".join(parts)
        chunk, self._left = whole[:size], whole[size:]
        self._size += len(chunk)
        if _is_bomb(self._size, self._packed_size):
            what = _BOMB.format(times=MOST_TIMES)
            raise UnreadableDump(
                f"{self._name} {what}", hint="no dump does that, so it is not read"
            )
        return chunk

    def _unpack(self) -> Iterator[bytes]:
        """Yield the bytes of one member after the other; raises zlib.error, and EOFError."""
        unpacker, members, rest = zlib.decompressobj(_GZIP_FORMAT), 1, self._take()
        while rest:
            if unpacker.eof:
                members += 1
                self._refuse_above(members, MOST_PACKED_MEMBERS, "members")
                unpacker = zlib.decompressobj(_GZIP_FORMAT)
            if piece := unpacker.decompress(rest, _CHUNK):
                yield piece
            rest = unpacker.unconsumed_tail or unpacker.unused_data or self._take()
            while unpacker.eof and rest and not (rest := rest.lstrip(b"\0")):  # padding
                rest = self._take()
        while piece := unpacker.decompress(b"", _CHUNK):
            yield piece
        if not unpacker.eof:
            raise EOFError

    def _take(self) -> bytes:
        piece = self._packed.read(_PIECE)
        self._packed_size += len(piece)
        self._refuse_above(self._packed_size, self._largest, "bytes")
        return piece

    def _refuse_above(self, number: int, most: int, what: str) -> None:
        if number > most:
            raise UnreadableDump(
                f"{self._name} is a gzip archive of more than {most:,} {what}", hint=_SPLIT_UP
            )


def _is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > max(_SMALL, MOST_TIMES * packed)


def zip_members(
    archive: BinaryIO, *, as_papers: bool = False, largest: int = LARGEST
) -> Iterator[DumpMember | RejectedRecord]:
    """Yield the members of a zip archive in order; one that is not a dump is rejected.

    Folders, hidden files and those of macOS are skipped. ``as_papers``: lists of references are
    dumps, too. Raises UnreadableDump for an archive that is damaged, has too many members or
    is larger than ``largest`` (``SizeLimit``), and for an office document.
    """
    _refuse_large_directory(archive)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [one for one in opened.infolist() if not one.is_dir()]
            _refuse_other_archives(members)
            limit = SizeLimit(largest, "the archive")
            for member in filter(_is_meant, members):
                with _unpack(opened, member, limit, as_papers) as unpacked:
                    yield unpacked
    except zipfile.BadZipFile as error:
        raise UnreadableDump(
            "it is a zip archive that is damaged or cut off", hint="fetch it again"
        ) from error


def _refuse_large_directory(archive: BinaryIO) -> None:
    """Raise UnreadableDump before a list of millions of members is read into memory.

    The size of the list is at the end of the file (APPNOTE.TXT, 4.3.16).
    """
    size = archive.seek(0, 2)
    archive.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
    tail = archive.read()
    archive.seek(0)
    for at in {tail.rfind(_END), len(tail) - _END_SIZE}:
        end = tail[at : at + _END_SIZE] if at >= 0 else b""
        if end.startswith(_END) and int.from_bytes(end[12:16], "little") > _LARGEST_DIRECTORY:
            raise UnreadableDump(f"it has more than {MOST_MEMBERS:,} files", hint=_SPLIT_UP)
    if b"PK\x06\x07" in tail[-_END_SIZE - 20 :]:
        raise UnreadableDump("it is a zip archive for large files (ZIP64)", hint=_SPLIT_UP)


def _refuse_other_archives(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise UnreadableDump(f"it has more than {MOST_MEMBERS:,} files", hint=_SPLIT_UP)
    if not _OFFICE_FILES.isdisjoint(one.filename.lower() for one in members):
        raise UnreadableDump(
            "it is a document, spreadsheet or program, not a dump",
            hint="save it as text and ingest that",
        )
    if not any(map(_is_meant, members)):
        raise UnreadableDump("it is an empty zip archive, not a dump", hint="pack it again")


def _is_meant(member: zipfile.ZipInfo) -> bool:
    """Return whether a member is not hidden; names are never paths, so ``../a`` is ``a``."""
    parts = [part for part in member.filename.split("/") if part not in (".", "..")]
    return not any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _problem_of_content(head: bytes, name: str, *, as_papers: bool) -> str:
    """Describe what is wrong with a member that begins with ``head``; empty if it may be a dump."""
    try:
        refuse_what_is_no_dump(head, name, as_papers=as_papers)
    except UnreadableDump as error:
        return str(error)
    return ""


@contextmanager
def _unpack(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: SizeLimit, as_papers: bool
) -> Iterator[DumpMember | RejectedRecord]:
    """Return a member, or its problem."""
    name = shorten(member.filename, 100) or "a file without a name"
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        body = cast("BinaryIO", spool)
        problem = _problem_of(member) or _copy_member(archive, member, body, limit)
        body.seek(0)
        head = body.read(_HEAD)
        body.seek(0)
        problem = problem or _problem_of_content(head, name, as_papers=as_papers)
        if problem:
            reason = problem if problem.startswith(name) else f"{name} {problem}"
            yield RejectedRecord(0, reason)
        else:
            yield DumpMember(name, name, head, body, _modified(member))


def _problem_of(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & 1:
        return "is encrypted"
    return "" if member.compress_type in _READ else "uses a compression that is not supported"


def _copy_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, body: BinaryIO, limit: SizeLimit
) -> str:
    """Unpack a member; returns its problem, empty if there is none.

    Raises UnreadableDump for a member that exceeds the limits of the archive.
    """
    size = 0
    try:
        with archive.open(member, mode="r") as packed:
            while chunk := packed.read(_CHUNK):
                size += len(chunk)
                limit.add(chunk)
                if _is_bomb(size, member.compress_size):
                    return _BOMB.format(times=MOST_TIMES)
                body.write(chunk)
    except _DAMAGED:
        return "is damaged"
    return "" if size else "is empty"


def _modified(member: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*member.date_time, tzinfo=UTC)
    except ValueError:
        return None
