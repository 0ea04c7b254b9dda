"""The mail after a subscription request: a confirmation, or the link to an existing page."""

from __future__ import annotations

from datetime import datetime

from larkpost.domain import Message, Reader, Status
from larkpost.render.email import mime
from larkpost.render.email.notice import MailHeaders, NoticePage, NoticeRenderer, address_of


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
        if reader.status is Status.PENDING:
            page, what = self._confirmation(reader), "please confirm your subscription"
        else:
            page, what = self._way_back(reader), "the link to your page"
        return self._notices.message(self._headers(reader, what, asked), page)

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
                    f"Somebody, hopefully you, subscribed at {host} with this address to {title}: "
                    "a few research papers on the days you choose, picked for you alone."
                ),
                (
                    "If it was you, open the page below and click the button there. "
                    "Your first edition comes at the next time that you chose."
                ),
            ],
            button=("Confirm my subscription", self._notices.links.confirm(reader)),
            below=[
                (
                    "If it was not you, do nothing: unless you confirm, no edition is sent to you, "
                    "and your address is deleted after 30 days."
                )
            ],
            foot=self._why_sent(),
        )

    def _way_back(self, reader: Reader) -> NoticePage:
        title, host = self._notices.title, self._notices.host
        return NoticePage(
            heading="The link to your page",
            above=[
                (
                    f"Somebody, hopefully you, subscribed at {host} with this address to {title}. "
                    "This address is subscribed already."
                ),
                (
                    "Your page has your schedule, interests, thumbs and feeds, and a button to "
                    "resume the editions if they were stopped."
                ),
            ],
            button=("Go to my page", self._notices.links.page(reader)),
            below=[
                (
                    "Whoever has this link can use your page, so please do not share it. If it was "
                    "not you who subscribed, do nothing."
                )
            ],
            foot=self._why_sent(),
        )

    def _why_sent(self) -> str:
        return (
            "You get this email because this address was entered in the subscribe form of "
            f"{self._notices.title} at {self._notices.host}."
        )
