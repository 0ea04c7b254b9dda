"""Decodes and repairs XML of feeds for the parser: in pieces, without a document type.

Programs often write invalid XML: unescaped "&" or "<", entity names of HTML, control characters.
These are repaired here, because a parser leaves out text that it cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import BinaryIO

from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import text_chunks

_LONGEST_PROLOG = 256 * 1024  # characters before the first element
_LONGEST_REFERENCE = 40
# "<" before the next ">". The parser searches again from each "<": 600 kB of "<a <a <a" took
# minutes, and one answer of a source hours, while no other source was polled.
_MOST_UNCLOSED = 100
_DECLARED = re.compile(
    rb"\s*<\?xml[^>]{0,200}?\bencoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._-]{1,40})"
)
# Encodings that contain ASCII unchanged. Other ones would hide the patterns of this module.
_KNOWN = re.compile(
    r"iso-?8859-?\d{1,2}|(?:windows|cp)-?125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis"
    r"|euc-(?:jp|kr)",
    re.IGNORECASE,
)
_ROOT = re.compile(r"<[A-Za-z_]")
_NAME = re.compile(r"<([\w:.-]{1,100})")
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*+(?:>|(?P<declares>\[))", re.IGNORECASE)
_PASSED = (("<?", "?>"), ("<!--", "-->"))  # processing instructions and comments
# XML 1.0, 2.2: characters that a document must not contain.
_NO_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARK = re.compile(
    r"&(?:#(?P<decimal>[0-9]{1,7});|#[xX](?P<hex>[0-9A-Fa-f]{1,6});"
    r"|(?P<name>[A-Za-z][A-Za-z0-9]{1,31});)?"
    r"|<(?![A-Za-z_/!?\u0080-\U0010ffff])"
)
_PREDEFINED = frozenset(("amp", "lt", "gt", "quot", "apos"))
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def xml_pieces(dump: BinaryIO) -> Iterator[bytes]:
    """Yield an XML document as UTF-8, ready for a parser: no declaration and no document type.

    Line ends stay in place. Raises UnreadableDump if the document declares entities of its own, if
    no element begins, and for over ``_MOST_UNCLOSED`` consecutive tags that do not end.
    """
    held, unclosed = "", 0
    for chunk in _without_prolog(text_chunks(dump, _declared_encoding)):
        text = held + _NO_CHARACTERS.sub("", chunk)
        # A reference, or a mark and the text after it, may be in two chunks.
        at = max(text.rfind("&", -_LONGEST_REFERENCE), text.rfind("<", -1))
        text, held = (text, "") if at < 0 else (text[:at], text[at:])
        mended = _MARK.sub(_mend, text)
        unclosed = _count_unclosed(mended, unclosed)
        yield mended.encode()
    yield _MARK.sub(_mend, held).encode()


def _count_unclosed(text: str, before: int) -> int:
    """Count the "<" after the last ">", plus ``before`` if there is no ">".

    Raises UnreadableDump if they are too many, there or before any ">".
    """
    counts = [part.count("<") for part in text.split(">")]
    counts[0] += before
    if max(counts) > _MOST_UNCLOSED:
        raise UnreadableDump(
            f"it is not XML (over {_MOST_UNCLOSED} tags in a row do not end)",
            hint="open it in a browser, select all, copy it, and save that as a text file",
        )
    return counts[-1]


def _declared_encoding(head: bytes) -> str:
    """Return the encoding that a declaration names; Latin 1 means Windows-1252, as in browsers."""
    declared = _DECLARED.match(head)
    name = declared[1].decode("ascii").lower() if declared else ""
    if not _KNOWN.fullmatch(name):
        return ""
    return "cp1252" if re.fullmatch(r"iso-?8859-?1", name) else name


def _without_prolog(chunks: Iterator[str]) -> Iterator[str]:
    """Leave out everything before the first element except line ends."""
    prolog = ""
    for chunk in chunks:
        prolog += chunk
        if (root := _find_root(prolog)) is not None:
            yield "\n" * prolog.count("\n", 0, root) + prolog[root:]
            yield from chunks
            return
        if len(prolog) > _LONGEST_PROLOG:
            break
    raise UnreadableDump("it is not XML")


def root_name(text: str) -> str:
    """Return the name of the first element, such as ``rss`` or ``rdf:RDF``; empty without one."""
    root = _find_root(text, refuse=False)
    name = _NAME.match(text, root) if root is not None else None
    return name[1] if name else ""


def _find_root(text: str, *, refuse: bool = True) -> int | None:
    """Find where the first element begins; None if more text is needed.

    Raises UnreadableDump for a document type with declarations, unless these are skipped.
    """
    at = 0
    while 0 <= at < len(text):
        if _ROOT.match(text, at):
            return at
        if doctype := _DOCTYPE.match(text, at):
            at = doctype.end()
            if doctype["declares"] and refuse:
                raise UnreadableDump(
                    "it declares entities (a DOCTYPE with “[”), which are not read",
                    hint="save the feed without them; no feed of papers needs any",
                )
            at = text.find("]", at) if doctype["declares"] else at
            continue
        closing = next((end for begin, end in _PASSED if text.startswith(begin, at)), None)
        if closing is None:
            at = text.find("<", at + 1)
        elif (end := text.find(closing, at)) < 0:
            return None
        else:
            at = end + len(closing)
    return None


def _mend(mark: re.Match[str]) -> str:
    if mark["name"] in _PREDEFINED:
        return mark[0]
    if mark["name"] and (character := html5.get(mark["name"] + ";")):
        return "".join(_ESCAPED.get(one, one) for one in character)
    if mark["decimal"] or mark["hex"]:
        number = int(mark["decimal"] or mark["hex"], 10 if mark["decimal"] else 16)
        fits = number < 0x110000 and not _NO_CHARACTERS.match(chr(number))
        return mark[0] if fits and number else ""
    return _ESCAPED[mark[0][0]] + mark[0][1:]
