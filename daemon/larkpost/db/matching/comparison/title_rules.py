"""Distinguishes an edited title from another paper's, and chooses the better typeset copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from rapidfuzz.distance import OSA, Indel

from larkpost.db.search.tokenize import UNSPACED, stems
from larkpost.text.markup import has_html
from larkpost.text.minhash import fold, squeeze

_WORD = re.compile(rf"\d+|[{UNSPACED}]|[^\W\d_{UNSPACED}]+")
_NUMBER = re.compile(r"\d+|[ivx]+|[b-z]")
_DECISIVE = re.compile(rf"{_NUMBER.pattern}|no|non|not|without")
_JOINING = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "is", "its", "of", "on", "or",
     "the", "their", "through", "to", "toward", "towards", "using", "via", "with")
)  # fmt: skip  # a word a line would be longer than the rule
_SHORTEST_MISSPELT = 5  # letters; in shorter words one other letter makes another word
_MOST_PAIRED = 20  # changed words; with more, the titles have little in common anyway
# Words of titles that do not describe the work.
_GENERIC = frozenset(
    ("abstract", "acknowledgement", "acknowledgements", "addendum", "appendix", "author", "book",
     "comment", "comments", "contents", "correction", "corrections", "corrigendum", "discussion",
     "editorial", "errata", "erratum", "foreword", "front", "index", "introduction", "issue",
     "letter", "matter", "memoriam", "new", "note", "notes", "notice", "obituary", "overview",
     "paper", "perspective", "preface", "proceedings", "publisher", "reply", "report", "response",
     "retraction", "review", "reviews", "short", "special", "summary", "supplement", "survey",
     "table", "technical", "untitled", "withdrawn")
)  # fmt: skip  # a word a line would be longer than the rule
_TELLING = 4  # letters
_SHORTEST_CUT = 25  # letters
_CUT = re.compile(r"(?:…|\.{3,})\W*$")
_LATEX = re.compile(r"\\[A-Za-z]+|[{}$]")
_BREAK = re.compile(r"[\s\u2010-\u2015-]")


class TitleRelation(StrEnum):
    """The relation of two titles."""

    SAME = "same"  # equal except for typesetting
    EDITED = "edited"  # words were added, removed or respelt
    SIBLING = "sibling"  # one pattern with another word or number: two papers
    OTHER = "other"  # they have little in common


def compare_titles(old: str, new: str) -> TitleRelation:
    """Classify the relation of two titles.

    Articles, hyphens, endings and single misspelt letters are edits, and so are words that only one
    title has. A word in the place of another one, a number or a "without" more make a sibling: "…
    in Basque" and "… in Welsh", "Part I" and "Part II", 7B and 70B.
    """
    if squeeze(old) == squeeze(new) or _is_cut_from(old, new) or _is_cut_from(new, old):
        return TitleRelation.SAME
    before, after = _words(old), _words(new)
    gone, come = _changes(before, after)
    if any(map(_DECISIVE.fullmatch, gone + come)):
        return TitleRelation.SIBLING
    if not (gone and come):
        return TitleRelation.EDITED
    changed = (len(gone) + len(come)) / (len(before) + len(after))
    return TitleRelation.SIBLING if changed <= 0.5 else TitleRelation.OTHER


def _is_cut_from(cut: str, title: str) -> bool:
    begin = squeeze(cut)
    long = len(begin) >= _SHORTEST_CUT and is_cut_title(cut)
    return long and squeeze(title).startswith(begin)


def _words(title: str) -> list[str]:
    return [word for word in _WORD.findall(fold(title)) if word not in _JOINING]


def _changes(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Collect the words of only one side, ignoring spelling and position: U-Net is UNet."""
    gone, come = [], []
    for old, new in _spans(before, after):
        if not (_same_word("".join(old), "".join(new)) or _is_abbreviation(old, new)):
            gone += old
            come += new
    for word in gone[:_MOST_PAIRED]:
        if other := next((one for one in come[:_MOST_PAIRED] if _same_word(word, one)), None):
            gone.remove(word)
            come.remove(other)
    return gone, come


def _spans(before: list[str], after: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the parts between the words that both titles share in order."""
    old = new = 0
    for step in Indel.opcodes(before, after):
        if step.tag == "equal":
            yield before[old : step.src_start], after[new : step.dest_start]
            old, new = step.src_end, step.dest_end
    yield before[old:], after[new:]


def _same_word(a: str, b: str) -> bool:
    """Whether two words are forms of one, or differ by one letter that is not the first.

    Misspelt words nearly always begin correctly (Yannakoudakis and Fawthrop, "The rules of spelling
    errors", 1983); "supervised" and "unsupervised" are two words.
    """
    if a == b:
        return True
    if a[:1] != b[:1]:  # neither stemming nor a wrong letter changes the first letter
        return False
    if any(character.isdigit() for character in a + b) or _NUMBER.fullmatch(a):
        return False
    if stems(a) == stems(b):
        return True
    unlike_others = min(len(a), len(b)) >= _SHORTEST_MISSPELT or sorted(a) == sorted(b)
    return unlike_others and OSA.distance(a, b, score_cutoff=1) <= 1


def _is_abbreviation(old: list[str], new: list[str]) -> bool:
    """Whether one side is an abbreviation of the other: LLMs for (large) language models."""
    short, long = sorted((old, new), key=len)
    if len(short) != 1 or len(long) < 2:
        return False
    word, initials = short[0].removesuffix("s"), "".join(one[0] for one in long)
    return word == initials or (len(word) == len(initials) + 1 and word.endswith(initials))


def is_generic(title: str) -> bool:
    """Whether a title does not describe the work, such as "Erratum" or "Technical Report"."""
    words = [word for word in _words(title) if word not in _GENERIC]
    return not any(len(word) >= _TELLING or not word.isascii() for word in words)


def is_cut_title(title: str) -> bool:
    """Return whether a title ends with an ellipsis, as in lists that cut titles."""
    return bool(_CUT.search(title, max(0, len(title) - 20)))


def better_set(old: str, new: str) -> str:
    """Choose between two copies of one text: without HTML, without LaTeX, cased, words apart."""
    return new if _setting(new) > _setting(old) else old


def _setting(text: str) -> tuple[bool, int, bool, int]:
    return (
        not has_html(text),
        -len(_LATEX.findall(text)),
        text not in {text.upper(), text.lower()},
        len(_BREAK.findall(text)),
    )
