"""Quoted-printable (RFC 2045 section 6.7) in segments that can be joined in any order."""

from __future__ import annotations

import re

LONGEST_LINE = 76  # RFC 2045 section 6.7, rule 5; the "=" of a soft line break included
SOFT_BREAK = b"=\r\n"

_ROOM = LONGEST_LINE - 1
_UNSAFE = re.compile(rb"[^ -<>-~\n]")
_ESCAPED = {bytes([byte]): b"=%02X" % byte for byte in range(256)}


def segment(text: str) -> bytes:
    """Encode text so that it may follow, and be followed by, any other segment.

    Lines end with LF in and with CRLF out. A segment that does not end a line closes with a soft
    line break, hence every segment starts a line of its own on the wire. There a dot is encoded,
    which makes the dot-stuffing of RFC 5321 section 4.5.2 a no-op wherever it is (not) done, and
    so is the F of "From ", which mailbox files would change.
    """
    raw = text.encode()
    if _UNSAFE.search(raw):
        raw = _UNSAFE.sub(lambda found: _ESCAPED[found[0]], raw)
    *whole, rest = raw.split(b"\n")
    lines = [_wrap(line[:-1] + b"=20" if line.endswith(b" ") else line) for line in whole]
    lines.append(_wrap(rest) + SOFT_BREAK if rest else b"")
    return b"\r\n".join(lines)


def _wrap(line: bytes) -> bytes:
    if len(line) <= _ROOM and not line.startswith((b".", b"From ")):
        return line
    lines: list[bytes] = []
    while True:
        if line.startswith(b"."):
            line = b"=2E" + line[1:]
        elif line.startswith(b"From "):
            line = b"=46" + line[1:]
        if len(line) <= _ROOM:
            return b"\r\n".join([*lines, line])
        # Never through an escape: its "=" may stand in neither of the last two places.
        end = _ROOM
        if b"=" in line[_ROOM - 2 : _ROOM]:
            end = line.rindex(b"=", _ROOM - 2, _ROOM)
        lines.append(line[:end] + b"=")
        line = line[end:]
