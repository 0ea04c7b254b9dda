"""Unpacks the body of an answer into a spool file, and stops if it grows too large."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO

from larkpost.errors import FetchProblem, SourceFailure

ENCODINGS = "gzip, deflate"  # the requested encodings
_PIECE = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


def _too_large(limit: int) -> SourceFailure:
    return SourceFailure(
        f"the answer is larger than {limit / 1_000_000:g} MB",
        problem=FetchProblem.TOO_LARGE,
        hint="set fetch.max_megabytes to allow more; no list of one day is that large",
    )


def spool(chunks: Iterable[bytes], encoding: str, into: BinaryIO, *, limit: int) -> tuple[str, int]:
    """Write a body, unpacked by its ``Content-Encoding``; returns its SHA-256 and its size.

    The limit is ``limit`` bytes: a packed body is unpacked in small steps, so a small one that
    unpacks to gigabytes ends as early as a large plain one. Raises SourceFailure if it is larger,
    cut off, or packed in a way that was not requested.
    """
    digest, size = sha256(), 0
    for piece in _unpack(chunks, encoding.strip().lower()):
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        digest.update(piece)
        into.write(piece)
    into.seek(0)
    return digest.hexdigest(), size


def _unpack(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in ("", "identity"):
        yield from chunks
    elif encoding in ("gzip", "x-gzip", "deflate"):
        yield from _inflate(chunks, raw_allowed=encoding == "deflate")
    else:
        raise SourceFailure(
            f"the answer is packed as {encoding[:40]}, which was not requested",
            problem=FetchProblem.SHAPE,
        )


def _decompress(unpacker: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return unpacker.decompress(packed, _PIECE)
    except zlib.error as error:
        raise SourceFailure("the packed answer is damaged", problem=FetchProblem.CUT) from error


def _inflate(chunks: Iterable[bytes], *, raw_allowed: bool) -> Iterator[bytes]:
    """Unpack gzip, of one member or several (RFC 1952, 2.2), or deflate with or without zlib."""
    unpacker: zlib._Decompress | None = None
    for chunk in chunks:
        rest, is_full = chunk, False
        while rest or is_full:
            unpacker = unpacker or _unpacker(rest, raw_allowed=raw_allowed)
            piece = _decompress(unpacker, rest)
            yield piece
            is_full = len(piece) == _PIECE  # there may be more output, even without more input
            rest = unpacker.unconsumed_tail
            if unpacker.eof:
                rest, is_full = unpacker.unused_data.lstrip(b"\0"), False
                unpacker = None
    if unpacker is not None:
        raise SourceFailure("the packed answer is cut off", problem=FetchProblem.CUT)


def _unpacker(head: bytes, *, raw_allowed: bool) -> zlib._Decompress:
    if not raw_allowed:
        return zlib.decompressobj(_GZIP)
    # "deflate" means zlib (RFC 9110, 8.4.1.2), but some servers leave its header out.
    has_header = head[0] & 0x0F == 8
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
