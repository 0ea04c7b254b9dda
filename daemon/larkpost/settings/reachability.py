"""Detects settings that together produce messages with links that no reader can open."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from larkpost.settings.addresses import is_loopback

if TYPE_CHECKING:
    from larkpost.settings.model import Settings


def unreachable(settings: Settings) -> Iterator[tuple[str, str]]:
    """Return a warning and a remedy for each setting whose links lead readers to their own machine.

    Only if messages are sent by SMTP: in a Maildir on this machine such addresses are correct.
    """
    if settings.mail.transport != "smtp":
        return
    url, sender = settings.site.base_url, settings.mail.sender
    if is_loopback(urlsplit(url).hostname or ""):
        yield (
            f"emails are sent by SMTP, but their links lead to {url}, which is this machine alone",
            "Set site.base_url to the address at which readers reach `larkpost serve`.",
        )
    if is_loopback(parseaddr(sender)[1].rpartition("@")[2]):
        yield (
            f"emails are sent by SMTP, but come from {sender}, which no other mail server accepts",
            "Set mail.sender to an address of a domain of yours.",
        )
