"""Computes how long to wait for a source: ``Retry-After``, else exponential back-off."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from larkpost.text.mail_dates import read_mail_date

LONGEST_WAIT = timedelta(days=1)  # the longest wait that a server may request
FIRST_BACK_OFF = timedelta(minutes=5)
LONGEST_BACK_OFF = timedelta(hours=12)
_SECONDS = re.compile(r"\s*(\d{1,9})\s*", re.ASCII)


def read_retry_after(text: str, *, date: str = "", now: datetime) -> timedelta | None:
    """Read a ``Retry-After`` header (RFC 9110, 10.2.3): seconds, or a date; None for other text.

    A date is compared with the answer's own ``Date`` header if it has one, so that a wrong clock on
    either side does no harm. The result is between zero and ``LONGEST_WAIT``.
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

    ``draw`` is a random number from 0 to 1; it selects a wait between half and all of that.
    """
    doublings = min(max(failures, 1) - 1, 20)
    whole: timedelta = min(FIRST_BACK_OFF * (1 << doublings), LONGEST_BACK_OFF)
    return whole * (0.5 + draw / 2)
