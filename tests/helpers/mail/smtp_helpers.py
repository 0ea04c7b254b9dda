"""Three messages, and the relay that sends them to a test server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from tests.helpers.mail.smtp_server import PASSWORD, SmtpServer

from larkpost.domain import Message
from larkpost.errors import Deferred
from larkpost.settings.model import SmtpSettings
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    import ssl

CONTENT = (
    b"From: Larkpost <post@example.org>\r\n"
    b"To: ada@example.org\r\n"
    b"Subject: Your paper\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"Date: Fri, 07 Aug 2026 06:00:00 +0000\r\n"
    b"\r\n"
    b".starts with a dot\r\n"
    b".\r\n"
    b"..\r\n"
    b"ends\r\n"
)
ADA = Message("Larkpost <post@example.org>", "ada@example.org", "<1@example.org>", CONTENT)
BOB = replace(ADA, recipient="bob@example.org", message_id="<2@example.org>")
CY = replace(ADA, recipient="cy@example.org", message_id="<3@example.org>")
SIZES = pytest.mark.parametrize(
    "extensions", [("8BITMIME",), ("PIPELINING", "SIZE 100000000")], ids=["one by one", "pipelined"]
)


def settings(server: SmtpServer, **changes: Any) -> SmtpSettings:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "timeout": 5.0,
    }
    return SmtpSettings(**{**values, **changes})


def server_fault(smtp: SmtpSettings, context: ssl.SSLContext | None = None) -> Deferred:
    """Send a message over a transport that must fail; returns the reason."""
    with Relay(smtp, context=context) as relay, pytest.raises(Deferred) as deferral:
        relay.send(ADA)
    assert deferral.value.server_fault
    return deferral.value


def login(server: SmtpServer, **changes: Any) -> SmtpSettings:
    values: dict[str, Any] = {
        "host": "localhost",
        "username": "lark",
        "password": SecretStr(PASSWORD),
    }
    return settings(server, **{**values, **changes})
