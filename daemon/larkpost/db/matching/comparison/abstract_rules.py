"""Classifies abstracts: complete, cut, a summary, or a withdrawal notice."""

from __future__ import annotations

import re

from larkpost.db.matching.comparison.title_rules import better_set
from larkpost.text.markup import has_html
from larkpost.text.minhash import squeeze

LEAST_PART = 60  # letters that a beginning needs to identify its text
LONGEST_NOTICE = 600  # characters
_PAPER = r"(?:paper|article|preprint|e-?print|manuscript|submission|version|document)"
_OURS = rf"(?:this|our)\s+(?:\w+\s+)?(?:{_PAPER}|work|report|study|note|chapter|contribution)"
_TAKEN_BACK = r"(?:withdrawn|retracted|removed\s+(?:by|from)\s+(?:the\s+)?arxiv)"
_TODAY = r"(?:now|since|hereby|temporarily|voluntarily|officially|unfortunately|currently)"
_PASSIVE = rf"(?:has|have|is|was|were|being|been|had|to|be|must|{_TODAY}|\s)+\s{_TAKEN_BACK}\b"
_BY = r"(?:the\s+)?(?:\w+\s+)?(?:authors?|arxiv|admin\w*|editors?|publisher|submitter|journal)\b"
_LABEL = r"(?:\W*(?:arxiv\s+admin\s+note|note|notice|abstract|comments?|update)\s*[:.\u2013-])*\W*"
_NOTICE = re.compile(
    rf"\b{_OURS}\s+{_PASSIVE}"
    rf"|^{_LABEL}(?:the\s+)?{_PAPER}\s+(?:{_PASSIVE}|{_TAKEN_BACK}\b)"
    rf"|^{_LABEL}(?:\w+\s+)?{_TAKEN_BACK}\s*(?:$|[.:;!,\u2013-]|by\s+{_BY}|due\s+to\b|because\b)"
    rf"|\b(?:we|authors?|i)\s+(?:\w+\s+){{0,4}}(?:withdr[ae]w\w*|retract\w*)\s+"
    rf"(?:the|this|our|their|my)\s+(?:\w+\s+)?(?:{_PAPER}|work)\b",
    re.IGNORECASE,
)
# Words of an abstract that a notice does not have.
_RESEARCH = re.compile(
    r"\b(?:we|which|paper|article|it)\s+(?:also\s+|then\s+|first\s+)?(?:study|show|present|propose"
    r"|introduce|investigate|examine|analy[sz]e|measure|trace|compare|develop|prove|train|argue"
    r"|describe|explore|survey|review|evaluate|ask|follow)s?\b",
    re.IGNORECASE,
)

_CUT = re.compile(
    r"(?:…|\.{3,})[\s)\]]*"
    r"(?:\W?(?:(?:(?:read|show|see|view)\s*)?(?:more|less|full\s+\w+)|continue\w*(?:\s+reading)?)\W*)?$",
    re.IGNORECASE,
)
_CUT_BEFORE = re.compile(r"\s*[(\[]?(?:…|\.{3,})")
_SUMMARY = 0.97  # of the other's length: below, a sentence is missing, and the longest is kept


def is_withdrawal_notice(abstract: str) -> bool:
    """Return whether a text is a withdrawal notice in place of an abstract.

    Such as arXiv's "This paper has been withdrawn by the author due to …" and "This submission has
    been withdrawn by arXiv administrators …". False for a long text, and for one that describes
    research, because there are papers about withdrawn drugs and retracted papers.
    """
    if len(abstract) > LONGEST_NOTICE:
        return False
    return bool(_NOTICE.search(abstract)) and not _RESEARCH.search(abstract)


def is_cut(abstract: str) -> bool:
    """Return whether a text begins or ends with an ellipsis, and so is part of a longer one."""
    return len(uncut(abstract)) < len(abstract)


def uncut(abstract: str) -> str:
    """Return a text without ellipses at the start and the end, and a "Read more" after them."""
    begin = _CUT_BEFORE.match(abstract)
    end = _CUT.search(abstract, max(0, len(abstract) - 40))
    return abstract[begin.end() if begin else 0 : end.start() if end else None]


def continues(cut: str, whole: str) -> bool:
    """Return whether a text has all of a cut one, long enough to identify it, and is not cut."""
    begun = squeeze(uncut(cut))
    return (
        is_cut(cut) and not is_cut(whole) and len(begun) >= LEAST_PART and begun in squeeze(whole)
    )


def best_abstract(old: str, new: str, *, later: bool, newer: bool | None = None) -> str:
    """Choose the longest complete abstract; the ``later`` of two of nearly equal length.

    A cut text, a summary or a withdrawal notice never replaces it, whichever came first, nor does a
    copy with HTML replace one without. ``newer``: whether ``new``, if both are complete, is current
    by arXiv's versions, regardless of its length; None if unknown.
    """
    before, after = squeeze(old), squeeze(new)
    if before == after:
        return better_set(old, new)
    if not (before and after):
        return old if before else new
    if is_withdrawal_notice(old) != is_withdrawal_notice(new):
        return new if is_withdrawal_notice(old) else old
    if is_cut(old) or is_cut(new):
        return _least_cut(old, new)
    if newer is not None:
        return new if newer else old
    if _is_part(before, after) or _is_part(after, before):
        return old if len(before) > len(after) else new
    if has_html(old) != has_html(new):
        return new if has_html(old) else old
    return new if later else old


def _least_cut(old: str, new: str) -> str:
    """Choose between two texts of which at least one is cut: the complete one, else the longer.

    A text cut after a full stop only looks complete, so its length decides.
    """
    long = max(old, new, key=lambda text: len(squeeze(uncut(text))))
    if is_cut(old) and is_cut(new):
        return long
    whole, cut = (new, old) if is_cut(old) else (old, new)
    return long if squeeze(whole) in squeeze(uncut(cut)) else whole


def _is_part(short: str, long: str) -> bool:
    """Whether this is so much shorter that it is a part or a summary of the other."""
    return len(short) < len(long) * _SUMMARY or short in long
