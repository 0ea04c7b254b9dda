"""Clean and printable text: NFC without control characters, one line."""

from __future__ import annotations

import re
import unicodedata

# What neither XML 1.0 nor PostgreSQL takes, or nobody sees: controls, the byte order mark, lone
# surrogates, the non-characters of every plane.
_NONCHARACTERS = "".join(
    f"{chr(p * 0x10000 + 0xFFFE)}{chr(p * 0x10000 + 0xFFFF)}" for p in range(17)
)
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff\ufdd0-\ufdef" + _NONCHARACTERS + "]"
)
# White space that some programs take for the end of a line; only CR and LF are.
_SOFT_BREAKS = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_SOFT_HYPHEN = "\u00ad"
_HYPHENATED = re.compile(r"(?<=[^\W\d_])-[^\S\n]*\n\s*(?!(?:and|or|und|et|to)\b(?!-))(?=[^\W\d_])")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MOST_MARKS = 4  # combining marks on one letter; Vietnamese needs two, vocalised Hebrew three


def clean(text: str) -> str:
    r"""NFC without control characters (but ``\n`` and ``\t``), lone surrogates, non-characters.

    CR LF and CR become LF; NEL, U+2028, U+2029, form feed and vertical tab become a space.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _SOFT_BREAKS.sub(" ", text)
    text = _UNWANTED.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text)


def unwanted(text: str) -> int:
    """Count the characters that ``clean`` leaves out."""
    return len(_UNWANTED.findall(text))


def squash(text: str) -> str:
    """One line: wrapped lines joined, white space collapsed, soft hyphens gone.

    A hyphen at the end of a line stays and joins the words, as in ``state-of-`` / ``the-art``,
    but not before a conjunction that stands alone (``short-`` / ``and long-term``).
    """
    text = clean(text)
    if _SOFT_HYPHEN in text:
        text = text.replace(_SOFT_HYPHEN + "\n", "").replace(_SOFT_HYPHEN, "")
    if "-" in text and "\n" in text:
        text = _HYPHENATED.sub("-", text)
    return " ".join(text.split())


def one_line(text: str) -> str:
    """Text from outside for a header, a log or a terminal: no line end, control or bidi override.

    At most four combining marks stay on one letter.
    """
    return _cap_marks(squash(_BIDI.sub("", text.replace("\t", " "))))


def _cap_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)
