"""Splits a text with the names of several authors, as in feeds, tables and mails."""

from __future__ import annotations

import re

from larkpost.text.record_limits import AUTHORS

_LONGEST = 200_000  # characters that are read
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|ph\.?d|md)\.?", re.IGNORECASE)
_AND = re.compile(r"(?<=\S)[ \t\n]+(?:and|&)[ \t\n]+(?=\S)")
_AFFILIATION = re.compile(r"\([^()]*\)")
_MAIL = re.compile(r"^[^\s@(]+@[^\s@(]+\s*(?:\((?P<name>[^()]*)\))?$")


def split_authors(text: str, *, family_first: bool = True) -> tuple[str, ...]:
    """Split ``A. One, B. Two and C. Three``, ``One, A.; Two, B.`` or ``One, A. and Two, B.``.

    If there are semicolons, they separate authors instead of commas. A single comma separates a
    family name from first names if one side is a single word (``Curie, Marie``), unless
    ``family_first`` excludes that order. Text in brackets is left out, and so is a mail address,
    but not the name next to it, as in RSS.
    """
    text = text[:_LONGEST].strip()
    if mail := _MAIL.match(text):
        return (mail["name"].strip(),) if (mail["name"] or "").strip() else ()
    plain = _AFFILIATION.sub("", _AFFILIATION.sub("", text))
    if ";" in plain:
        parts = [_put_first_name_first(part) for part in plain.split(";")]
    elif (
        family_first and _AND.search(plain) and all(_is_turned(part) for part in _AND.split(plain))
    ):
        parts = [_put_first_name_first(part) for part in _AND.split(plain)]
    elif family_first and _is_turned(plain):
        parts = [_put_first_name_first(plain)]
    else:
        parts = _join_suffixes(re.split(r",", _AND.sub(",", plain)))
    names = (" ".join(part.split()).removeprefix("and ") for part in parts)
    read = tuple(name for name in names if name and "@" not in name)
    return read[: AUTHORS.most + 1]  # one more, so that a cut is reported


def _is_turned(text: str) -> bool:
    """Whether a text is one name with its family name first: ``Curie, Marie``."""
    family, comma, first = (part.strip() for part in text.partition(","))
    if not comma or not family or not first or "," in first or _SUFFIX.fullmatch(first):
        return False
    return " " not in family or " " not in first


def _put_first_name_first(text: str) -> str:
    family, comma, first = (part.strip() for part in text.partition(","))
    if not comma or "," in first or _SUFFIX.fullmatch(first):
        return text.strip()
    return f"{first} {family}".strip()


def _join_suffixes(parts: list[str]) -> list[str]:
    joined: list[str] = []
    for part in map(str.strip, parts):
        if joined and _SUFFIX.fullmatch(part):
            joined[-1] += f" {part}"
        else:
            joined.append(part)
    return joined
