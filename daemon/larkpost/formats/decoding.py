"""Decodes the bytes of a dump into numbered lines of clean text, in bounded memory."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from larkpost.domain import IngestWarning, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.text.normalize import clean, count_unwanted, ends_cut

CHUNK = 64 * 1024
LARGEST_LIST = 16 * 1024 * 1024  # bytes; as text, it may take four times as much memory
LONGEST_LINE = 1024 * 1024  # bytes; the longest abstracts have a few thousand
LONGEST_TITLE = 1_000  # characters, of a paper in any dump
LONGEST_ABSTRACT = 50_000
LONGEST_REJECT = 2_000  # characters of a rejected text that are kept

# Longer marks first: the mark of UTF-32 begins with the mark of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PRINTABLE_ASCII = bytes(range(0x20, 0x7F))
_FIRST_WORD = re.compile(r"(?P<indent>\s*)(?P<word>[^\W\d_]\S*)")
_LONGEST_CUT = 2_000  # characters of a line to which words are added one at a time
_ANSI = re.compile(rb"\x1b\[[0-9;]{0,20}[A-Za-z]")  # colours of a terminal
_TWICE = re.compile("[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac.")


@dataclass(frozen=True, slots=True)
class NumberedLine:
    """A line without its line end; leading white space is kept.

    ``number`` counts from 1; ``whole`` is False if the file ends within the line.
    """

    number: int
    text: str
    whole: bool = True


def lines(dump: BinaryIO) -> Iterator[NumberedLine | RejectedRecord | IngestWarning]:
    """Yield the lines of a dump, and warnings about them.

    Only CR LF, LF and CR end lines. The byte order mark sets the encoding, else it is UTF-8; a line
    that is not UTF-8 is read as Windows-1252. A line over 1 MiB is rejected. A line of invisible
    characters is empty; of consecutive empty lines only the first is yielded. A word that is split
    at a soft hyphen is joined on the line where it begins.
    """
    cut: NumberedLine | None = None
    for read, ends_within_word in _decode_lines(dump):
        rest: NumberedLine | RejectedRecord | IngestWarning | None = read
        if cut is not None:
            if isinstance(read, NumberedLine):
                cut, rest = _move_word_up(cut, read)
            if cut is not None:
                yield cut
        cut = rest if isinstance(rest, NumberedLine) and ends_within_word else None
        if rest is not None and cut is None:
            yield rest
    if cut is not None:
        yield cut


def _decode_lines(
    dump: BinaryIO,
) -> Iterator[tuple[NumberedLine | RejectedRecord | IngestWarning, bool]]:
    """Yield clean lines, each with a flag that it ends within a word, and warnings."""
    oddities = _Oddities()
    blank = False
    for number, (raw, whole) in enumerate(_split(_as_utf8(dump)), 1):
        if raw is None:
            yield RejectedRecord(number, "the line is longer than 1 MiB"), False
            continue
        if not raw and blank:
            continue
        if b"\x1b" in raw:
            raw = _ANSI.sub(b"", raw)
        text = oddities.decode(number, raw)
        line = NumberedLine(number, clean(text).rstrip(), whole)
        if oddities.fresh:
            for remark in oddities.warnings():
                yield remark, False
        if line.text or not blank:
            yield line, ends_cut(text)
        blank = not line.text
    for remark in oddities.at_the_end():
        yield remark, False


def _move_word_up(
    cut: NumberedLine, line: NumberedLine
) -> tuple[NumberedLine | None, NumberedLine | None]:
    """Move the first word of a line to the previous line, if it continues in lower case."""
    match = _FIRST_WORD.match(line.text)
    if not match or not match["word"][0].islower() or len(cut.text) > _LONGEST_CUT:
        return cut, line
    joined = replace(cut, text=cut.text + match["word"])
    rest = line.text[match.end() :].lstrip()
    if not rest:  # the whole line was moved
        return None, replace(joined, whole=line.whole)
    return joined, replace(line, text=match["indent"] + rest)


def decode(raw: bytes) -> str:
    """Decode a whole file as ``lines`` does: by its mark, else UTF-8, else Windows-1252."""
    content = b"".join(_transcode(io.BytesIO(raw)))
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return _windows(content)


def text_chunks(dump: BinaryIO, encoding_of: Callable[[bytes], str] | None = None) -> Iterator[str]:
    """Yield a dump as text in pieces: by its mark, else by ``encoding_of`` its first bytes.

    ``encoding_of`` returns the name of a codec, or an empty string if the bytes name none: then it
    is UTF-8, or UTF-16 if NULs show it. Bytes invalid in the encoding are read as Windows-1252.
    """
    head = dump.read(CHUNK)
    mark, encoding = next(((m, e) for m, e in _MARKS if head.startswith(m)), (b"", ""))
    if not encoding:
        guess = _guess_encoding(head)
        told = encoding_of(head) if encoding_of and guess == "utf-8" else ""
        encoding = told or guess
    decoder = codecs.getincrementaldecoder(encoding)(_AS_WINDOWS)
    chunk = head[len(mark) :]
    while chunk:
        yield decoder.decode(chunk)
        chunk = dump.read(CHUNK)
    yield decoder.decode(b"", final=True)


_AS_WINDOWS = "larkpost-windows"  # the name of the error handler below in ``codecs``


def _decode_as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that a decoder cannot read as Windows-1252 (PEP 293)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _windows(error.object[error.start : error.end]), error.end


codecs.register_error(_AS_WINDOWS, _decode_as_windows)


class _Oddities:
    """Collects warnings: each kind is reported once, with its first line."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.fresh: list[IngestWarning] = []
        self.controls = 0

    def decode(self, number: int, raw: bytes) -> str:
        if raw.isascii():
            text = raw.decode("ascii")
            if raw.translate(None, _PRINTABLE_ASCII):
                self.controls += count_unwanted(text)
            return text
        try:
            text = raw.decode("utf-8", "surrogatepass")  # lone surrogates are cleaned away later
        except UnicodeDecodeError:
            self._note(number, "not UTF-8: such lines are read as Windows-1252")
            text = _windows(raw)
        else:
            if _TWICE.search(text):
                self._note(number, "looks like UTF-8 encoded twice (“Ã©” for “é”); left as it is")
        if "\ufffd" in text:
            self._note(number, "a character was lost before this file was written (U+FFFD)")
        self.controls += count_unwanted(text)
        return text

    def warnings(self) -> list[IngestWarning]:
        fresh, self.fresh = self.fresh, []
        return fresh

    def at_the_end(self) -> Iterator[IngestWarning]:
        if self.controls:
            yield IngestWarning(0, f"{self.controls} control characters were left out")

    def _note(self, number: int, what: str) -> None:
        if what not in self.kinds:
            self.kinds.add(what)
            self.fresh.append(IngestWarning(number, what))


def _windows(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # five bytes are undefined in Windows-1252


def _as_utf8(dump: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes as UTF-8 without byte order mark, with every line end as LF."""
    pending = b""
    for chunk in _transcode(dump):
        chunk = pending + chunk
        # A CR at the end of a chunk may be half of a CR LF.
        pending = b"\r" if chunk.endswith(b"\r") else b""
        chunk = chunk[: len(chunk) - len(pending)]
        yield chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if pending:
        yield b"\n"


def _transcode(dump: BinaryIO) -> Iterator[bytes]:
    head = dump.read(CHUNK)
    mark, encoding = next(
        ((m, e) for m, e in _MARKS if head.startswith(m)), (b"", _guess_encoding(head))
    )
    chunk = head[len(mark) :]
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while chunk:
        yield chunk if encoding == "utf-8" else _utf8(decoder.decode(chunk))
        chunk = dump.read(CHUNK)
    if encoding != "utf-8":
        yield _utf8(decoder.decode(b"", final=True))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _guess_encoding(head: bytes) -> str:
    """Guess UTF-16 without a byte order mark: every other byte of English text is a NUL."""
    sample = head[:1024]
    if len(sample) >= 4 and sample.count(0) > len(sample) * 0.3:
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    return "utf-8"


def _split(chunks: Iterator[bytes]) -> Iterator[tuple[bytes | None, bool]]:
    """Yield each line and whether it was terminated; None for one that is too long."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        parts, size = _grow(parts, size, first)
        for other in others:
            yield (None if size > LONGEST_LINE else b"".join(parts)), True
            parts, size = [other], len(other)
    if size:
        yield (None if size > LONGEST_LINE else b"".join(parts)), False


def _grow(parts: list[bytes], size: int, more: bytes) -> tuple[list[bytes], int]:
    size += len(more)
    if size > LONGEST_LINE:
        return [], size
    parts.append(more)
    return parts, size


def read_whole(dump: BinaryIO, what: str, *, hint: str) -> bytes:
    """Read a dump as a whole; raises UnreadableDump for more than ``LARGEST_LIST`` bytes."""
    content = dump.read(LARGEST_LIST + 1)
    if len(content) > LARGEST_LIST:
        raise UnreadableDump(f"it is {what} of more than {LARGEST_LIST >> 20} MiB", hint=hint)
    return content
