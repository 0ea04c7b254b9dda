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
    """Put a paper into words; cached by all that the words depend on."""
    return _facts(
        "" if paper.owner_id else paper.uid,
        paper.title,
        paper.abstract,
        paper.authors,
        paper.categories,
        paper.url,
        paper.identifier,
    )


@lru_cache(CACHED_PAPERS)
def _facts(
    uid: str,
    title: str,
    abstract: str,
    authors: tuple[str, ...],
    categories: tuple[str, ...],
    url: str | None,
    identifier: Identifier,
) -> Facts:
    return Facts(
        uid=uid,
        title=wording.title_text(title),
        short=wording.short_title(title),
        link=wording.link_address(url, identifier),
        byline=wording.byline_text(authors, categories),
        abstract=one_line(abstract),
        authors=wording.names(authors),
        categories=wording.names(categories),
    )


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
