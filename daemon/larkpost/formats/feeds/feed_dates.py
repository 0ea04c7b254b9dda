"""Reads the times of feeds: RFC 822 as in RSS, ISO 8601 as in Atom, and days alone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from larkpost.text.mail_dates import read_mail_date

_DAY = re.compile(r"\s*(\d{4})-(\d\d)-(\d\d)")
_LONGEST = 100  # characters


def parse_moment(text: str) -> datetime | None:
    """Read a time in UTC, None if invalid; a day means its start, and the default zone is UTC."""
    moment = _parse(text.strip()[:_LONGEST])
    try:
        if moment is None or moment.tzinfo is None:
            return moment and moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except OverflowError:  # a zone before the year 1
        return None


def parse_day(text: str) -> date | None:
    """Read the day as written; the zone is ignored."""
    moment = _parse(text.strip()[:_LONGEST])
    return moment.date() if moment else None


def _parse(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if moment := read_mail_date(text):
        return moment
    if day := _DAY.match(text):
        try:
            return datetime.combine(date(*map(int, day.groups())), time.min)
        except ValueError:
            return None
    return None
