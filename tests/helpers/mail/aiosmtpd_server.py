"""A mail server (aiosmtpd) on a free port of loopback, whose handlers a subclass defines."""

from __future__ import annotations

from typing import Self

from aiosmtpd.controller import Controller
from tests.helpers.mail.smtp_server import free_port

from larkpost.settings.model import SmtpSettings
from larkpost.transports.smtp import Relay


class AiosmtpdServer:
    """Listens while in a ``with`` block; ``handle_RCPT`` and the like are aiosmtpd's hooks."""

    def __enter__(self) -> Self:
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def open_transport(self) -> Relay:
        """Open a connection, as the program does with its settings."""
        port = self._controller.port
        return Relay(SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=60.0))
