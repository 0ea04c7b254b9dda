"""Keeps the texts of a paper from records whose source is no authority for papers.

An identifier shows that a record is about a paper, not that its text is the paper's: anybody may
name a paper of arXiv in a feed. So an unverified record replaces unverified texts of its own source
only. It adds what is missing, and the rest of a cut text. A verified record replaces unverified
texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from larkpost.db.matching.comparison.abstract_rules import continues, is_cut, is_withdrawal_notice
from larkpost.db.matching.comparison.duplicate_rules import akin
from larkpost.db.matching.comparison.same_words import has_authors, has_same_words
from larkpost.db.matching.comparison.title_rules import is_cut_title
from larkpost.domain import Paper, PaperRecord
from larkpost.text.arxiv_categories import ALL_CODES
from larkpost.text.identifiers import paper_url
from larkpost.text.minhash import squeeze
from larkpost.text.unverified import SEVERAL_SOURCES, Unverified, is_unverified

_LONG_TITLE = 25  # letters of a cut title that identify the rest of it
_LATEST_READ = timedelta(days=7)  # after which a list is read that came when it says


def is_lesser(paper: Paper, draft: PaperRecord, text: Unverified = Unverified.TITLE) -> bool:
    """Whether a record's text is unverified, and that of the paper is not, or of another source.

    Of two feeds neither is more reliable: the first one's text stays.
    """
    if not text & draft.unverified:
        return False
    return not text & paper.unverified or not _has_source(paper, draft)


def is_better(paper: Paper, draft: PaperRecord, text: Unverified = Unverified.TITLE) -> bool:
    """Whether a paper's text is unverified, and that of the record is not."""
    return bool(text & paper.unverified & ~draft.unverified)


def choose_title(paper: Paper, draft: PaperRecord, usual: str) -> str:
    """Choose a title; ``usual`` is the choice between two equally reliable ones."""
    if squeeze(paper.title) == squeeze(draft.title):
        return _choose_typeset(paper, draft, Unverified.TITLE, (paper.title, draft.title, usual))
    if is_lesser(paper, draft):
        return draft.title if _completes(paper.title, draft.title) else paper.title
    if is_better(paper, draft) and not _completes(draft.title, paper.title):
        return draft.title
    return usual


def _choose_typeset(
    paper: Paper, draft: PaperRecord, text: Unverified, texts: tuple[str, str, str]
) -> str:
    """Choose between two texts with the same letters, the paper's and the draft's; else ``usual``.

    A feed could put a space after each letter, or words in symbols that are no letters. One that
    put an ellipsis around a whole text could later add words as its rest.
    """
    old, new, usual = texts
    if is_lesser(paper, draft, text):
        is_whole = is_cut(old) and not is_cut(new) and has_same_words(new, old)
        return new if is_whole else old
    return new if is_better(paper, draft, text) else usual


def _completes(cut: str, whole: str) -> bool:
    """Whether a title has all of a cut one, long enough to identify it, and is not cut."""
    begun = squeeze(cut)
    if not is_cut_title(cut) or is_cut_title(whole) or len(begun) < _LONG_TITLE:
        return False
    return squeeze(whole).startswith(begun)


def choose_abstract(paper: Paper, draft: PaperRecord, usual: str) -> str:
    """Choose an abstract; ``usual`` is the choice between two equally reliable ones.

    A cut text or a withdrawal notice is not better than the abstract because its source is. A short
    one is: a feed could make the abstract of any paper longer, in words of its own, before an
    authority lists it.
    """
    before, after = squeeze(paper.abstract), squeeze(draft.abstract)
    if before == after:
        texts = paper.abstract, draft.abstract, usual
        return _choose_typeset(paper, draft, Unverified.ABSTRACT, texts)
    if is_lesser(paper, draft, Unverified.ABSTRACT):
        is_missing = not before and not is_withdrawal_notice(draft.abstract)
        is_rest = is_missing or continues(paper.abstract, draft.abstract)
        return draft.abstract if is_rest else paper.abstract
    if is_better(paper, draft, Unverified.ABSTRACT) and after and not is_cut(draft.abstract):
        return usual if is_withdrawal_notice(draft.abstract) else draft.abstract
    return usual


def choose_authors(paper: Paper, draft: PaperRecord, usual: tuple[str, ...]) -> tuple[str, ...]:
    """Choose authors; ``usual`` is the choice between two equally reliable lists.

    An authority's list stands, even if it has the first authors only: a feed could add any name.
    """
    if is_lesser(paper, draft, Unverified.AUTHORS):
        return paper.authors or draft.authors
    if is_better(paper, draft, Unverified.AUTHORS) and draft.authors:
        return draft.authors
    return usual


def choose_url(paper: Paper, draft: PaperRecord) -> str | None:
    """Choose the address of a paper: the first; an unverified one only if there is no other."""
    if is_lesser(paper, draft, Unverified.LINK) and link_of(paper):
        return paper.url
    if is_better(paper, draft, Unverified.LINK) and link_in(draft, paper):
        return draft.url
    return paper.url or draft.url


def link_in(draft: PaperRecord, paper: Paper) -> str:
    """Return the link that a record gives to its paper: its address, or the paper's identifier.

    Empty if it has neither.
    """
    names = [paper.identifier] if paper.identifier in draft.identifiers else []
    return paper_url(draft.url, names)


def link_of(paper: Paper) -> str:
    """Return the link of a paper that readers are shown; empty if it has none."""
    return paper_url(paper.url, [paper.identifier])


def is_withdrawn(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a paper is withdrawn: for good, by a record that is as reliable as its title."""
    if is_better(paper, draft):
        return draft.withdrawn
    return paper.withdrawn or (draft.withdrawn and not is_lesser(paper, draft))


def mark_unverified(paper: Paper, draft: PaperRecord, merged: Paper) -> Paper:
    """Store in a merged paper what is unverified, and the first source of its unverified texts.

    A text that several feeds listed belongs to none: else the one that copied it first could
    replace it once the others list it no longer.
    """
    texts = _unverified_texts(paper, draft, merged)
    source = paper.text_source if paper.unverified & Unverified.TEXTS else draft.text_source
    is_of_both = paper.unverified & draft.unverified & Unverified.TITLE
    if is_of_both and draft.text_source not in {"", paper.text_source}:
        source = SEVERAL_SOURCES
    unverified = texts | _unverified_link(paper, draft, merged)
    return replace(merged, unverified=unverified, text_source=source if texts else "")


def _unverified_link(paper: Paper, draft: PaperRecord, merged: Paper) -> int:
    """Return ``Unverified.LINK`` if a merged paper has a link that only feeds gave to it."""
    before, after = link_of(paper), link_in(draft, paper)
    if before == after:
        return paper.unverified & draft.unverified & Unverified.LINK
    return (draft if link_of(merged) == after else paper).unverified & Unverified.LINK


def _unverified_texts(paper: Paper, draft: PaperRecord, merged: Paper) -> int:
    """Return the unverified texts of a merged paper; a text of both is as good as the better.

    So is the rest of an authority's title: with it, the paper is still the authority's.
    """
    both = paper.unverified & draft.unverified
    told = 0
    for text, old, new, chosen in (
        (Unverified.TITLE, paper.title, draft.title, merged.title),
        (Unverified.ABSTRACT, paper.abstract, draft.abstract, merged.abstract),
        (Unverified.AUTHORS, "\n".join(paper.authors), "\n".join(draft.authors),
         "\n".join(merged.authors)),
    ):  # fmt: skip
        before, after, result = squeeze(old), squeeze(new), squeeze(chosen)
        if before == after:
            told |= both & text
        else:
            told |= (draft if result == after else paper).unverified & text
    cut = draft.title if is_better(paper, draft) else paper.title
    if not both & Unverified.TITLE and _completes(cut, merged.title):
        told &= ~Unverified.TITLE
    return told


def is_akin(paper: Paper, draft: PaperRecord) -> bool:
    """Whether an unverified record has the title or the abstract of a paper, slightly edited."""
    return squeeze(paper.title) == squeeze(draft.title) or akin(paper, draft)


def is_another(
    paper: Paper, draft: PaperRecord, is_like: Callable[[Paper, PaperRecord], bool]
) -> bool:
    """Whether a paper's title is unverified, and neither that of a record nor like it."""
    if not is_unverified(paper):
        return False
    return squeeze(paper.title) != squeeze(draft.title) and not is_like(paper, draft)


def may_be_another(paper: Paper, reference: PaperRecord) -> bool:
    """Whether a public paper may be another one than a reader's reference.

    Anybody may put any abstract under any title and identifier in a feed. Were that paper the
    reference's, the reader's thumb would be on it, and their own text gone. So it is the
    reference's if its texts come from an authority, or if it says the same, which a bare
    identifier does not. A bare title is that of an authority's, whoever added the abstract.
    """
    if is_unverified(paper):
        is_same_title = has_same_words(paper.title, reference.title)
        return not is_same_title or not has_same_words(paper.abstract, reference.abstract)
    has_text = bool(paper.unverified & Unverified.ABSTRACT and reference.abstract)
    return has_text and not has_same_words(paper.abstract, reference.abstract)


def is_of_other_source(paper: Paper, draft: PaperRecord) -> bool:
    """Whether the titles of both are unverified, and come from different sources."""
    both = paper.unverified & draft.unverified & Unverified.TITLE
    return bool(both) and not _has_source(paper, draft)


def _has_source(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a record is from the source of a paper's texts, and may replace them.

    A record with a uid is a paper of another home, and with another uid it was another one there.
    """
    is_other = bool(draft.uid) and draft.uid != paper.uid
    return paper.text_source == draft.text_source and not is_other and not is_shared(paper)


def is_shared(paper: Paper) -> bool:
    """Whether several feeds listed the texts of a paper, so that none of them may replace them."""
    return paper.text_source == SEVERAL_SOURCES


def says_more(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a paper says something else than a record of another feed, or makes a statement.

    Neither feed is more reliable. Were such a record added to the paper, whoever copied a text
    first could put words of its own on it, or hide it as withdrawn or of long ago. An abstract or
    authors that the record lacks may be the paper's, because any feed may add them.
    """
    is_longer_ago = paper.first_seen < read_at(paper) - _LATEST_READ
    return (
        not _has_text(paper, draft)
        or (bool(draft.authors) and not has_authors(paper.authors, draft.authors))
        or not _statements(paper) <= _statements(draft)
        or paper.withdrawn != draft.withdrawn
        or is_longer_ago
    )


def _has_text(paper: Paper, draft: PaperRecord) -> bool:
    if not has_same_words(paper.title, draft.title):
        return False
    before, after = paper.abstract, draft.abstract
    return not (before and after) or has_same_words(before, after) or continues(before, after)


def read_at(paper: Paper) -> datetime:
    """Return when a paper of a feed was really read, whatever the feed says when it came out."""
    return max(paper.ingested_at, paper.text_seen or paper.ingested_at)


def has_other_abstract(paper: Paper, draft: PaperRecord) -> bool:
    """Whether one of a paper and a record has another abstract, its rest, or one at all.

    A record of a feed that lacks it is of the paper; a paper that an export lists without it was
    one of its own there.
    """
    told = bool(draft.abstract or draft.uid)
    return told and squeeze(paper.abstract) != squeeze(draft.abstract)


def is_incomplete(paper: Paper) -> bool:
    """Whether a record of any feed may add an abstract, or the rest of a text, to a paper."""
    return not paper.abstract or is_cut(paper.abstract) or is_cut_title(paper.title)


def _statements(told: Paper | PaperRecord) -> set[str]:
    """Return what is said of a paper in free words, and its categories other than arXiv's."""
    statements = (told.organisation, told.comment, told.journal_ref, *told.categories)
    return {one for one in statements if one and one.casefold() not in ALL_CODES}


def takes_over(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a record of an authority has an identifier that another text was put under before.

    Then the paper is new: it must not be too old to be recommended because somebody named its
    identifier in advance.
    """
    return is_better(paper, draft) and not is_akin(paper, draft)
