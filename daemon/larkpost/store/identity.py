"""Decides whether two texts are the same paper, and which text to keep when they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from larkpost.text.minhash import resemblance, squeeze

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from larkpost.domain import Draft, Identifier, Paper

# Names of which one paper may have several; any other scheme tells two papers apart.
LOOSE = frozenset({"url", "text"})

# A title of fewer letters ("Erratum", "Editorial") names no paper on its own.
_TELLING = 20
# Abstracts of fewer letters than this say too little to outweigh a title.
_SUBSTANTIAL = 120
_LONG = 300
_NUMBER = re.compile(r"\d+|\b(?:[ivx]+|[b-z])\b")


def conflicting(mine: Collection[Identifier], theirs: Collection[Identifier]) -> bool:
    """Whether names of one scheme (but ``url`` and ``text``) say that these are two papers."""
    for scheme in {name.scheme for name in mine} - LOOSE:
        others = {name for name in theirs if name.scheme == scheme}
        if others and others.isdisjoint(mine):
            return True
    return False


def alike(paper: Paper, draft: Draft) -> bool:
    """Whether a draft is this paper set differently or slightly edited.

    Case, wraps, LaTeX and glued words do not count; one edited sentence or one fixed title is
    an edit. A shared beginning of the titles, or one short title such as "Erratum" over
    different abstracts, is not enough, and titles with different numbers are different papers.
    """
    old, new = squeeze(paper.title), squeeze(draft.title)
    if old != new and _numbers(paper.title) != _numbers(draft.title):
        return False
    if not (squeeze(paper.abstract) and squeeze(draft.abstract)):
        return _same_title(old, new)
    return _same_text(paper, draft)


def _same_title(old: str, new: str) -> bool:
    """Judge by the titles alone, where one side has no abstract."""
    return min(len(old), len(new)) >= _TELLING and resemblance(old, new) >= 0.95


def _same_text(paper: Paper, draft: Draft) -> bool:
    """Judge by title and abstract: the less the titles tell, the more the abstracts must."""
    old, new = squeeze(paper.title), squeeze(draft.title)
    shared = resemblance(paper.abstract, draft.abstract)
    if old == new:
        return shared >= (0.6 if len(old) >= _TELLING else 0.75)
    length = min(len(squeeze(paper.abstract)), len(squeeze(draft.abstract)))
    edited = length >= _SUBSTANTIAL and shared >= 0.75 and resemblance(old, new) >= 0.8
    retitled = length >= _LONG and shared >= 0.95
    return edited or retitled


def akin(paper: Paper, draft: Draft) -> bool:
    """Whether a draft that gives a paper's URL can be that paper: some pages list many."""
    if resemblance(paper.title, draft.title) >= 0.6:
        return True
    return bool(draft.abstract) and resemblance(paper.abstract, draft.abstract) >= 0.6


def _numbers(title: str) -> list[str]:
    return sorted(_NUMBER.findall(title.casefold()))


@dataclass(frozen=True, slots=True)
class Merged:
    """A paper after a draft of it.

    ``reworded``: title or abstract say something else; ``enriched``: authors, categories, a date
    or a link came in.
    """

    paper: Paper
    reworded: bool
    enriched: bool


def merge(paper: Paper, draft: Draft, *, now: datetime) -> Merged:
    """Unite a paper with what a draft says about it.

    ``updated`` moves only when the title or abstract says something else than before.
    """
    seen = draft.first_seen or now
    later = seen >= paper.first_seen
    title = _better(paper.title, draft.title, later=later)
    abstract = _better(paper.abstract, draft.abstract, later=later)
    if len(abstract) < len(paper.abstract) / 2:
        abstract = paper.abstract  # a summary in place of the abstract
    reworded = any(
        squeeze(old) != squeeze(new)
        for old, new in ((paper.title, title), (paper.abstract, abstract))
    )
    merged = replace(
        paper,
        title=title,
        abstract=abstract,
        updated=max(now, paper.updated) if reworded else paper.updated,
        first_seen=min(paper.first_seen, seen),
        authors=draft.authors if len(draft.authors) > len(paper.authors) else paper.authors,
        categories=tuple(dict.fromkeys(paper.categories + draft.categories)),
        published=paper.published or draft.published,
        url=paper.url or draft.url,
        upvotes=draft.upvotes if later and draft.upvotes is not None else paper.upvotes,
    )
    return Merged(merged, reworded=reworded, enriched=_facts(merged) != _facts(paper))


def _facts(paper: Paper) -> tuple[object, ...]:
    return paper.authors, paper.categories, paper.published, paper.url


def _better(old: str, new: str, *, later: bool) -> str:
    """Choose the unglued over the glued, the whole over what is cut off, else the later."""
    before, after = squeeze(old), squeeze(new)
    if before == after:
        return new if new.count(" ") > old.count(" ") else old
    if before.startswith(after):
        return old
    if after.startswith(before):
        return new
    return new if later else old
