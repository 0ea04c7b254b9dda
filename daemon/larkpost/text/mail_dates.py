"""Reads the dates of mails, HTTP and RSS (RFC 5322, 3.3; RFC 9110, 5.6.7), whatever is in them."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime


def read_mail_date(text: str) -> datetime | None:
    """Read a moment, without a zone where the text has none or ``-0000``; None for other text."""
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # what the library raises by turns
        return None
