"""The mail to somebody who asked to subscribe: please confirm, or here is your page."""

from __future__ import annotations

from datetime import datetime

from larkpost.domain import Message, Reader, Status
from larkpost.render.email import mime
from larkpost.render.email.notice import MailHeaders, NoticePage, NoticeRenderer, address_of


class Greetings:
    """Pure: the same asking gives the same bytes, under the same Message-ID.

    Nothing that was typed into the form stands in the letter, or strangers could send their own
    words to anybody through it; not even the name.
    """

    def __init__(self, notices: NoticeRenderer) -> None:
        self._notices = notices

    def notice(self, reader: Reader, asked: datetime) -> Message:
        """Ask a pending reader to confirm; show any other the way to their page.

        ``asked`` is when they asked, which dates the letter. Raises UsageError for a reader
        without an address.
        """
        if reader.status is Status.PENDING:
            page, what = self._confirmation(reader), "please confirm your subscription"
        else:
            page, what = self._way_back(reader), "the way to your page"
        return self._notices.letter(self._headers(reader, what, asked), page)

    def _headers(self, reader: Reader, what: str, asked: datetime) -> MailHeaders:
        notices, to, day = self._notices, address_of(reader), asked.date()
        return MailHeaders(
            to=to,
            path=notices.return_path(reader, day),
            message_id=mime.message_id(f"{to} {asked.isoformat()}", day, notices.sender.domain),
            subject=f"{notices.title}: {what}",
            moment=asked,
        )

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
