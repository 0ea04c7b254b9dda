"""The entries of a feed, independent of the format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid5

from larkpost import logs
from larkpost.domain import Edition, Paper, Reader
from larkpost.log_events import LogEvent
from larkpost.render.presenters import Facts, facts_of, stories_of

if TYPE_CHECKING:
    from larkpost.render.page_urls import PageUrls
    from larkpost.render.paper_links import PaperLinks
    from larkpost.render.wording import PickReason

_SECOND = timedelta(seconds=1)
_MICROSECONDS = 1_000_000

log = logs.get_logger(__name__)


class FeedEntry(NamedTuple):
    """One entry of a feed; ``link`` is our page about the paper.

    Entries of public feeds have no ``reason`` and no vote links.
    """

    uid: str
    guid: str
    facts: Facts
    link: str
    published: datetime
    updated: datetime
    reason: PickReason | None = None
    up: str = ""
    down: str = ""


@dataclass(frozen=True, slots=True)
class FeedEdition:
    """An edition, compared by the data that a feed shows of it."""

    stamp: tuple[object, ...]
    edition: Edition = field(compare=False)


def issue_of(edition: Edition) -> FeedEdition:
    """Make the comparison key of an edition: its picks never change, but papers do."""
    reader = edition.reader
    several = len(reader.interests) > 1
    return FeedEdition(
        (edition.id, reader.uid, edition.published_at, several, edition.picks), edition
    )


def dates_of(edition: Edition) -> Iterator[datetime]:
    """Return the times at which the edition, as a feed shows it, may have changed last."""
    yield edition.published_at
    for pick in edition.picks:
        yield pick.paper.updated


def guid_of(reader: Reader, uid: str) -> str:
    """Make the id of an entry (RFC 4287 section 4.2.6): always the same per reader and paper."""
    return uuid5(UUID(reader.uid), uid).urn


def entries_of(edition: Edition, links: PageUrls, papers: PaperLinks) -> Iterator[FeedEntry]:
    """Make the entries of an edition, best first.

    Each is dated a second before the one above it, because some programs sort by date, and some
    treat equal dates as an error. A paper corrected after it was published has the correction's
    date as ``updated`` (RFC 4287 section 4.2.15).
    """
    ballot, page = links.ballot(edition), links.edition(edition)
    out = edition.published_at.replace(microsecond=0)
    for pick, facts, reason in stories_of(edition):
        published = out - (pick.position - 1) * _SECOND
        corrected = pick.paper.updated > out
        yield FeedEntry(
            uid=pick.paper.uid,
            guid=guid_of(edition.reader, pick.paper.uid),
            facts=facts,
            reason=reason,
            link=papers.title(facts) or page,
            up=f"{ballot}/{pick.position}/up",
            down=f"{ballot}/{pick.position}/down",
            published=published,
            updated=_apart(pick.paper.updated, pick.paper) if corrected else published,
        )


def notices_of(papers: Iterable[Paper], links: PaperLinks) -> Iterator[FeedEntry]:
    """Make the entries of public papers, in order; one that fails is left out.

    An entry's id comes from the paper's uid and its date from when the paper was first seen, so
    that it is the same in every feed.
    """
    for paper in papers:
        try:
            facts = facts_of(paper)
        except Exception:  # one hostile paper must not break the whole feed
            log.exception(LogEvent.PAPER_SKIPPED, paper=paper.uid)
            continue
        published = _apart(paper.first_seen, paper)
        yield FeedEntry(
            uid=paper.uid,
            guid=UUID(paper.uid).urn,
            facts=facts,
            link=links.title(facts),
            published=published,
            updated=max(published, _apart(paper.updated, paper)),
        )


def _apart(moment: datetime, paper: Paper) -> datetime:
    """Give papers of one time different dates within its second, the earlier ids later.

    A dump has many papers of one time; validators reject equal dates, and programs that sort by
    date would shuffle them.
    """
    return moment.replace(microsecond=_MICROSECONDS - 1 - paper.id % _MICROSECONDS)
