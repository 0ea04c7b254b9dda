"""Keeps the texts of a paper from records whose source is no authority for papers.

An identifier shows that a record is about a paper, not that its text is the paper's: anybody may
name a paper of arXiv in a feed. So an unverified record replaces unverified texts only. It adds
what is missing, and the rest of a cut text. A verified record replaces unverified texts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from larkpost.db.matching.abstract_rules import continues, is_cut, is_withdrawal_notice
from larkpost.db.matching.duplicate_rules import LOOSE, akin, alike
from larkpost.db.matching.title_rules import is_cut_title
from larkpost.domain import Identifier, Paper, PaperRecord
from larkpost.text.arxiv_categories import ALL_CODES
from larkpost.text.identifiers import find_identifier, paper_url
from larkpost.text.minhash import squeeze
from larkpost.text.record_limits import MOST_OUTSIDE_NAMES
from larkpost.text.unverified import Unverified

_LONG_TITLE = 25  # letters of a cut title that identify the rest of it
_RECENT_MONTHS = 1  # of an arXiv id: such a paper may still be announced


def is_lesser(paper: Paper, draft: PaperRecord, text: Unverified = Unverified.TITLE) -> bool:
    """Whether a record's text is unverified, and that of the paper is not."""
    return bool(text & draft.unverified & ~paper.unverified)


def is_better(paper: Paper, draft: PaperRecord, text: Unverified = Unverified.TITLE) -> bool:
    """Whether a paper's text is unverified, and that of the record is not."""
    return bool(text & paper.unverified & ~draft.unverified)


def choose_title(paper: Paper, draft: PaperRecord, usual: str) -> str:
    """Choose a title; ``usual`` is the choice between two equally reliable ones."""
    before, after = squeeze(paper.title), squeeze(draft.title)
    if before == after:
        return usual
    if is_lesser(paper, draft):
        return draft.title if _completes(paper.title, draft.title) else paper.title
    if is_better(paper, draft) and not _completes(draft.title, paper.title):
        return draft.title
    return usual


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
        return usual
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
    identified = bool(paper_url(None, [paper.identifier]))
    if is_lesser(paper, draft) and identified:
        return paper.url
    if is_better(paper, draft) and (draft.url or identified):
        return draft.url
    return paper.url or draft.url


def is_withdrawn(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a paper is withdrawn: for good, by a record that is as reliable as its title."""
    if is_better(paper, draft):
        return draft.withdrawn
    return paper.withdrawn or (draft.withdrawn and not is_lesser(paper, draft))


def unverified_texts(paper: Paper, draft: PaperRecord, merged: Paper) -> int:
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


def without_outside_facts(paper: Paper, draft: PaperRecord) -> PaperRecord:
    """Leave out what an unverified record must not say about a paper of an authority.

    All its facts, if its texts are not the paper's; else its statements in free words, which would
    be shown as the authority's: "Retracted", with a link. Of its categories arXiv's codes stay.
    """
    if not is_lesser(paper, draft):
        return draft
    known = _known_categories(draft.categories)
    draft = replace(draft, organisation=None, comment=None, journal_ref=None, categories=known)
    if is_akin(paper, draft):
        return draft
    return replace(
        draft,
        abstract="",
        authors=(),
        categories=(),
        published=None,
        thumbnail=None,
        url=None,
        links=(),
        keywords=(),
        upvotes=None,
    )


def without_outside_claims(paper: Paper, draft: PaperRecord) -> Paper:
    """Leave out an unverified paper's statements when a record of an authority arrives.

    It is as old as its record here, not as its source said: a day of long ago would keep it out of
    what is popular, and of the authority's day in the archive. Links and keywords of the authority
    come first, because the number of both is limited.
    """
    if not is_better(paper, draft):
        return paper
    return replace(
        paper,
        organisation=None,
        comment=None,
        journal_ref=None,
        categories=() if draft.categories else _known_categories(paper.categories),
        links=(*draft.links, *paper.links),
        keywords=(*draft.keywords, *paper.keywords),
        first_seen=max(paper.first_seen, paper.ingested_at),
        published=draft.published or paper.published,
    )


def _known_categories(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in given if one.casefold() in ALL_CODES)


def with_judged_texts(paper: Paper, draft: PaperRecord) -> PaperRecord:
    """Replace the unverified texts of a record by those that a paper with thumbs has.

    Its statements as well, if the paper's title is unverified. Otherwise a source could collect
    thumbs with one text and then show another: readers' tastes, and what is popular, would follow.
    Texts of an authority replace them.
    """
    both = draft.unverified & paper.unverified
    if both & Unverified.ABSTRACT:
        draft = replace(draft, abstract=paper.abstract)
    if both & Unverified.AUTHORS:
        draft = replace(draft, authors=paper.authors)
    if not both & Unverified.TITLE:
        return draft
    return replace(
        draft,
        title=paper.title,
        withdrawn=paper.withdrawn,
        organisation=paper.organisation,
        comment=paper.comment,
        journal_ref=paper.journal_ref,
    )


def is_akin(paper: Paper, draft: PaperRecord) -> bool:
    """Whether an unverified record has the title or the abstract of a paper, slightly edited."""
    return squeeze(paper.title) == squeeze(draft.title) or akin(paper, draft)


def may_be_another(
    paper: Paper, reference: PaperRecord, is_like: Callable[[Paper, PaperRecord], bool] = akin
) -> bool:
    """Whether a public paper with an identifier of a reader's reference may be another paper.

    Anybody may name an identifier in a feed, above any text. So the paper is the reference's if its
    title comes from an authority, or is that of the reference, or if ``is_like`` says so. A bare
    identifier has no text to compare.
    """
    if not paper.unverified & Unverified.TITLE or not reference.title:
        return False
    return squeeze(paper.title) != squeeze(reference.title) and not is_like(paper, reference)


def limit_outside(draft: PaperRecord, now: datetime) -> PaperRecord:
    """Leave out of an unverified record what decides about later records.

    A version outranks later texts. A uid belongs to an export. An early ingestion, or a paper that
    came out before, keeps a paper from readers, and so would that of an id which arXiv has not
    announced yet, or of none.
    """
    arxiv_id = _arxiv_id(draft)
    is_old = bool(arxiv_id) and not _is_recent(arxiv_id, now)
    return replace(
        draft,
        version=None,
        uid=None,
        updated=None,
        ingested_at=now,
        came_out=draft.came_out if is_old else None,
    )


def limit_names(names: Sequence[Identifier], now: datetime) -> tuple[Identifier, ...]:
    """Leave an unverified record one identifier, besides addresses and that of its text, the last.

    With several it could join papers that have nothing to do with each other, and so it could with
    those of other papers' texts. An arXiv id of a later month could be any paper's.
    """
    strong = [name for name in names if name.scheme not in LOOSE and not _is_of_future(name, now)]
    strong.sort(key=lambda name: (name.scheme != "arxiv", name.scheme != "doi"))
    kept = {names[-1], *strong[:1]}
    return tuple(name for name in names if name.scheme == "url" or name in kept)


def names_from_outside(
    paper: Paper, known: Collection[Identifier], draft: PaperRecord, gained: Sequence[Identifier]
) -> list[Identifier]:
    """Choose the identifiers that an unverified record adds to a paper with these ``known`` ones.

    None if its text is another; only addresses and its text if the paper is verified or has an
    identifier, because its next record, from an authority, may be of another paper. Of a verified
    paper, not the text of one that is only similar.
    """
    lesser = is_lesser(paper, draft)
    if lesser and not is_akin(paper, draft):
        return []
    if lesser and any(name.scheme == "text" for name in gained) and not alike(paper, draft):
        gained = [name for name in gained if name.scheme == "url"]
    if lesser or any(name.scheme not in LOOSE for name in known):
        gained = [name for name in gained if name.scheme in LOOSE]
    return list(gained[: max(0, MOST_OUTSIDE_NAMES - len(known))])


def takes_over(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a record of an authority has an identifier that another text was put under before.

    Then the paper is new: it must not be too old to be recommended because somebody named its
    identifier in advance.
    """
    return is_better(paper, draft) and not is_akin(paper, draft)


def is_withdrawal(draft: PaperRecord) -> bool:
    """Whether a record withdraws its paper; an unverified one does not withdraw arXiv's papers."""
    if draft.unverified and _arxiv_id(draft):
        return False
    notices = (draft.abstract, draft.comment or "")
    return draft.withdrawn or any(map(is_withdrawal_notice, notices))


def _arxiv_id(draft: PaperRecord) -> str:
    """Return the arXiv id of a record; empty if it has none."""
    linked = find_identifier(draft.url) if draft.url else None
    names = (*draft.identifiers, *((linked,) if linked else ()))
    return next((name.value for name in names if name.scheme == "arxiv"), "")


def _is_recent(arxiv_id: str, now: datetime) -> bool:
    """Whether an arXiv id such as 2608.00001 is of this month, the last one or a later one."""
    months = _months_old(arxiv_id, now)
    return months is not None and months <= _RECENT_MONTHS


def _is_of_future(name: Identifier, now: datetime) -> bool:
    months = _months_old(name.value, now) if name.scheme == "arxiv" else None
    return months is not None and months < 0


def _months_old(arxiv_id: str, now: datetime) -> int | None:
    """Return how many months ago an arXiv id was given; None for those before 2007."""
    if not arxiv_id[:4].isdigit():
        return None
    return 12 * now.year + now.month - 12 * (2000 + int(arxiv_id[:2])) - int(arxiv_id[2:4])
