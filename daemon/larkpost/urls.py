"""Builds every URL of this program, from the configured base URL alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from larkpost.domain import Edition, Interest, Reader, Thumb
from larkpost.errors import InvalidToken
from larkpost.interfaces import FeedFormat
from larkpost.text.normalize import normal_form, one_line, shorten
from larkpost.token_routes import FEED, SIGNED, Purpose

if TYPE_CHECKING:
    from larkpost.tokens import Tokens


FEED_TYPES: dict[FeedFormat, str] = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}
OPML_TYPE = "text/x-opml"
LONGEST_CALLED = 60  # characters of a reader's name in the title of a feed


class Alternate(NamedTuple):
    """A feed that a page names in ``<link rel="alternate">``."""

    type: str
    title: str
    href: str


class UrlBuilder:
    """Builds absolute URLs; those that act for a reader have a signed token in their path.

    A token names its row by number and by a stamp of the reader's uid, so that a number which a
    database reuses after a removal does not open the new reader's page. The link to a reader's own
    page can be renewed, which ends older links.
    """

    def __init__(self, base_url: str, tokens: Tokens) -> None:
        self.base_url = base_url.rstrip("/")
        self.tokens = tokens

    def front(self) -> str:
        """Link to the front page."""
        return f"{self.base_url}/"

    def vote(self, edition: Edition, position: int, thumb: Thumb) -> str:
        """Link to one pick and a button for this thumb; opening it votes nothing."""
        return f"{self.ballot(edition)}/{position}/{'up' if thumb is Thumb.UP else 'down'}"

    def ballot(self, edition: Edition) -> str:
        """Return the start of an edition's vote links: sign once, then add position and thumb."""
        return self._sign("vote", edition.id, edition.reader)

    def edition(self, edition: Edition) -> str:
        """Link to the edition in the browser."""
        return self.edition_of(edition.reader, edition.id)

    def edition_of(self, reader: Reader, number: int) -> str:
        """Link to the reader's edition with this number."""
        return self._sign("edition", number, reader)

    def leave(self, reader: Reader) -> str:
        """Link to unsubscribe: GET shows a page, the POST of RFC 8058 acts at once."""
        return self._sign("leave", reader.id, reader)

    def page(self, reader: Reader) -> str:
        """Link to the reader's own page."""
        return self._sign("me", reader.id, reader)

    def confirm(self, reader: Reader) -> str:
        """Link to the page on which a new reader confirms the address."""
        return self._sign("confirm", reader.id, reader)

    def feed(
        self,
        reader: Reader,
        form: FeedFormat,
        *,
        interest: Interest | None = None,
        page: int | None = None,
        least: float = 0.0,
    ) -> str:
        """Link to the reader's feed; its key is a separate secret and can be renewed.

        Only for a reader whose feed is switched on. Each ``interest`` has a feed, and archive pages
        (RFC 5005) count from 1. ``least`` is the least probability of a thumbs-up to show.
        """
        path = [f"{self.base_url}/{FEED}/{reader.feed_key}"]
        path += [slugs(reader.interests)[interest.id]] if interest else []
        path += [f"archive/{page}"] if page else []
        return f"{'/'.join(path)}.{form}" + _query(min=f"{least:g}" if least else "")

    def opml(self, reader: Reader) -> str:
        """Link to the list of the reader's feeds, for feed programs to import."""
        return f"{self.base_url}/{FEED}/{reader.feed_key}.opml"

    def trending(self, form: FeedFormat) -> str:
        """Link to the feed of papers that are popular with all readers."""
        return f"{self.base_url}/trending.{form}"

    def archive(self, form: FeedFormat | None = None) -> str:
        """Link to the papers by day, or to the feed of the newest days."""
        return f"{self.base_url}/archive" + (f".{form}" if form else "")

    def month(self, name: str, form: FeedFormat | None = None, page: int = 1) -> str:
        """Link to the papers of a month, ``2026-08``, or to a page of them as a feed."""
        address = f"{self.archive()}/{name}" + (f".{form}" if form else "")
        return address + _query(page=str(page) if page > 1 else "")

    def search(self, words: str, form: FeedFormat | None = None) -> str:
        """Link to the papers found by these words, as a page or as a feed."""
        return f"{self.base_url}/search" + (f".{form}" if form else "") + _query(q=words)

    def paper(self, uid: str) -> str:
        """Link to the page of a paper."""
        return f"{self.base_url}/paper/{uid}"

    def admin(self, number: int) -> str:
        """Link to the admin page; ``number`` is the setting ``web.admin_link_version``."""
        return self._seal("admin", number)

    def paste(self, number: int) -> str:
        """Link to the page on which the operator pastes papers; the token is that of ``admin``."""
        return f"{self.admin(number)}/paste"

    def open_paste(self) -> str:
        """Link to the page that a bookmarklet opens; it has no secret, as other sites see it."""
        return f"{self.base_url}/paste"

    def public_alternates(self, site: str) -> list[Alternate]:
        """List the public feeds; ``site`` is the site's title."""
        return [
            *_alternates(f"{site}: popular here", self.trending),
            *_alternates(f"{site}: every new paper", self.archive),
        ]

    def search_alternates(self, site: str, words: str) -> list[Alternate]:
        """List the feeds of a search."""
        return _alternates(f"{site}: {words}", lambda form: self.search(words, form))

    def reader_alternates(self, site: str, reader: Reader) -> list[Alternate]:
        """List a reader's own feeds, which are secret: for pages that only the reader can open."""
        if not reader.feed_key:
            return []
        return _alternates(feed_title(site, reader), lambda form: self.feed(reader, form))

    def _sign(self, place: str, number: int, reader: Reader) -> str:
        return self._seal(place, number, stamp(reader, SIGNED[place]))

    def _seal(self, place: str, *numbers: int) -> str:
        return f"{self.base_url}/{place}/{self.tokens.sign(SIGNED[place], *numbers)}"


def feed_title(site: str, reader: Reader, interest: Interest | None = None) -> str:
    """Make the title of a reader's feed, or of an interest's, that distinguishes readers.

    A feed program shows the title to others, and may publish its list of feeds. So the title has
    the reader's name, else the address up to its ``@`` (and up to a ``+``), never the whole
    address; without either, the start of their uid.
    """
    title = f"{site} for {_reader_name(reader)}"
    name = one_line(interest.name).strip() if interest else ""
    return f"{title}: {name}" if name else title


def _reader_name(reader: Reader) -> str:
    local = (reader.address or "").rpartition("@")[0]
    names = (reader.name, local.partition("+")[0], local)
    known = (shorten(name, LONGEST_CALLED).strip() for name in names)
    return next(filter(None, known), f"reader {reader.uid[:8]}")


def slugs(interests: Sequence[Interest]) -> dict[int, str]:
    """Return the slug of each interest by its id: its name in ASCII letters and digits.

    A slug stays the same when a reader moves to another database. The first of two interests with
    one slug has it; the other, and one without such letters, gets its id.
    """
    owners: dict[str, int] = {}
    for interest in interests:
        slug = _slug(interest.name)
        if slug and not slug.isdigit():
            owners.setdefault(slug, interest.id)
    found = {number: slug for slug, number in owners.items()}
    return {interest.id: found.get(interest.id, str(interest.id)) for interest in interests}


def open_token(tokens: Tokens, purpose: Purpose, token: str) -> tuple[int, int]:
    """Read the row's number and the reader's stamp from a token; raises InvalidToken."""
    numbers = tokens.verify(purpose, token)
    if len(numbers) != 2:
        raise InvalidToken("this link is not valid")
    return numbers[0], numbers[1]


def stamp(reader: Reader, purpose: Purpose | None = None) -> int:
    """Return 32 bits that distinguish a reader from a later one with the same number.

    For their own page they also distinguish its newest link from older ones.
    """
    relinked = purpose == "page" and reader.page_link_version
    told = f"{reader.uid} {relinked}" if relinked else reader.uid
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:4])


def is_stamped(seal: int, reader: Reader, former: Iterable[Reader], purpose: Purpose) -> bool:
    """Whether a link's stamp is the reader's, or that of a reader merged into them."""
    return any(stamp(one, purpose) == seal for one in (reader, *former))


def _slug(name: str) -> str:
    plain = normal_form("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")


def _query(**values: str) -> str:
    given = {name: value for name, value in values.items() if value}
    return f"?{urlencode(given)}" if given else ""


def _alternates(title: str, address: Callable[[FeedFormat], str]) -> list[Alternate]:
    forms: tuple[FeedFormat, ...] = ("atom", "rss", "json")
    return [Alternate(FEED_TYPES[form], title, address(form)) for form in forms]
