"""Recognises titles, abstracts and names of authors by their text alone."""

from __future__ import annotations

import re
from urllib.parse import unquote

from larkpost.domain import Identifier
from larkpost.text.identifiers import find_identifier

SURELY_LONG = 300  # characters: hardly any title is longer, hardly any abstract shorter
MAYBE_LONG = 140  # the longest title of the sample has 137
LONGEST_PAGE_TITLE = 500
TRIANGLES = "[▲△▴↑⬆🔼]"  # a pattern: the sign of votes in mails and pages
_SENTENCE = 40
_FEW_WORDS = 3  # spaces: the name of an organisation may end with a full stop
_ENDS = ".!?)]}\"'”\u2019»。\uff01\uff1f…"
# One character of Chinese, Japanese or Korean says as much as about three of English.
_WIDE = re.compile(
    "[\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
BULLET = "[*+•◦▪▸►▶➤→⇒✓✔✗■□◆○●·‣\u2043\u2013\u2014-]"
_MARK = re.compile(
    rf"^(?:(?P<number>(?:#?\d{{1,3}}[.):]|#\d{{1,3}}|\[\d{{1,3}}\])(?=\s)|\d{{1,3}}、)"
    rf"|(?P<bullet>{BULLET})(?=\s))\s*(?=\S)"
)
_ITEM = re.compile(
    rf"(?:\*{{0,2}}\(?(?:\d{{1,2}}|[ivx]{{1,4}}|[a-h])[.)]\*{{0,2}}|\[\d{{1,2}}\]|{BULLET})\s+\S"
    r"|[A-Z]{1,3}\d{1,2}[:.)]\s"
)
_TITLE_LABEL = re.compile(r"^(?:\*\*)?(?:paper )?title\s*:\s*(?:\*\*)?\s*(?=\S)", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_EMPHASIS = re.compile(r"(?P<marks>\*{1,3}|_{1,3})(?=[^\s*_])(?P<text>.*[^\s*_])(?P=marks)")
LABEL = re.compile(
    r"[*_]{0,3}(?:(?:ai[- ]generated |ai )?(?:summary|abstract)|tl;?dr|摘要|要旨|概要|초록|요약)"
    r"[*_]{0,3}",
    re.IGNORECASE,
)
_STARTS_SENTENCE = re.compile(
    r"(?:we|our|this|these|those|in|to|the|code|data|project|however|finally|moreover|furthermore"
    r"|additionally|experiments|results|extensive|it|all|both|here|for|by|with|on|as|while|more"
    r"|models?|demos?|an?|\w{4,14}:)\b",
    re.IGNORECASE,
)
_NAME = (
    r"(?:[^\W\d_a-z][\w.'\u2019\u2010-]*|d[aeiu]|del|der|den|dos|el|al|la|le|van|von|bin|ben|ibn|y)"
)
_PERSON = re.compile(rf"{_NAME}(?:\s+{_NAME}){{1,4}}")
# White space is matched from the start of a run, or a long run would take quadratic time.
_BETWEEN_PEOPLE = re.compile(r"(?:(?<!\s)\s+)?[,;·•|]\s*(?:and\s+)?|(?<!\s)\s+(?:and|&)\s+")
_BY = re.compile(r"^(?:by|authors?)\s*:?\s+", re.IGNORECASE)
_MORE_PEOPLE = re.compile(
    r"(?:(?<!\s)\s+)?(?:,\s*)?(?:et al\.?|\+\s?\d{1,4}.{0,10}|and \d{1,4} (?:more|others))$"
)
_FOOTNOTES = " 0123456789*†‡§¶¹²³⁰⁴⁵⁶⁷⁸⁹"
_NEXT = re.compile(r"/login\?next=([^&#]+)")
_MOST_PEOPLE = 3_000  # characters
_LONGEST_NAME = 100


def width(text: str) -> int:
    """Return the length of a text in characters of English."""
    return len(text) if text.isascii() else len(text) + 2 * len(_WIDE.findall(text))


def is_abstract(text: str) -> bool:
    """Return whether a paragraph is an abstract, by its length or, if shorter, its sentences."""
    size = width(text)
    if size >= SURELY_LONG:
        return True
    return size >= MAYBE_LONG and (ends_sentence(text) or ". " in text or "。" in text)


def is_sentence(text: str) -> bool:
    """Return whether a short paragraph may be an abstract below a title."""
    return width(text) >= _SENTENCE and ends_sentence(text)


def begins_abstract(text: str) -> bool:
    """Return whether a short paragraph begins an abstract: it introduces a list, or more text."""
    if text.endswith(":"):
        return width(text) >= _SENTENCE
    return is_sentence(text) and (". " in text or _STARTS_SENTENCE.match(text) is not None)


def ends_sentence(text: str) -> bool:
    """Return whether a text ends with a full stop, or is cut off with an ellipsis."""
    return text.endswith((".", "。", "…", "\uff01", ".)", ".”", '."'))


def ends_properly(text: str) -> bool:
    """Return whether a text ends as abstracts do: with a full stop or the like, or an address."""
    return text.endswith(tuple(_ENDS)) or "/" in text.rsplit(maxsplit=1)[-1]


def continues(text: str, above: str) -> bool:
    """Return whether a paragraph continues the abstract above it, in a list or a new paragraph."""
    if is_item(text):
        return not _is_listed_person(text)
    if not ends_properly(above) or above.endswith(":") or text.endswith((":", ";", ",")):
        return True
    return "://" in text or (ends_sentence(text) and text.count(" ") >= _FEW_WORDS)


def is_body(text: str, mark: str = "") -> bool:
    """Return whether a short paragraph below a title is part of the abstract, not another title.

    ``mark`` is the kind of mark with which titles begin on this page.
    """
    if mark and title_mark(text) == mark:
        return False
    if is_item(text):
        return not _is_listed_person(text)
    return is_fragment(text) or is_sentence(text) or begins_abstract(text)


def is_item(text: str) -> bool:
    """Return whether a paragraph is an item of a list."""
    return _ITEM.match(text) is not None


def _is_listed_person(text: str) -> bool:
    return _PERSON.fullmatch(_MARK.sub("", text, count=1)) is not None


def title_mark(text: str) -> str:
    """Return the kind of mark with which a paragraph begins: ``number``, ``bullet`` or none."""
    match = _MARK.match(text)
    if match is None:
        return ""
    return "number" if match["number"] else "bullet"


def title_number(text: str) -> int | None:
    """Read the number with which a paragraph begins, as in ``1. Title`` or ``[1] Title``."""
    match = _MARK.match(text)
    return int(_DIGITS.findall(match["number"])[0]) if match and match["number"] else None


def without_mark(text: str) -> str:
    """Remove a number, bullet or "Title:" before a title, and the emphasis around it."""
    return _TITLE_LABEL.sub("", without_emphasis(_MARK.sub("", text, count=1)))


def without_emphasis(text: str) -> str:
    """Remove stars or underlines around a whole line."""
    emphasis = _EMPHASIS.fullmatch(text)
    return emphasis["text"] if emphasis else text


def is_fragment(text: str) -> bool:
    """Return whether a short paragraph is a formula, code or a row of a table."""
    return text.startswith(("|", "$", "\\")) or " = " in text or text.endswith("()")


def people(text: str) -> tuple[str, ...]:
    """Read a line that is only the names of two or more persons; else returns none."""
    listed = _BY.sub("", text)
    first = _BETWEEN_PEOPLE.split(listed[:_LONGEST_NAME], maxsplit=1)[0].strip(_FOOTNOTES)
    if len(text) > _MOST_PEOPLE or not _PERSON.fullmatch(first):
        return ()
    listed = _MORE_PEOPLE.sub("", listed, count=1)
    names = [part.strip(_FOOTNOTES) for part in _BETWEEN_PEOPLE.split(listed)]
    return tuple(names) if len(names) > 1 and all(map(_PERSON.fullmatch, names)) else ()


def is_name(text: str) -> bool:
    """Return whether a line may be one person's name; journals and methods may look like one."""
    return len(text) <= _LONGEST_NAME and _PERSON.fullmatch(text.strip(_FOOTNOTES)) is not None


def vote_link_target(url: str | None) -> Identifier | None:
    """Read the paper for which a link lets people vote: the link leads to a login, then to it."""
    match = _NEXT.search(url) if url else None
    return paper_name(unquote(match[1])) if match else None


def paper_name(url: str | None) -> Identifier | None:
    """Read the arXiv id in the address of a paper; None for any other address."""
    if not url:
        return None
    name = find_identifier(f"https://huggingface.co{url}" if url.startswith("/") else url)
    return name if name and name.scheme == "arxiv" else None
