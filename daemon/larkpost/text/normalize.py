"""Makes clean and printable text: NFC without invisible characters, one line.

All functions take time linear in the length of a text, for any content.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import filterfalse
from typing import Literal

# Characters that XML 1.0 or PostgreSQL refuses: controls, lone surrogates, the non-characters of
# every plane; and the byte order mark, which has no meaning within a text.
_NONCHARACTERS = "".join(
    f"{chr(p * 0x10000 + 0xFFFE)}{chr(p * 0x10000 + 0xFFFF)}" for p in range(17)
)
_CONTROLS = f"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}"
_UNWANTED = re.compile(f"[{_CONTROLS}]")
# White space that some programs treat as a line end; only CR and LF are line ends.
_SOFT_BREAKS = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
# No-break and other non-ASCII spaces (general category Zs), and the braille blank.
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
_SPACE = re.compile(f"[{_SPACES}]")
_SOFT_HYPHEN = "\u00ad"
_CUT_WORD = re.compile(rf"(?<=[^\W\d_]){_SOFT_HYPHEN}[^\S\n]*\n[^\S\n]*(?=[^\W\d_])")
# Unicode's default ignorable characters, except those that shape emoji and joining scripts; and
# placeholders of a picture or an annotation. Direction marks and overrides are among them.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufffc\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(f"[{_INVISIBLE}]+")
_SYMBOLS = (
    "\u203c-\u20cf\u2100-\u2125\u2139\u2190-\u2328\u232b-\u2adb\u2add-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
# A presentation selector that follows no symbol, or a joiner that is not between two.
_SELECTOR = re.compile(f"(?<![{_SYMBOLS}])[\ufe0e\ufe0f]")
_JOINER = re.compile("[\u200c\u200d]")
_EMOJI_JOINER = re.compile(f"(?:(?<=[{_SYMBOLS}])|(?<=[{_SYMBOLS}]\ufe0f))\u200d(?=[{_SYMBOLS}])")
# Scripts whose letters a joiner shapes: Arabic, Indic and related ones.
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1800-\u18af\u1a20-\u1aaf\u1b00-\u1c4f"
    "\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
# Any of these, or any character beyond the basic plane: one range is faster to find than many.
_ODD = re.compile(
    f"[{_CONTROLS[: -len(_NONCHARACTERS)]}{_SPACES}{_INVISIBLE}\r\x0b\x0c\x85\u2028\u2029"
    "\u200c\u200d\ufe0e\ufe0f\ufffe\uffff\U00010000-\U0010ffff]"
)

_HYPHENATED = re.compile(r"(?<=[^\W\d_])-[^\S\n]*\n\s*(?!(?:and|or|und|et|to)\b(?!-))(?=[^\W\d_])")

# Quotation marks, dashes and the ellipsis: the only characters beyond ASCII in many English texts.
_TYPOGRAPHIC = "\u2019\u201c\u201d\u2018\u2013\u2014\u2026"

_MOST_MARKS = 4  # combining marks on one letter; Vietnamese needs two, vocalised Hebrew three
_MOST_CLEANED = 20  # characters cleaned for each character of the result
_MOST_DECOMPOSED = 2 * _MOST_MARKS  # before they are composed
# Among these are all combining marks: they are neither letters nor digits.
_MAY_BE_MARK = re.compile(r"[^\x00-\u02ff\w\s]")
_MAY_BE_MARKS = re.compile(rf"[^\x00-\u02ff\w\s]{{{_MOST_MARKS + 1},}}")

# Most texts need no cleaning, and checking that takes a tenth of the time of cleaning. These
# characters are visible, no marks, in NFC, and not composed with each other.
_PRINTABLE_ASCII = bytes(range(0x20, 0x7F))
_PLAIN = re.compile(
    "[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u03c9\u0410-\u044f"
    "\u2010-\u2027\u2030-\u203f\u2190-\u21ff\u2200-\u22ff]*+"
)


def clean(text: str) -> str:
    r"""Normalise to NFC without control characters (but ``\n`` and ``\t``) and invisible ones.

    CR LF and CR become LF; NEL, U+2028, U+2029, form feed, vertical tab and no-break spaces become
    a space. Zero-width characters, soft hyphens, direction marks and lone surrogates are removed,
    and so are line ends within words that were split at a soft hyphen. A letter keeps at most four
    combining marks.
    """
    if text.isascii():
        return _without_controls(text) if text.encode().translate(None, _PRINTABLE_ASCII) else text
    if _PLAIN.fullmatch(text):
        return text
    if _ODD.search(text):
        text = _without_controls(text)
        text = _without_invisible(_CUT_WORD.sub("", _SPACE.sub(" ", text)))
    return _cap_marks(normal_form("NFC", text), _MOST_MARKS)


def as_ascii(text: str) -> str | None:
    """Return a text with spaces for typographic quotation marks, dashes and ellipses.

    None if there are other characters beyond ASCII. For functions that ignore punctuation and are
    several times as fast with ASCII.
    """
    if not text.isascii():
        for mark in _TYPOGRAPHIC:
            text = text.replace(mark, " ")
    return text if text.isascii() else None


def _without_controls(text: str) -> str:
    text = _UNWANTED.sub("", _SOFT_BREAKS.sub(" ", text))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_invisible(text: str) -> str:
    text = _SELECTOR.sub("", _UNSEEN.sub("", text))
    return _JOINER.sub(lambda match: match[0] if _joins(match) else "", text)


def _joins(joiner: re.Match[str]) -> bool:
    """Whether a zero width joiner or non-joiner shapes the letter, or the emoji, before it."""
    text, at = joiner.string, joiner.start() - 1
    while at > 0 and _is_mark(text[at]) and _JOINING.match(text, at):
        at -= 1
    if at >= 0 and _JOINING.match(text, at) and not _is_mark(text[at]):
        return True
    return _EMOJI_JOINER.match(text, joiner.start()) is not None


def ends_cut(line: str) -> bool:
    """Whether a line ends within a word that was split at a soft hyphen."""
    bare = line.rstrip()
    return bare.endswith(_SOFT_HYPHEN) and bare.rstrip(_SOFT_HYPHEN)[-1:].isalpha()


def count_unwanted(text: str) -> int:
    """Count the control characters and similar ones that ``clean`` removes."""
    return len(_UNWANTED.findall(text))


def normal_form(form: Literal["NFC", "NFKD"], text: str) -> str:
    """Convert a text to a normal form in linear time: only eight marks per letter are kept.

    Sorting marks takes quadratic time, and nothing else limits their number (UAX #15, 13).
    """
    if form == "NFKD":  # these letters become marks
        text = text.replace("\uff9e", "\u3099").replace("\uff9f", "\u309a")
    return unicodedata.normalize(form, _cap_marks(text, _MOST_DECOMPOSED))


def without_marks(decomposed: str) -> str:
    """Remove the combining marks of a decomposed text (NFD, NFKD)."""
    if _MAY_BE_MARK.search(decomposed) is None:
        return decomposed
    # Not run by run: calling a function for each of a text's marks takes five times as long.
    return "".join(filterfalse(unicodedata.combining, decomposed))


def _cap_marks(text: str, most: int) -> str:
    if text.isascii():
        return text
    return _MAY_BE_MARKS.sub(lambda run: _cap_run(run[0], most), text)


def _cap_run(run: str, most: int) -> str:
    kept: list[str] = []
    marks = 0
    for character in run:
        marks = marks + 1 if _is_mark(character) else 0
        if marks <= most:
            kept.append(character)
    return "".join(kept)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in {"Mn", "Me"} or unicodedata.combining(character) > 0


def squash(text: str) -> str:
    """Return one line: wrapped lines joined, white space collapsed.

    A hyphen at the end of a line stays and joins the words, as in ``state-of-`` / ``the-art``, but
    not before a conjunction (``short-`` / ``and long-term``).
    """
    text = clean(text)
    if not ("  " in text or "\n" in text or "\t" in text):  # ``clean`` leaves no other white space
        return text.strip(" ")
    if "-" in text and "\n" in text:
        text = _HYPHENATED.sub("-", text)
    return " ".join(text.split())


def shorten(text: str, most: int) -> str:
    """Return at most so many characters of ``one_line``: cut before it is cleaned, and after.

    The result may be shorter than possible, but only if nearly all of the text is removed.
    """
    return squash(text[: most * _MOST_CLEANED])[:most]


def one_line(text: str) -> str:
    """Make text safe for a header, a log or a terminal: no line end, control or bidi override.

    A letter keeps at most four combining marks.
    """
    return squash(text)
