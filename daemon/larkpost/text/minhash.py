"""Keys that near-duplicate papers share: squeezed texts, title keys and MinHash sketches."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from heapq import nsmallest
from typing import NamedTuple
from zlib import crc32

from larkpost.domain import Identifier
from larkpost.text.markup import plain_html
from larkpost.text.normalize import as_ascii, normal_form, without_marks

_SHINGLE = 12  # squeezed characters: about two words
SKETCH = 8  # numbers
# Shingles that begin with these letters are taken first; all others come after them.
_ANCHORS = (b"y", b"g", b"d")

_MOST_SKETCHED = 20_000  # characters; a longer text is judged by its beginning
_MOST_KEPT = 60_000  # characters; lists of authors can be ten times as long
_HASH = hashlib.blake2b(digest_size=8)
_NOT_ALPHANUMERIC = bytes(code for code in range(128) if not chr(code).isalnum())
FORMATTING = re.compile(
    r"\\(?:text(?:bf|it|tt|sc|rm|sf|normal)?|emph|math(?:rm|bf|it|cal|bb|sf|tt|frak)"
    r"|boldsymbol|left|right|mbox|operatorname)(?![A-Za-z])"
    r"|\\var(?=epsilon|theta|phi|pi|rho|sigma|kappa)"
)
_GREEK = {chr(code): unicodedata.name(chr(code)) for code in range(0x3B1, 0x3CA)}
# The LaTeX names of Greek letters, and the Latin letters that NFKD does not decompose.
_PLAIN_LETTERS = str.maketrans(
    {letter: name.split()[-1].lower() for letter, name in _GREEK.items()}
    | {"\u03bb": "lambda"}  # "lamda" in Unicode
    | {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
)
_HAS_PLAIN = re.compile(f"[{''.join(map(chr, _PLAIN_LETTERS))}]")


def fold(text: str) -> str:
    """Lower case without accents, ligatures, HTML and LaTeX's formatting; Greek letters by name."""
    return _fold_letters(without_formatting(text))


def without_formatting(text: str) -> str:
    """Remove HTML, with hidden contents such as comments, and LaTeX's formatting commands."""
    text = plain_html(text)
    return FORMATTING.sub("", text) if "\\" in text else text


def _fold_letters(text: str) -> str:
    if text.isascii():
        return text.lower()
    bare = without_marks(normal_form("NFKD", text)).casefold()
    return bare.translate(_PLAIN_LETTERS) if _HAS_PLAIN.search(bare) else bare


def squeeze(text: str) -> str:
    """Keep only the letters and digits of ``fold``, which near-duplicates share."""
    return _squeeze(text) if len(text) > _MOST_KEPT else _squeeze_again(text)


def _squeeze(text: str) -> str:
    text = without_formatting(text)
    plain = as_ascii(text)
    folded = _fold_letters(text if plain is None else plain)
    if folded.isascii():
        return folded.encode().translate(None, _NOT_ALPHANUMERIC).decode()
    return "".join(filter(str.isalnum, folded))


# Matching a record squeezes its texts and those of its paper up to thirty times.
_squeeze_again = lru_cache(maxsize=32)(_squeeze)


class TextMarks(NamedTuple):
    """The lookup keys of a paper's text: see ``title_key`` and ``sketch``.

    ``name`` is an identifier made from the squeezed title and abstract: 16 hex digits.
    """

    key: str
    name: Identifier
    numbers: frozenset[int]


def text_marks(title: str, abstract: str) -> TextMarks:
    """Compute all three at once, because squeezing the texts takes most of the time."""
    head, body = squeeze(title), squeeze(abstract)
    shown = head or title.strip()
    name = Identifier("text", _digest(f"{shown}\n{body}")[:16])
    return TextMarks(_title_key(shown), name, _sketch(head + body))


def source_name(text: Identifier, source: str) -> Identifier:
    """Make an identifier of a source's copy of a text from that of the text."""
    return Identifier("text", _digest(f"{text.value}\n{source}")[:16])


def title_key(title: str) -> str:
    """Make a key, at most 64 characters, that titles share if only case or marks differ."""
    return _title_key(squeeze(title) or title.strip())


def _title_key(squeezed: str) -> str:
    if len(squeezed) <= 64 and squeezed.isprintable():
        return squeezed
    return f"{squeezed[:43] if squeezed.isprintable() else ''}-{_digest(squeezed)[:20]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def sketch(title: str, abstract: str) -> frozenset[int]:
    """Draw the bottom-k sketch of a paper: at most 8 signed 64-bit numbers.

    Two texts share about the same part of their sketches as of their character shingles (Broder,
    "On the resemblance and containment of documents", 1997). Shingles are taken in this order:
    those that begin with ``y``, with ``g``, with ``d``, then the others, by CRC within each; so a
    long text is sampled without reading each of its shingles.
    """
    return _sketch(squeeze(title) + squeeze(abstract))


def _sketch(squeezed: str) -> frozenset[int]:
    text = squeezed[:_MOST_SKETCHED].encode("utf-8", "replace")
    chosen: list[bytes] = []
    for anchor in _ANCHORS:
        chosen += sorted(_shingles(text, anchor), key=crc32)[: SKETCH - len(chosen)]
        if len(chosen) == SKETCH:
            break
    else:
        every = {text[at : at + _SHINGLE] for at in range(len(text) - _SHINGLE + 1)}
        others = (one for one in every if one[:1] not in _ANCHORS)
        chosen += nsmallest(SKETCH - len(chosen), others, key=crc32)
    return frozenset(map(_number, chosen or [text]))


def _shingles(text: bytes, first: bytes) -> set[bytes]:
    """Return the shingles that begin with a letter."""
    shingles = set()
    at = text.find(first)
    last = len(text) - _SHINGLE
    while 0 <= at <= last:
        shingles.add(text[at : at + _SHINGLE])
        at = text.find(first, at + 1)
    return shingles


def _number(shingle: bytes) -> int:
    # The CRC is only an order; 64 bits prevent collisions of unrelated papers.
    hashed = _HASH.copy()  # faster than a new one with its parameters
    hashed.update(shingle)
    return int.from_bytes(hashed.digest(), "big", signed=True)


def resemblance(a: str, b: str, *, least: float = 0.0) -> float:
    """Return the similarity of two squeezed texts, 0 to 1: two thirds in common is about 0.8.

    It is the normalised Indel similarity; unrelated English texts reach about 0.45. It is 0 below
    ``least``: the comparison ends as soon as that cannot be reached. Its time grows with the
    product of the lengths.
    """
    if a == b:
        return 1.0
    from rapidfuzz import fuzz  # most callers never compare, and its import is slow

    return fuzz.ratio(a, b, score_cutoff=100 * least) / 100
