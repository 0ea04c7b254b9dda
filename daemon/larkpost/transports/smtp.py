"""The SMTP transport: one connection is used for many messages."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from larkpost.domain import Message
from larkpost.errors import Deferred
from larkpost.transports.smtp_connection import GLANCE
from larkpost.transports.smtp_session import CutOff, Session, open_session

if TYPE_CHECKING:
    from larkpost.settings.model import SmtpSettings


class Relay(AbstractContextManager["Relay"]):
    """A Transport and a context manager; it connects for the first message and ends with QUIT.

    ``smtp.security`` is enforced: certificates and names are verified (``context`` replaces this
    machine's trusted certificates), and nothing is sent if TLS or the login fails. ``stopped`` is
    called while waiting for a reply. Not thread-safe.
    """

    def __init__(
        self,
        smtp: SmtpSettings,
        *,
        context: ssl.SSLContext | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._smtp = smtp
        self._context = context
        self._interval = 1 / smtp.per_second if smtp.per_second else 0.0
        self._stopped = stopped
        self._next = 0.0
        self._waited = False
        self._session: Session | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._part()

    def ready(self) -> None:
        """Wait for the rate limit, and connect; raises Deferred for all messages.

        The wait ends early when told to stop.
        """
        self._connect()
        while not self._stopped() and (left := self._next - time.monotonic()) > 0:
            time.sleep(min(left, GLANCE))
        self._next = time.monotonic() + self._interval
        self._waited = True

    def send(self, message: Message) -> None:
        """Return when the server accepted the message; connects if needed.

        Raises Deferred (``server_fault`` if no message can go), Refused, and Unanswered if the
        message was sent and the reply never came. A connection that the server ended between two
        messages is opened again, once.
        """
        if not self._waited:
            self.ready()
        self._waited = False
        while True:
            session = self._connect()
            fresh = session.messages == 0
            try:
                session.hand_over(message)
            except CutOff as cut:
                if fresh or self._stopped():
                    raise Deferred(str(cut), cut=not cut.of_recipient) from cut
            else:
                return

    def _connect(self) -> Session:
        session = self._session
        if session and session.alive and session.messages < self._smtp.per_connection:
            return session
        self._part()
        # Loading the trusted certificates is slow: not before there is a message to send.
        self._context = self._context or ssl.create_default_context()
        self._session = open_session(self._smtp, self._context, self._stopped)
        return self._session

    def _part(self) -> None:
        if self._session:
            self._session.close()
            self._session = None
