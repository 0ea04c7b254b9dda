"""The renderer: newsletters, notices and feeds of editions; all but the web pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from larkpost.render.email.confirmation import Greetings
from larkpost.render.email.newsletter import Newsletter
from larkpost.render.email.notice import EmptyNotices, NoticeRenderer, OperatorLetters
from larkpost.render.feeds.feeds import Feeds
from larkpost.render.paper_links import PaperLinks
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.domain import Edition, FindLink, Message, Paper, Reader
    from larkpost.inbound.return_address import ReturnAddresses
    from larkpost.interfaces import FeedFormat
    from larkpost.render.feeds.channel import Channel
    from larkpost.render.page_urls import PageUrls


class EditionRenderer:
    """Implements ``larkpost.interfaces.Renderer``; pure, and safe to share between threads.

    ``sender`` is the mailbox in From, ``title`` the name of the paper, ``find_links`` where papers
    without a link of their own are looked for; ``mailboxes`` makes the addresses by which letters
    come back, where there are any. Raises SettingsError where ``sender`` is no mailbox.
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
        self._quiet_lines = EmptyNotices(notices)
        self._reports = OperatorLetters(notices)

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Message]:
        """Make one letter an edition, in order; raises UsageError for a reader without address."""
        return self._newsletter.letters(editions)

    def notice(self, reader: Reader, asked: datetime) -> Message:
        """Answer somebody who asked to subscribe; see ``larkpost.render.email.confirmation``."""
        return self._greetings.notice(reader, asked)

    def empty_notice(self, reader: Reader, day: date, why: str, moment: datetime) -> Message:
        """Tell a reader that a morning brought no paper; see ``larkpost.render.email.notice``."""
        return self._quiet_lines.letter(reader, day, why, moment)

    def report(self, to: str, subject: str, lines: Sequence[str], moment: datetime) -> Message:
        """Write to whoever runs this site; see ``larkpost.render.email.notice``."""
        return self._reports.letter(to, subject, lines, moment)

    def html(self, edition: Edition) -> str:
        """Set the edition as one HTML document."""
        return self._newsletter.html(edition)

    def text(self, edition: Edition) -> str:
        """Set the edition as plain text."""
        return self._newsletter.text(edition)

    def feed(
        self,
        editions: Sequence[Edition],
        format: FeedFormat,  # noqa: A002 - the seam's name for it
        *,
        reader: Reader | None = None,
        channel: Channel | None = None,
    ) -> bytes:
        """Set the feed of one reader, newest edition first; a paper picked twice shows once.

        ``reader`` is needed where there is no edition yet; raises ValueError without. ``channel``
        is given where it is not the whole feed but a part of it.
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
        """Set a feed that anybody may read; see ``larkpost.render.feeds.feeds.Feeds.listing``."""
        return self._feeds.listing(papers, format, channel=channel, since=since)
