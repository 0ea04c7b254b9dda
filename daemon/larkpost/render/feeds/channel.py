"""The channel of a feed: its title and links, and which of a reader's picks it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from larkpost.domain import Edition, Interest, Pick, Reader
from larkpost.interfaces import FeedFormat
from larkpost.urls import feed_title

if TYPE_CHECKING:
    from larkpost import urls as addresses
    from larkpost.render.page_urls import PageUrls

YOURS = "The papers picked for you, each with the reason why."
TRENDING = "The papers that readers here like best, by their thumbs."
ARCHIVE = "All papers of the last days, one entry per paper."
SEARCH = "Papers that match a search, the newest first."
HOUR = 60  # minutes
DAY = 24 * HOUR
WEEK = 7 * DAY


class Channel(NamedTuple):
    """The description of a feed: ``home`` is a page for people, ``itself`` the feed's address.

    ``related`` are the other documents of a feed in several (RFC 5005), as relation and address;
    an ``archived`` one among them keeps its entries for ever. ``ttl`` is the number of minutes for
    which the feed may be cached.
    """

    id: str
    title: str
    description: str
    home: str
    itself: str
    archived: bool = False
    related: tuple[tuple[str, str], ...] = ()
    ttl: int = HOUR


@dataclass(frozen=True, slots=True)
class PickFilter:
    """A filter of picks: those of one interest, those with at least this probability, or all."""

    interest: Interest | None = None
    least: float = 0.0

    def of(self, edition: Edition) -> Edition:
        """Leave the other picks out; positions stay, and so do dates and vote links."""
        if self == _EVERYTHING:
            return edition
        return replace(edition, picks=tuple(pick for pick in edition.picks if self._shows(pick)))

    def _shows(self, pick: Pick) -> bool:
        if self.interest is not None and pick.interest_id != self.interest.id:
            return pick.interest == self.interest.name and pick.probability >= self.least
        return pick.probability >= self.least


_EVERYTHING = PickFilter()


@dataclass(frozen=True, slots=True)
class FeedDocuments:
    """The documents of a reader's feed: archive pages from 1 on, oldest first, then the feed.

    A page is in the archive once it is full; the feed itself shows the newest editions, as many
    as fill a page, so that all of them together have every edition. ``page`` is the current one,
    None for the feed itself.
    """

    pages: int = 0
    page: int | None = None


def plain_channel(
    reader: Reader, home: str, links: PageUrls, form: FeedFormat, title: str
) -> Channel:
    """Describe a reader's whole feed."""
    itself = links.feed(reader, form) if reader.feed_key else home
    name = feed_title(title, reader)
    return Channel(_own_id(reader, "feed"), name, YOURS, home, itself, ttl=_ttl(reader))


def reader_channel(
    reader: Reader,
    home: str,
    links: addresses.UrlBuilder,
    form: FeedFormat,
    title: str,
    view: PickFilter,
    documents: FeedDocuments,
) -> Channel:
    """Describe a reader's feed, one of an interest, or a page of either's archive."""

    def address(page: int | None) -> str:
        return links.feed(reader, form, interest=view.interest, page=page, least=view.least)

    return Channel(
        id=_own_id(reader, f"interest {view.interest.name}" if view.interest else "feed"),
        title=feed_title(title, reader, view.interest),
        description=YOURS,
        home=home,
        itself=address(documents.page),
        archived=documents.page is not None,
        related=tuple((relation, address(page)) for relation, page in _neighbours(documents)),
        ttl=DAY if documents.page else _ttl(reader),
    )


def public_channel(address: str, home: str, itself: str, title: str, description: str) -> Channel:
    """Describe a feed that anybody may read; ``address`` is that of all its formats.

    Its id comes from its address, because every site may have a trending feed; the ids of entries
    do not, so that a site may move.
    """
    return Channel(uuid5(NAMESPACE_URL, address).urn, title, description, home, itself)


def _ttl(reader: Reader) -> int:
    """Return a 24th of the time between two editions: an hour for daily editions."""
    return WEEK // (1 if reader.weekly else len(reader.weekdays)) // 24


def _own_id(reader: Reader, name: str) -> str:
    return uuid5(UUID(reader.uid), name).urn


def _neighbours(documents: FeedDocuments) -> list[tuple[str, int | None]]:
    """Find the neighbours of a document (RFC 5005 section 4), towards the past.

    An archive page has no link to a later one, which would change it when that one comes.
    """
    if documents.page is None:
        return [("prev-archive", documents.pages)] if documents.pages else []
    before = [("prev-archive", documents.page - 1)] if documents.page > 1 else []
    return [("current", None), *before]
