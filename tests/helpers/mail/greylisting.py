"""A mail server (aiosmtpd) that greylists by a test clock: 451 until a triplet is old enough."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.helpers.mail.aiosmtpd_server import AiosmtpdServer

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

MINUTE = timedelta(minutes=1)


@dataclass
class Greylist(AiosmtpdServer):
    """Defers each pair of sender and recipient at its domain for 5 to 60 minutes.

    The test sets ``now``. ``open_from`` has the times from which pairs are accepted, ``taken`` the
    time and recipient of accepted messages. With ``after_the_message`` it replies after the
    message, as rspamd does, and not at RCPT TO.
    """

    domain: str
    now: datetime
    answer: str = "451 4.7.1 Greylisting in action, please come back later"
    after_the_message: bool = False
    open_from: dict[tuple[str, str], datetime] = field(default_factory=dict)
    taken: list[tuple[datetime, str, str]] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        self.tries[address] += 1
        if not self.after_the_message and self._is_grey(str(envelope.mail_from), address):
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        sender, recipient = str(envelope.mail_from), envelope.rcpt_tos[0]
        if self.after_the_message and self._is_grey(sender, recipient):
            return self.answer
        self.taken.append((self.now, sender, recipient))
        return "250 2.0.0 taken"

    def _is_grey(self, sender: str, recipient: str) -> bool:
        if not recipient.endswith(f"@{self.domain}"):
            return False
        delay = 5 + zlib.crc32(f"{sender} {recipient}".encode()) % 56
        over = self.open_from.setdefault((sender, recipient), self.now + delay * MINUTE)
        return self.now < over
