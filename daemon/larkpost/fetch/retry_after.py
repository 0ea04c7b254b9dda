"""Computes how long to wait for a source: ``Retry-After``, else exponential back-off."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from larkpost.text.mail_dates import read_mail_date

LONGEST_WAIT = timedelta(days=1)  # that a server may ask for
FIRST_BACK_OFF = timedelta(minutes=5)
LONGEST_BACK_OFF = timedelta(hours=12)
_SECONDS = re.compile(r"\s*(\d{1,9})\s*", re.ASCII)


def read_retry_after(text: str, *, date: str = "", now: datetime) -> timedelta | None:
    """Read a ``Retry-After`` header (RFC 9110, 10.2.3): seconds, or a date; None for other text.

    A date is reckoned from the answer's own ``Date`` header where it has one, so that a clock that
    is wrong on either side does no harm. At most ``LONGEST_WAIT``, at least nothing.
    """
    if match := _SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(match[1])), LONGEST_WAIT)
    until = _read_date(text)
    if until is None:
        return None
    wait = until - (_read_date(date) or now)
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def _read_date(text: str) -> datetime | None:
    moment = read_mail_date(text)
    return moment.replace(tzinfo=UTC) if moment and not moment.tzinfo else moment


def back_off(failures: int, *, draw: float) -> timedelta:
    """Return the wait after so many failures in a row: doubled each time, with jitter.

    ``draw`` is a random number from 0 to 1: between half the wait and the whole of it.
    """
    doublings = min(max(failures, 1) - 1, 20)
    whole: timedelta = min(FIRST_BACK_OFF * (1 << doublings), LONGEST_BACK_OFF)
    return whole * (0.5 + draw / 2)
