"""Tells from its first bytes what a file is that is no dump, to refuse it by its name."""

from __future__ import annotations

from larkpost.errors import UnreadableDump

_TEXT = "dumps are text: the page as text, or JSON Lines"
_UNPACK = "unpack it and ingest what is inside"
_MAGIC = (
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"PK\x03\x04", "a zip archive (or an office document)", _UNPACK),
    (b"PK\x05\x06", "an empty zip archive", _TEXT),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (b"%PDF-", "a PDF document", "save the page as text and ingest that"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _TEXT),
    (b"\xff\xd8\xff", "a JPEG picture", _TEXT),
    (b"GIF8", "a GIF picture", _TEXT),
    (b"\x7fELF", "a program", _TEXT),
    (b"SQLite format 3\x00", "an SQLite database", _TEXT),
    (b"\xd0\xcf\x11\xe0", "an office document", _TEXT),
    (b"{\\rtf", "an RTF document", "save it as plain text and ingest that"),
)
_MARKUP = (
    (b"<!doctype html", "an HTML page", "save it as text and ingest that"),
    (b"<html", "an HTML page", "save it as text and ingest that"),
    (b"<?xml", "an XML file", _TEXT),
)
_BEFORE_MARKUP = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"  # byte order marks, UTF-16, white space
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b\x00"))
_MANY = 0.1


def refuse_what_is_no_dump(head: bytes, name: str) -> None:
    """Raise UnreadableDump, saying what the file is, unless ``head`` may be the start of a dump."""
    if not head:
        raise UnreadableDump(f"{name} is empty", hint="was it cut off? save it again")
    for magic, what, hint in _MAGIC:
        if head.startswith(magic):
            raise UnreadableDump(f"{name} is {what}, not a dump", hint=hint)
    start = head[:1024].translate(None, b"\x00").lstrip(_BEFORE_MARKUP).lower()
    for tag, what, hint in _MARKUP:
        if start.startswith(tag):
            raise UnreadableDump(f"{name} is {what}, not a dump", hint=hint)
    if head[257:262] == b"ustar":
        raise UnreadableDump(f"{name} is a tar archive, not a dump", hint=_UNPACK)
    stripped = head.translate(None, _CONTROLS)
    if len(head) - len(stripped) > _MANY * len(head):
        raise UnreadableDump(f"{name} is binary, not text", hint=_TEXT)
