"""Decides whether two texts are the same paper, and which text to keep when they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from larkpost.db.matching.abstract_rules import (
    best_abstract,
    is_withdrawal_notice,
    same_subject,
    similarity,
)
from larkpost.db.matching.title_rules import TitleRelation, better_set, compare_titles
from larkpost.db.search.tokens import stems
from larkpost.text.markup import has_html
from larkpost.text.minhash import resemblance, squeeze

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from larkpost.domain import Identifier, Paper, PaperRecord

# Names of which one paper may have several; any other scheme tells two papers apart.
LOOSE = frozenset({"url", "text"})

# Letters from which on a title names a paper. Of 35,456 papers announced on arXiv from March 2025
# to January 2026, 35,243 have so long a title, and six pairs share one: in each the same work was
# filed twice. "Erratum" and "Editorial" are shorter.
_LONG_TITLE = 25
# Abstracts of fewer letters than this say too little to outweigh a title.
_SUBSTANTIAL = 120
_LONG = 300
MOST_LINKS = 20
MOST_KEYWORDS = 50


def conflicting(mine: Collection[Identifier], theirs: Collection[Identifier]) -> bool:
    """Whether names of one scheme (but ``url`` and ``text``) say that these are two papers."""
    for scheme in {name.scheme for name in mine} - LOOSE:
        others = {name for name in theirs if name.scheme == scheme}
        if others and others.isdisjoint(mine):
            return True
    return False


def alike(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a draft is this paper set differently, cut, summed up, withdrawn or slightly edited.

    Case, wraps, LaTeX and glued words do not count; one edited sentence or one fixed title is
    an edit. A shared beginning of the titles, or one short title such as "Erratum" over
    different abstracts, is not enough, and siblings by their titles are different papers.
    """
    relation = compare_titles(paper.title, draft.title)
    if relation is TitleRelation.SIBLING or _own_words(paper, draft):
        return False
    if is_withdrawal_notice(paper.abstract) or is_withdrawal_notice(draft.abstract):
        return relation is TitleRelation.SAME and _long_title(paper, draft)
    if not (squeeze(paper.abstract) and squeeze(draft.abstract)):
        return _long_title(paper, draft) and resemblance(paper.title, draft.title) >= 0.95
    return _same_text(paper, draft, relation)


def _long_title(paper: Paper, draft: PaperRecord) -> bool:
    return min(len(squeeze(paper.title)), len(squeeze(draft.title))) >= _LONG_TITLE


def _own_words(paper: Paper, draft: PaperRecord) -> bool:
    """Whether each abstract has a word of its title that the other has not: Iceland, Ireland.

    A misspelt title has none, for the abstract spells the word right.
    """
    old, new = set(stems(paper.title)), set(stems(draft.title))
    if old <= new or new <= old:
        return False
    mine, theirs = set(stems(paper.abstract)), set(stems(draft.abstract))
    return not (old - new).isdisjoint(mine - theirs) and not (new - old).isdisjoint(theirs - mine)


def _same_text(paper: Paper, draft: PaperRecord, relation: TitleRelation) -> bool:
    """Judge by title and abstract: the less the titles tell, the more the abstracts must."""
    shared = similarity(paper.abstract, draft.abstract)
    if relation is TitleRelation.SAME:
        if not _long_title(paper, draft):
            return shared >= 0.75
        return shared >= 0.6 or same_subject(paper.title, paper.abstract, draft.abstract)
    length = min(len(squeeze(paper.abstract)), len(squeeze(draft.abstract)))
    edited = relation is TitleRelation.EDITED and length >= _SUBSTANTIAL and shared >= 0.75
    retitled = length >= _LONG and shared == 1
    return retitled or (edited and _near_title(paper, draft))


def _near_title(paper: Paper, draft: PaperRecord) -> bool:
    """Whether titles differ little, or by words before or after one: a name, a subtitle."""
    short, long = sorted((squeeze(paper.title), squeeze(draft.title)), key=len)
    return long.startswith(short) or long.endswith(short) or resemblance(short, long) >= 0.8


def akin(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a draft that gives a paper's URL can be that paper: some pages list many."""
    if compare_titles(paper.title, draft.title) is TitleRelation.SIBLING:
        return False
    if resemblance(paper.title, draft.title) >= 0.6:
        return True
    return bool(draft.abstract) and resemblance(paper.abstract, draft.abstract) >= 0.6


@dataclass(frozen=True, slots=True)
class MergedPaper:
    """A paper after a draft of it.

    ``reworded``: title or abstract say something else; ``enriched``: authors, categories, a date,
    an organisation, a link, a keyword, a comment, a journal or word of its withdrawal came in.
    """

    paper: Paper
    reworded: bool
    enriched: bool


def merge(paper: Paper, draft: PaperRecord, *, now: datetime) -> MergedPaper:
    """Unite a paper with what a draft says about it.

    ``updated`` moves only when the title or abstract says something else than before; the shelf
    moves it, too, where the paper's link comes. Who says that it was withdrawn is believed for
    good: other pages go on listing the text as it was.
    """
    seen = draft.first_seen or now
    later = seen >= paper.first_seen
    title = _best_title(paper.title, draft.title, later=later)
    abstract = best_abstract(paper.abstract, draft.abstract, later=later)
    reworded = any(
        squeeze(old) != squeeze(new)
        for old, new in ((paper.title, title), (paper.abstract, abstract))
    )
    url = paper.url or draft.url
    merged = replace(
        paper,
        title=title,
        abstract=abstract,
        updated=max(now, paper.updated) if reworded else paper.updated,
        first_seen=min(paper.first_seen, seen),
        authors=draft.authors if len(draft.authors) > len(paper.authors) else paper.authors,
        categories=tuple(dict.fromkeys(paper.categories + draft.categories)),
        published=paper.published or draft.published,
        url=url,
        upvotes=draft.upvotes if later and draft.upvotes is not None else paper.upvotes,
        organisation=paper.organisation or draft.organisation,
        links=further_links(url, paper.links + draft.links),
        withdrawn=paper.withdrawn or draft.withdrawn,
        keywords=unite_keywords(paper.keywords, draft.keywords),
        comment=(later and draft.comment) or paper.comment or draft.comment,
        journal_ref=(later and draft.journal_ref) or paper.journal_ref or draft.journal_ref,
        thumbnail=paper.thumbnail or draft.thumbnail,
    )
    return MergedPaper(merged, reworded=reworded, enriched=_facts(merged) != _facts(paper))


def further_links(url: str | None, links: Collection[str]) -> tuple[str, ...]:
    """Give the first 20 of these links beside ``url``, each once."""
    return tuple(link for link in dict.fromkeys(links) if link != url)[:MOST_LINKS]


def unite_keywords(known: Collection[str], told: Collection[str]) -> tuple[str, ...]:
    """Give the first 50 of these keywords, each once whatever its case."""
    first: dict[str, str] = {}
    for word in (*known, *told):
        first.setdefault(word.casefold(), word)
    return tuple(first.values())[:MOST_KEYWORDS]


def _facts(paper: Paper) -> tuple[object, ...]:
    told = paper.authors, paper.categories, paper.published, paper.url
    more = paper.keywords, paper.comment, paper.journal_ref
    return (*told, *more, paper.organisation, paper.links, paper.withdrawn)


def _best_title(old: str, new: str, *, later: bool) -> str:
    """Choose the better set of two copies, the whole over what is cut off, else the later."""
    before, after = squeeze(old), squeeze(new)
    if before == after:
        return better_set(old, new)
    if before.startswith(after) or after.startswith(before):
        return old if len(before) > len(after) else new
    if has_html(old) != has_html(new):
        return new if has_html(old) else old
    return new if later else old
