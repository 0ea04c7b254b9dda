"""The newsletter: an edition as HTML, as plain text, and as a finished message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from larkpost.domain import Edition, Message
from larkpost.errors import UsageError
from larkpost.render import wording
from larkpost.render.email import mime
from larkpost.render.email.layout import AMPLE, TIGHTER, AbstractLengths, EditionText, Layout
from larkpost.render.email.quoted_printable import segment
from larkpost.render.presenters import stories_of
from larkpost.render.templates import Html, Text

if TYPE_CHECKING:
    from larkpost.inbound.return_address import ReturnAddresses
    from larkpost.render.page_urls import PageUrls
    from larkpost.render.paper_links import PaperLinks

# Octets of a sent message: Gmail clips longer ones, and hides the unsubscribe link.
ON_THE_WIRE = 100_000
# Added when sending: a Reply-To, and a DKIM-Signature of 1,200 or so.
ADDED = 2_000
LIMIT = ON_THE_WIRE - ADDED


class Newsletter:
    """Renders newsletters; pure: the same edition gives the same bytes.

    ``sender`` is the mailbox in From, ``title`` the name on the masthead. Raises SettingsError if
    ``sender`` is not a mailbox. ``mailboxes`` makes the address for unsubscribing by mail.
    """

    def __init__(
        self,
        links: PageUrls,
        papers: PaperLinks,
        *,
        sender: str,
        title: str,
        mailboxes: ReturnAddresses | None = None,
    ) -> None:
        self._links = links
        self._mailboxes = mailboxes
        self._sender = mime.sender_of(sender)
        html, text = Html(title, papers), Text(title, papers)
        self._title = title
        self._html_page, self._text_page = Layout(html, str.encode), Layout(text, str.encode)
        self._html_part, self._text_part = Layout(html, segment), Layout(text, segment)
        self._same_in_all = mime.same_in_all(self._sender, title, links.front())

    def html(self, edition: Edition) -> str:
        """Render the edition as one HTML document."""
        return b"".join(self._html_page.page(self._copy(edition), AMPLE)).decode()

    def text(self, edition: Edition) -> str:
        """Render the edition as plain text."""
        return b"".join(self._text_page.page(self._copy(edition), AMPLE)).decode()

    def messages(self, editions: Sequence[Edition]) -> Iterator[Message]:
        """Make one message per edition, in order.

        Raises UsageError for a reader without an address.
        """
        return map(self._message, editions)

    def _message(self, edition: Edition) -> Message:
        address = edition.reader.address
        if address is None:
            raise UsageError(
                f"reader {edition.reader.uid} has no email address",
                hint="this reader uses the feed; preview the edition as html or text",
            )
        copy = self._copy(edition)
        recipient = mime.Mailbox(edition.reader.name, mime.check_address(address))
        name = mime.message_id(edition.reader.uid, edition.date, self._sender.domain)
        leave = self._mailboxes.unsubscribes(edition.reader) if self._mailboxes else ""
        headers = [
            *mime.own_headers(recipient, name, copy.subject, edition.published_at),
            *mime.leave_headers(copy.links["leave"], leave),
            self._same_in_all,
        ]
        content = self._fit(headers, copy)
        return Message(self._sender.address, recipient.address, name, content)

    def _fit(self, headers: Sequence[bytes], copy: EditionText) -> bytes:
        """Shorten the abstracts, then the list, until the message is within the limit."""
        content = self._content(headers, copy, AMPLE)
        for measure in TIGHTER:
            if len(content) <= LIMIT:
                return content
            content = self._content(headers, copy, measure)
        while len(content) > LIMIT and copy.stories:
            copy = copy.first(len(copy.stories) * LIMIT // (len(content) + 1))
            content = self._content(headers, copy, TIGHTER[-1])
        return content

    def _content(
        self, headers: Sequence[bytes], copy: EditionText, measure: AbstractLengths
    ) -> bytes:
        text = self._text_part.page(copy, measure)
        return mime.alternative(headers, text, self._html_part.page(copy, measure))

    def _copy(self, edition: Edition) -> EditionText:
        links, reader = self._links, edition.reader
        stories = stories_of(edition)
        titles = [view.facts.title for view in stories]
        return EditionText(
            edition=edition,
            stories=stories,
            subject=wording.subject(titles, self._title, edition.date),
            ballot=links.ballot(edition),
            links={
                "browser": links.edition(edition),
                "page": links.page(reader),
                **({"feed": links.feed(reader, "atom")} if reader.feed_key else {}),
                "leave": links.leave(reader),
            },
        )
