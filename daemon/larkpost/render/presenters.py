"""Presents each pick of an edition in the same way for newsletters and feeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from larkpost import logs
from larkpost.domain import Edition, Identifier, Paper, Pick
from larkpost.log_events import LogEvent
from larkpost.render import wording
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.render.wording import PickReason

CACHED_PAPERS = 8192
_MOST_CACHED = 8_000  # characters of a cached paper, so that the cache holds at most 64 million

log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)  # made once and shared: compared by identity
class Facts:
    """The texts of a paper, the same for all readers; each may be empty except the title.

    ``uid`` names its page, and is empty for a private paper; ``link`` is its own address on the
    web.
    """

    uid: str
    title: str
    short: str
    link: str
    byline: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]


class PickView(NamedTuple):
    """A pick, the texts of its paper, and the reason."""

    pick: Pick
    facts: Facts
    reason: PickReason


def facts_of(paper: Paper) -> Facts:
    """Put a paper into words; cached by all that the words depend on, unless it is very long.

    A paper may have thousands of authors, of which only the first are shown.
    """
    texts = _FactTexts(
        "" if paper.owner_id else paper.uid,
        paper.title,
        paper.abstract,
        paper.authors[: wording.MOST_NAMES],
        len(paper.authors),
        paper.categories[: wording.MOST_NAMES],
        paper.url,
        paper.identifier,
    )
    return (_cached_facts if texts.characters() <= _MOST_CACHED else _facts)(texts)


class _FactTexts(NamedTuple):
    """All that the words of a paper depend on."""

    uid: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    author_count: int
    categories: tuple[str, ...]
    url: str | None
    identifier: Identifier

    def characters(self) -> int:
        told = (self.title, self.abstract, self.url or "", *self.authors, *self.categories)
        return sum(map(len, told))


def _facts(texts: _FactTexts) -> Facts:
    return Facts(
        uid=texts.uid,
        title=wording.title_text(texts.title),
        short=wording.short_title(texts.title),
        link=wording.link_address(texts.url, texts.identifier),
        byline=wording.byline_text(texts.authors, texts.categories, texts.author_count),
        abstract=one_line(texts.abstract),
        authors=wording.names(texts.authors),
        categories=wording.names(texts.categories),
    )


_cached_facts = lru_cache(CACHED_PAPERS)(_facts)


def stories_of(edition: Edition, *, name_private: bool = False) -> list[PickView]:
    """Present the picks in order; one that fails is left out, and the others stay.

    ``name_private`` is for pages that only the reader opens: see ``wording.reason``.
    """
    interests = len(edition.reader.interests)
    told = []
    for pick in edition.picks:
        try:
            reason = wording.reason(pick, interests=interests, name_private=name_private)
            told.append(PickView(pick, facts_of(pick.paper), reason))
        except Exception:  # one hostile paper must not break the whole edition
            log.exception(LogEvent.PAPER_SKIPPED, paper=pick.paper.uid, edition=edition.id)
    return told
