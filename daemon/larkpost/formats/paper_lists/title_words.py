"""Distinguishes titles, authors and abstracts from labels and other text, if links are titles."""

from __future__ import annotations

import re

from larkpost.formats.page.title_or_abstract import (
    SURELY_LONG,
    ends_sentence,
    people,
    width,
    without_mark,
)
from larkpost.formats.paper_lists.blocks import CELL

_SHORTEST, _LONGEST = 10, 500  # characters of a title
_SHORTEST_NAME = 2  # characters of a title that is the name of a method, at least
_PROSE = 60  # characters: shorter text below a title is the journal, the day or a number
_PROSE_WORDS = 8  # spaces
_LONGEST_AUTHORS = 3_000  # characters
_LONGEST_LABEL = 5  # spaces
_LABEL = re.compile(
    r"\W{0,3}(?:(?:view|read|download|open|see|get|show|visit|browse|access|go to|sign|log|click"
    r"|learn|find|save|share|cite|submit|listen|watch|explore|discover)\b(?:\W+[\w-]+){0,5}"
    r"|(?:an? |the |our |original |official |project )?(?:abs|abstract|full[ -]?text|e?pdf|html"
    r"|links?|doi|arxiv|paper|article|preprint|code|github|hugging ?face|project|website"
    r"|web ?page|homepage|page|demo|models?|data|datasets?|slides?|video|blog|tweet|poster|bibtex"
    r"|citation|references|supplement\w*|source|url|here|openreview|semantic scholar|alphaxiv"
    r"|details|more|biorxiv|medrxiv|acm|ieee)(?:[ /+&(]{1,3}\w{1,12}){0,2})\W{0,3}",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"https?://.*|\W*(?:arxiv|doi)?\W{0,3}(?:\d{4}\.\d{4,5}(?:v\d+)?|10\.\d{4,9}/\S+)\W*"
    r"|(?:[A-Z][\w.-]{1,20}\s)?(?:volume|issue|vol\.|no\.)\s?\d.*|\W*",
    re.IGNORECASE,
)
_META = re.compile(
    r"(?:(?:first )?published|received|accepted|revised|posted|submitted|updated|available online"
    r"|version of record|open access|research(?: article)?|article|review|letter|news|volume|vol\."
    r"|issue|pages?|pp\.|cited by|comments?|journal|in:|subjects?|categories|keywords?|tags?"
    r"|topics?|venue|conference|date|year|doi|url|link|pdf|code|github|stars?|votes?)"
    r"\s?[:|·\u2014\u2013-]",
    re.IGNORECASE,
)
_AUTHORS_LABEL = re.compile(r"\W{0,3}(?:authors?|by)\b\W{0,4}\s*", re.IGNORECASE)
_VENUE = re.compile(r"\s[-\u2013\u2014•·|]\s")
_HIDDEN_AUTHORS = re.compile(r",?\s?\+\d{1,4} authors?,?\s")  # of Semantic Scholar
_CUT = ("…", "...")
_MOST_ENDINGS = 5  # such as "…" and "et al." after names
_BEHIND_TITLE = re.compile(
    r"(?P<dash>\s[\u2013\u2014|]\s|\s--?\s)|[,.]\s(?P<names>[^,.]{2,40}\set al\.?)$"
)
_QUOTED = re.compile(r"[.,:]\s[\"\u201c](?P<title>[^\"\u201c\u201d]{10,300})[\"\u201d][.,]?$")


def is_title(text: str) -> bool:
    """Return whether a text may be the title of a paper: words that are not a button or label."""
    text = text.strip()
    if not _SHORTEST <= width(text) <= _LONGEST or _NO_TITLE.fullmatch(text):
        return False
    if text.isascii() and " " not in text:
        return False
    return not (text.count(" ") <= _LONGEST_LABEL and _LABEL.fullmatch(text))


def is_short_title(text: str) -> bool:
    """Return whether a text too short for ``is_title`` may be a title if no other text is."""
    text = text.strip()
    return len(text) > _SHORTEST_NAME and not is_label(text) and not _NO_TITLE.fullmatch(text)


def is_label(text: str) -> bool:
    """Return whether a text is that of a button, such as "PDF" or "Read the paper"."""
    return text.count(" ") <= _LONGEST_LABEL and _LABEL.fullmatch(text.strip()) is not None


def is_prose(text: str) -> bool:
    """Return whether a text below a title is an abstract, or a part of one."""
    if width(text) < _PROSE or (text.isascii() and text.count(" ") < _PROSE_WORDS):
        return False
    sentence = ends_sentence(text) or ". " in text or width(text) >= SURELY_LONG
    return (sentence or text.endswith(_CUT)) and not _META.match(text)


def read_authors(text: str) -> tuple[str, ...]:
    """Read the authors in a line, which may have a label before them and the journal after them.

    Google Scholar writes ``A Lovett, B Koenig… - Journal of Examples, 2026``.
    """
    label = _AUTHORS_LABEL.match(text)
    listed = _HIDDEN_AUTHORS.sub(", ", text[label.end() :] if label else text)
    if len(listed) > _LONGEST_AUTHORS:
        return ()
    first = _without_ending(_VENUE.split(listed, maxsplit=1)[0])
    if names := people(first):
        return names
    parted = first != listed.strip() or label is not None
    return people(f"{first}, Ada Lovelace")[:1] if parted else ()


def _without_ending(names: str) -> str:
    """Remove the ending that says that there are more names."""
    for _ in range(_MOST_ENDINGS):
        names = names.strip(" ,…").removesuffix("...").removesuffix("et al.").removesuffix("et al")
    return names.strip(" ,…")


def split_title(text: str) -> tuple[str, str]:
    """Split a title from the rest of its line: cells, a dash, or names of authors."""
    cells = text.split(CELL)
    if len(cells) > 1:
        title = next((cell for cell in cells if is_title(cell)), text)
        return title, CELL.join(cell for cell in cells if cell != title)
    quoted = _QUOTED.search(text)
    if quoted and is_title(quoted["title"]):
        return quoted["title"], text[: quoted.start()]
    match = _BEHIND_TITLE.search(text)
    if match and is_title(text[: match.start()]):
        return text[: match.start()], text[match.end("dash") :] if match["dash"] else match["names"]
    return text, ""


def clean_title(text: str) -> str:
    """Remove the marks, quotes and full stop around a title."""
    title = without_mark(text.strip()).strip('"“” ')
    return title[:-1] if title.endswith(".") and not title.endswith("..") else title
