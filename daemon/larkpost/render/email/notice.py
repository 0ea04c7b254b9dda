"""Notices in the style of the newsletter: to a reader, or to the operator."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from larkpost.domain import Message, Reader
from larkpost.errors import UsageError
from larkpost.render import wording
from larkpost.render.email import mime
from larkpost.render.email.quoted_printable import segment
from larkpost.render.templates import css_inliner, environment, style_sheet
from larkpost.text.plurals import capitalise

if TYPE_CHECKING:
    from larkpost.inbound.return_address import ReturnAddresses
    from larkpost.render.page_urls import PageUrls


@dataclass(frozen=True, slots=True)
class NoticePage:
    """The text of a message, in whole sentences.

    Paragraphs ``above`` and ``below`` a ``button``, which is a label and a link; ``foot`` is the
    small print, and ``links`` are labels and links below it.
    """

    heading: str
    above: Sequence[str]
    button: tuple[str, str] | None = None
    below: Sequence[str] = ()
    foot: str = ""
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class MailHeaders:
    """The recipient, return path, Message-ID and date of a message.

    ``headers`` are additional whole fields.
    """

    to: str
    path: str
    message_id: str
    subject: str
    moment: datetime
    headers: Sequence[bytes] = ()


class NoticeRenderer:
    """Renders notices; pure: equal notices have equal bytes and Message-IDs.

    ``sender`` is the mailbox of ``mail.sender``; ``mailboxes`` makes the return paths, if there are
    any. Raises SettingsError if the sender is not a mailbox.
    """

    def __init__(
        self, links: PageUrls, sender: str, title: str, mailboxes: ReturnAddresses | None = None
    ) -> None:
        self.links = links
        self.title = title
        self.sender = mime.sender_of(sender)
        self.mailboxes = mailboxes
        self.host = urlsplit(links.front()).netloc
        self._templates = environment("email")
        self._inliner = css_inliner(style_sheet())

    def return_path(self, reader: Reader | None, day: date) -> str:
        """Return the return path of a message; None is the operator."""
        if self.mailboxes is None:
            return self.sender.address
        return self.mailboxes.notices(reader, day)

    def message(self, envelope: MailHeaders, page: NoticePage) -> Message:
        """Render a message as plain text and HTML.

        Raises UsageError if ``to`` is not an address.
        """
        recipient = mime.Mailbox("", mime.check_address(envelope.to))
        name = envelope.message_id
        headers = [
            mime.mailbox_header("From", self.sender),
            *mime.own_headers(recipient, name, envelope.subject, envelope.moment),
            *envelope.headers,
            b"Auto-Submitted: auto-generated\r\n",  # RFC 3834
            mime.MULTIPART,
        ]
        parts = [segment(self.text(page))], [segment(self.html(page))]
        return Message(envelope.path, recipient.address, name, mime.alternative(headers, *parts))

    def text(self, page: NoticePage) -> str:
        """Render a page as plain text."""
        return self._set("notice.txt", page)

    def html(self, page: NoticePage) -> str:
        """Render a page as one HTML document."""
        return self._inliner.inline(self._set("notice.html", page)) + "\n"

    def _set(self, template: str, page: NoticePage) -> str:
        rendered: str = self._templates.get_template(template).render(
            title=self.title, host=self.host, page=page
        )
        return rendered


class EmptyNotices:
    """Renders notices of empty days to readers."""

    def __init__(self, notices: NoticeRenderer) -> None:
        self._notices = notices

    def message(self, reader: Reader, day: date, why: str, moment: datetime) -> Message:
        """Render the reason ``why`` in a line.

        Raises UsageError for a reader without an address.
        """
        notices, links = self._notices, self._notices.links
        to, leave = address_of(reader), links.leave(reader)
        when = wording.date_in_words(day)
        subject = f"{notices.title}: no papers on {when}"
        by_mail = notices.mailboxes.unsubscribes(reader) if notices.mailboxes else ""
        headers = [
            *mime.leave_headers(leave, by_mail),
            *mime.list_headers(notices.sender, notices.title, links.front()),
        ]
        path = notices.return_path(reader, moment.date())
        name = _name(to, subject, moment, notices.sender.domain)
        page = NoticePage(
            heading="No papers today",
            above=[f"There were no papers for you on {when}: {why}."],
            foot=f"You get this email because you asked {notices.title} at {notices.host} to tell "
            "you about days without papers. You can switch it off on your page.",
            links=[("Your page", links.page(reader)), ("Unsubscribe", leave)],
        )
        return notices.message(MailHeaders(to, path, name, subject, moment, headers), page)


class OperatorMessages:
    """Renders reports to the operator."""

    def __init__(self, notices: NoticeRenderer) -> None:
        self._notices = notices

    def message(self, to: str, subject: str, lines: Sequence[str], moment: datetime) -> Message:
        """Render a few paragraphs; the same subject on the same day has the same Message-ID.

        The subject up to its first colon is the heading. Raises UsageError if ``to`` is not an
        address.
        """
        notices = self._notices
        heading = subject.partition(":")[0]
        heading = capitalise(heading)
        subject = f"{notices.title} at {notices.host}: {subject}"
        name = _name(to, subject, moment, notices.sender.domain)
        page = NoticePage(
            heading=heading,
            above=lines,
            foot=f"Sent on {wording.date_in_words(moment.date())} (UTC) by "
            f"{notices.title} at {notices.host}.",
            links=[("Home page", notices.links.front())],
        )
        path = notices.return_path(None, moment.date())
        return notices.message(MailHeaders(to, path, name, subject, moment), page)


def address_of(reader: Reader) -> str:
    """Return a reader's address; raises UsageError if there is none."""
    if reader.address is None:
        raise UsageError(f"reader {reader.uid} has no email address")
    return reader.address


def _name(to: str, subject: str, moment: datetime, domain: str) -> str:
    seed = f"{moment:%Y%m%d} {to} {subject}".encode()
    name = hashlib.blake2b(seed, digest_size=16).hexdigest()
    return f"<notice.{moment:%Y%m%d}.{name}@{domain}>"
