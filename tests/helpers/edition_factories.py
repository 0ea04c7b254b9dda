"""Makes editions without a store, for the tests of rendering."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from larkpost.domain import Edition, Identifier, Interest, Paper, Pick, Reader, Status, TermWeight
from larkpost.render import EditionRenderer
from larkpost.settings.paper_search_links import FIND_LINKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.domain import FindLink
    from larkpost.interfaces import FeedFormat

OUT = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)
SITE = "https://larkpost.example.org"
TITLES = (
    "MoE-Lens: Towards the Hardware Limit of Serving",
    "A lattice proof of the four squares theorem",
    "Birdsong dialects along urban rivers",
    "Glaciers of the southern Andes seen by radar",
)
HOSTILE = (
    "<script>alert(1)</script>",
    "=?utf-8?q?a=0d=0aBcc:_x@y.z?=",
    "one\r\nBcc: x@y.z\r\n\r\ntwo",
    ".\n.\r\n..dots",
    "From here\nFrom there",
    "]]> &amp; ]]]]><![CDATA[>",
    "{{ 7*7 }} {% for %} ${7*7} %(why)s",
    "\x00\x0b\x1b[31m\ufffe\uffff\U0001fffe\ud800 lone",
    "\u202egnipparw \u2066 \u200f שלום",
    "\ufdd0why\ufdd1 \ufdd0guid\ufdd1",
    "Z" + "\u0301" * 50,
    "emoji 👩‍👩‍👧‍👦 é ⟨ψ|φ⟩ 漢字",
    "x" * 1200,
    "trailing  ",
    "=3D= =\r\n",
    "",
)


class FixedLinks:
    """URLs that differ from each other."""

    def ballot(self, edition: Edition) -> str:
        """Return the beginning of a vote link."""
        return f"{SITE}/vote/ballot-{edition.id}"

    def edition(self, edition: Edition) -> str:
        """Link to an edition."""
        return f"{SITE}/edition/browser-{edition.id}"

    def leave(self, reader: Reader) -> str:
        """Link to unsubscribe."""
        return f"{SITE}/leave/token-{reader.id}"

    def page(self, reader: Reader) -> str:
        """Link to a reader's page."""
        return f"{SITE}/me/page-{reader.id}"

    def confirm(self, reader: Reader) -> str:
        """Link to the page where a new reader confirms."""
        return f"{SITE}/confirm/token-{reader.id}"

    def feed(self, reader: Reader, form: FeedFormat) -> str:
        """Link to a feed."""
        return f"{SITE}/feed/{reader.feed_key}.{form}"

    def paper(self, uid: str) -> str:
        """Link to the page of a paper."""
        return f"{SITE}/paper/{uid}"

    def front(self) -> str:
        """Link to the front page."""
        return f"{SITE}/"


def make_renderer(
    title: str = "Larkpost",
    sender: str = "Larkpost <post@larkpost.example.org>",
    find_links: Sequence[FindLink] = FIND_LINKS,
) -> EditionRenderer:
    """Make an empty renderer."""
    return EditionRenderer(FixedLinks(), sender=sender, title=title, find_links=find_links)


def paper(
    number: int = 1,
    *,
    title: str | None = None,
    abstract: str = "We ask what is known. We answer some of it.",
    authors: tuple[str, ...] = ("Ada Lovelace", "Émilie du Châtelet"),
    categories: tuple[str, ...] = ("cs.CL",),
    url: str | None = None,
    identifier: Identifier | None = None,
    updated: datetime = OUT - timedelta(days=1),
) -> Paper:
    """Make a paper."""
    return Paper(
        id=number,
        uid=str(uuid5(NAMESPACE_URL, str(number))),
        identifier=identifier or Identifier("arxiv", f"2608.{number:05}"),
        title=TITLES[number % len(TITLES)] if title is None else title,
        abstract=abstract,
        first_seen=OUT - timedelta(days=1),
        ingested_at=OUT - timedelta(days=1),
        updated=updated,
        authors=authors,
        categories=categories,
        url=url,
    )


def pick(
    of: Paper,
    position: int = 1,
    *,
    probability: float = 0.82,
    terms: tuple[str, ...] = ("routing", "mixture of experts"),
    like: Paper | None = None,
    explored: bool = False,
    interest: str = "",
) -> Pick:
    """Make a pick."""
    return Pick(
        paper=of,
        position=position,
        score=1.0,
        probability=probability,
        positive_terms=tuple(TermWeight(term, 1.0) for term in terms),
        similar_paper=like,
        explored=explored,
        interest=interest,
    )


def reader(
    name: str = "Ada",
    address: str | None = "ada@example.org",
    interests: tuple[str, ...] = ("main",),
    number: int = 1,
) -> Reader:
    """Make a reader."""
    return Reader(
        id=number,
        uid=str(uuid5(NAMESPACE_URL, f"reader {number}")),
        address=address,
        name=name,
        status=Status.ACTIVE,
        zone="UTC",
        send_time=time(6),
        weekdays=frozenset(range(7)),
        papers_per_edition=10,
        feed_key=f"feedkey{number}",
        created=OUT - timedelta(days=9),
        interests=tuple(Interest(at, name) for at, name in enumerate(interests, 1)),
    )


def edition(
    *papers: Paper,
    to: Reader | None = None,
    number: int = 1,
    out: datetime = OUT,
    like: Paper | None = None,
    since: date | None = None,
    note: str = "",
    picks: tuple[Pick, ...] | None = None,
) -> Edition:
    """Make an edition of these papers."""
    if picks is None:
        picks = tuple(pick(one, at, like=like) for at, one in enumerate(papers, 1))
    return Edition(
        id=number,
        reader=to or reader(),
        date=out.date(),
        published_at=out,
        picks=picks,
        catch_up_from=since,
        note=note,
        candidate_count=108,
    )
