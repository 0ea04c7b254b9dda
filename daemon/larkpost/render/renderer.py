"""The renderer: newsletters, notices and feeds of editions; all but the web pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from larkpost.domain import Edition, FindLink, Message, Paper, Reader
from larkpost.interfaces import FeedFormat
from larkpost.render.email.confirmation import Greetings
from larkpost.render.email.newsletter import Newsletter
from larkpost.render.email.notice import EmptyNotices, NoticeRenderer, OperatorMessages
from larkpost.render.feeds.feeds import Feeds
from larkpost.render.paper_links import PaperLinks
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.inbound.return_address import ReturnAddresses
    from larkpost.render.feeds.channel import Channel
    from larkpost.render.page_urls import PageUrls


class EditionRenderer:
    """Implements ``larkpost.interfaces.Renderer``; pure, and safe to share between threads.

    ``sender`` is the mailbox in From, ``title`` the site's title, ``find_links`` the sites
    that search for papers without a link of their own; ``mailboxes`` makes the return paths of
    messages, if there are any. Raises SettingsError if ``sender`` is not a mailbox.
    """

    def __init__(
        self,
        links: PageUrls,
        *,
        sender: str,
        title: str,
        find_links: Sequence[FindLink] = (),
        mailboxes: ReturnAddresses | None = None,
    ) -> None:
        title = one_line(title) or "Larkpost"
        papers = PaperLinks(links.paper, find_links)
        self._newsletter = Newsletter(
            links, papers, sender=sender, title=title, mailboxes=mailboxes
        )
        self._feeds = Feeds(links, papers, title=title)
        notices = NoticeRenderer(links, sender, title, mailboxes)
        self._greetings = Greetings(notices)
        self._empty_notices = EmptyNotices(notices)
        self._reports = OperatorMessages(notices)

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Message]:
        """Make one message per edition, in order.

        Raises UsageError for a reader without an address.
        """
        return self._newsletter.messages(editions)

    def notice(self, reader: Reader, asked: datetime) -> Message:
        """Render the answer to a request to subscribe; see ``render.email.confirmation``."""
        return self._greetings.notice(reader, asked)

    def empty_notice(self, reader: Reader, day: date, why: str, moment: datetime) -> Message:
        """Render the notice of an empty day; see ``larkpost.render.email.notice``."""
        return self._empty_notices.message(reader, day, why, moment)

    def report(self, to: str, subject: str, lines: Sequence[str], moment: datetime) -> Message:
        """Render a report to the operator; see ``larkpost.render.email.notice``."""
        return self._reports.message(to, subject, lines, moment)

    def html(self, edition: Edition) -> str:
        """Render the edition as one HTML document."""
        return self._newsletter.html(edition)

    def text(self, edition: Edition) -> str:
        """Render the edition as plain text."""
        return self._newsletter.text(edition)

    def feed(
        self,
        editions: Sequence[Edition],
        format: FeedFormat,  # noqa: A002 - the seam's name for it
        *,
        reader: Reader | None = None,
        channel: Channel | None = None,
    ) -> bytes:
        """Render the feed of one reader, newest edition first; a paper picked twice appears once.

        ``reader`` is needed if there is no edition yet; raises ValueError without. ``channel`` is
        given for a part of the feed.
        """
        return self._feeds.feed(editions, format, reader=reader, channel=channel)

    def listing(
        self,
        papers: Iterable[Paper],
        format: FeedFormat,  # noqa: A002 - as above
        *,
        channel: Channel,
        since: datetime,
    ) -> bytes:
        """Render a public feed; see ``larkpost.render.feeds.feeds.Feeds.listing``."""
        return self._feeds.listing(papers, format, channel=channel, since=since)
