"""The mail after a subscription request: a confirmation, or the link to an existing page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.domain import Status
from larkpost.render.email import mime
from larkpost.render.email.notice import MailHeaders, NoticePage, address_of

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.domain import Message, Reader
    from larkpost.render.email.notice import NoticeRenderer


class Greetings:
    """Renders confirmations; pure: the same request gives the same bytes and Message-ID.

    The message contains nothing that was typed into the form, not even the name; otherwise
    strangers could send their own words to anybody.
    """

    def __init__(self, notices: NoticeRenderer) -> None:
        self._notices = notices

    def notice(self, reader: Reader, asked: datetime) -> Message:
        """Ask a pending reader to confirm; send any other the link to their page.

        ``asked`` is the time of the request, which dates the message. Raises UsageError for a
        reader without an address.
        """
        notices, to = self._notices, address_of(reader)
        pending = reader.status is Status.PENDING
        what = "please confirm your subscription" if pending else "the way to your page"
        envelope = MailHeaders(
            to=to,
            path=notices.return_path(reader, asked.date()),
            message_id=mime.message_id(
                f"{to} {asked.isoformat()}", asked.date(), notices.sender.domain
            ),
            subject=f"{notices.title}: {what}",
            moment=asked,
        )
        page = self._confirmation(reader) if pending else self._way_back(reader)
        return notices.letter(envelope, page)

    def _confirmation(self, reader: Reader) -> NoticePage:
        title, host = self._notices.title, self._notices.host
        return NoticePage(
            heading="Please confirm your subscription",
            above=[
                (
                    f"Somebody, hopefully you, asked at {host} for {title} to be sent to this "
                    "address: a few research papers on the days you choose, picked for you alone."
                ),
                (
                    "If it was you, open the page below and press the button that is on it. "
                    "Your first edition comes at the next hour that you chose."
                ),
            ],
            button=("Confirm my subscription", self._notices.links.confirm(reader)),
            below=[
                (
                    "If it was not you, do nothing: unless you confirm, no edition is sent to you, "
                    "and your address is forgotten after 30 days."
                )
            ],
            foot=self._why_sent(),
        )

    def _way_back(self, reader: Reader) -> NoticePage:
        title, host = self._notices.title, self._notices.host
        return NoticePage(
            heading="The way to your page",
            above=[
                (
                    f"Somebody, hopefully you, asked at {host} for {title} to be sent to this "
                    "address, which has a page of its reader there already."
                ),
                (
                    "Your hours, interests, thumbs and feeds are on that page, and a button to "
                    "have the paper sent again if it was stopped."
                ),
            ],
            button=("Go to my page", self._notices.links.page(reader)),
            below=[
                (
                    "The link is yours alone: please do not pass it on. If it was not you who "
                    "asked, do nothing."
                )
            ],
            foot=self._why_sent(),
        )

    def _why_sent(self) -> str:
        return (
            "You get this letter because this address was typed into the form of "
            f"{self._notices.title} at {self._notices.host}."
        )
