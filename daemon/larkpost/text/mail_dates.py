"""Reads dates of mails, HTTP and RSS (RFC 5322, 3.3; RFC 9110, 5.6.7); never raises."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime


def read_mail_date(text: str) -> datetime | None:
    """Read a time, without a zone if the text has none or ``-0000``; None for other text."""
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # errors of the library
        return None
