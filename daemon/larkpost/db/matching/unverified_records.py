"""Limits what a record says whose source is no authority for papers (``verified_texts``).

Whatever decides about other records is left out: versions, uids, early dates, several identifiers.
On a paper of another source it makes no statements, and after a thumb its texts stay.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from larkpost.db.matching.comparison.abstract_rules import is_withdrawal_notice
from larkpost.db.matching.comparison.duplicate_rules import LOOSE, alike
from larkpost.db.matching.verified_texts import is_akin, is_better, is_lesser, read_at
from larkpost.domain import Identifier, Paper, PaperRecord
from larkpost.text.identifiers import find_identifier
from larkpost.text.record_limits import MOST_UNVERIFIED_NAMES
from larkpost.text.unverified import Unverified, is_unverified

_RECENT_MONTHS = 1  # of an arXiv id: such a paper may still be announced


def limit_unverified(draft: PaperRecord, now: datetime) -> PaperRecord:
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


def unverified_names(
    paper: Paper, known: Collection[Identifier], draft: PaperRecord, gained: Sequence[Identifier]
) -> list[Identifier]:
    """Choose the identifiers that an unverified record adds to a paper with these ``known`` ones.

    To a paper of another source that of the same text, so that it is found by it the next time. Not
    its address: with that of a third paper, which begins with the same title, that paper's record
    would be taken for one of this paper. To one of its own that has an identifier, only addresses
    and texts: its next record, from an authority, may be of another paper.
    """
    if is_lesser(paper, draft):
        gained = [name for name in gained if name.scheme == "text" and alike(paper, draft)]
    elif any(name.scheme not in LOOSE for name in known):
        gained = [name for name in gained if name.scheme in LOOSE]
    return list(gained[: max(0, MOST_UNVERIFIED_NAMES - len(known))])


def without_unverified_facts(paper: Paper, draft: PaperRecord) -> PaperRecord:
    """Leave out what an unverified record must not say about a paper of an authority.

    All its facts, if its texts are not the paper's; else its statements in free words, which would
    be shown as the authority's: "Retracted", with a link. And its categories: the ranking learns
    from an authority's papers what words of a reader's interest mean that are a category.
    """
    if not is_lesser(paper, draft):
        return draft
    draft = replace(
        draft, organisation=None, comment=None, journal_ref=None, categories=(), published=None
    )
    if is_akin(paper, draft):
        return draft
    return replace(
        draft,
        abstract="",
        authors=(),
        thumbnail=None,
        url=None,
        links=(),
        keywords=(),
        upvotes=None,
    )


def without_unverified_claims(paper: Paper, draft: PaperRecord) -> Paper:
    """Leave out an unverified paper's statements when a record of an authority arrives.

    It is as old as its record here, not as its source said: a day of long ago would keep it out of
    what is popular, and of the authority's day in the archive. Links and keywords of the authority
    come first, because the number of both is limited. A notice of withdrawal is no abstract of it.
    """
    if not is_better(paper, draft):
        return paper
    is_claimed = paper.unverified & Unverified.ABSTRACT and is_withdrawal_notice(paper.abstract)
    read = paper.ingested_at if draft.came_out else read_at(paper)
    return replace(
        paper,
        abstract="" if is_claimed else paper.abstract,
        ingested_at=read,
        organisation=None,
        comment=None,
        journal_ref=None,
        categories=(),
        links=(*draft.links, *paper.links),
        keywords=(*draft.keywords, *paper.keywords),
        first_seen=max(paper.first_seen, read),
        published=draft.published,
    )


def with_judged_texts(paper: Paper, draft: PaperRecord) -> PaperRecord:
    """Replace the unverified texts of a record by those that a paper with thumbs has.

    Its statements as well, if the title is unverified. Otherwise a source could collect thumbs with
    one text, or wait for those on a title of an authority without an abstract, and then show
    another: readers' tastes, and what is popular, would follow. Texts of an authority replace them.
    """
    if draft.unverified & Unverified.ABSTRACT:
        draft = replace(draft, abstract=paper.abstract)
    if draft.unverified & Unverified.AUTHORS and paper.authors:
        draft = replace(draft, authors=paper.authors)
    if not is_unverified(draft):
        return draft
    return replace(
        draft,
        title=paper.title,
        withdrawn=paper.withdrawn,
        organisation=paper.organisation,
        comment=paper.comment,
        journal_ref=paper.journal_ref,
    )


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
