"""The letter to somebody who asked to subscribe: please confirm, or here is your page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from larkpost.domain import Letter, Status
from larkpost.errors import UsageError
from larkpost.render import message
from larkpost.render.quoted import segment
from larkpost.resources import shipped
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.domain import Reader
    from larkpost.render.links import Links


class Greetings:
    """Pure: the same asking gives the same bytes, under the same Message-ID.

    Nothing that was typed into the form stands in the letter, or strangers could send their own
    words to anybody through it; not even the name.
    """

    def __init__(self, links: Links, *, sender: str, title: str) -> None:
        self._links = links
        self._sender = message.sender_of(sender)
        self._title = one_line(title) or "Larkpost"
        self._templates = Environment(
            loader=FileSystemLoader(shipped("templates/email")),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def notice(self, reader: Reader, asked: datetime) -> Letter:
        """Ask a pending reader to confirm; show any other the way to their page.

        ``asked`` is when they asked, which dates the letter. Raises UsageError for a reader
        without an address.
        """
        if reader.address is None:
            raise UsageError(f"reader {reader.uid} has no mail address")
        pending = reader.status is Status.PENDING
        recipient = message.Mailbox("", message.checked(reader.address))
        name = message.message_id(
            f"{reader.address} {asked.isoformat()}", asked.date(), self._sender.domain
        )
        subject = f"{self._title}: {'please confirm' if pending else 'the way to your page'}"
        headers = [
            message.mailbox_header("From", self._sender),
            *message.own_headers(recipient, name, subject, asked),
            b"Auto-Submitted: auto-generated\r\n",  # RFC 3834
            message.MULTIPART,
        ]
        link = self._links.confirm(reader) if pending else self._links.page(reader)
        text, html = (
            segment(self._set(f"greeting.{form}", pending=pending, link=link))
            for form in ("txt", "html")
        )
        content = message.alternative(headers, [text], [html])
        return Letter(self._sender.address, recipient.address, name, content)

    def _set(self, template: str, **facts: object) -> str:
        return self._templates.get_template(template).render(title=self._title, **facts)
