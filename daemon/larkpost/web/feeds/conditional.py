"""Conditional requests (RFC 9110 section 13): decides which requests get a 304."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

# An entity tag: optional weakness, then anything but quotes and controls (RFC 9110, 8.8.3).
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
# Suffixes that compressing proxies append to a tag: Apache's mod_deflate and mod_brotli and
# Caddy `-gzip`, Jetty `--gzip`, LiteSpeed `;gz`, and `;;;` for uncompressed responses. Apache
# appends it again to the tag of a 304.
_PACKED = re.compile(r"(?:(?:--?|;)(?:gzip|gz|br|zstd|zst|deflate)|;;;)+")

LONGEST_TAGS = 4_000  # characters of If-None-Match that are read: a feed program sends one tag

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_WHOLE_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
# The three forms of a date in HTTP (RFC 9110, 5.6.7): IMF-fixdate, that of RFC 850, asctime's.
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        rf"{_WHOLE_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<short>[0-9]{{2}}) {_TIME} GMT",
        rf"{_DAY} {_MONTH} (?P<day>[0-9 ][0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
)


def etag_of(content: bytes) -> str:
    """Make a strong entity tag: equal tag, equal bytes (RFC 9110, 8.8.1)."""
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def is_unchanged(
    headers: Mapping[str, str], etag: str, modified: datetime | None, now: datetime
) -> bool:
    """Return whether the client has this already; ``headers`` are the request's, in lower case.

    If-None-Match wins over If-Modified-Since, and tags compare weakly (RFC 9110, 13.1.2, 13.1.3).
    A date that cannot be read or is after ``now`` is ignored, and so is any date if the feed has
    none. A very long list of tags counts as one without ours.
    """
    wanted = headers.get("if-none-match")
    if wanted is not None:
        if wanted == etag or wanted.strip(" \t") == "*":
            return True
        return len(wanted) <= LONGEST_TAGS and _lists(wanted, etag[1:-1])
    if modified is None or "if-modified-since" not in headers:
        return False
    since = read_date(headers["if-modified-since"], now)
    return since is not None and modified.replace(microsecond=0) <= since <= now


def read_date(text: str, now: datetime) -> datetime | None:
    """Read an HTTP date in any of its three forms; None if it is not one.

    A year of two digits is the latest with these that is at most 50 years after ``now``
    (RFC 9110, 5.6.7).
    """
    found = next((m for form in _DATES if (m := form.fullmatch(text.strip(" \t")))), None)
    if found is None:
        return None
    parts = found.groupdict()
    year = int(parts["year"]) if parts.get("year") else _full_year(int(parts["short"]), now)
    day, hour, minute, second = (int(parts[name]) for name in ("day", "hour", "minute", "second"))
    month = _MONTHS.index(parts["month"]) + 1
    leap = second == 60  # a leap second, which datetime does not support
    try:
        moment = datetime(year, month, day, hour, minute, second - leap, tzinfo=UTC)
        return moment + timedelta(seconds=leap)
    except (ValueError, OverflowError):
        return None


def _full_year(short: int, now: datetime) -> int:
    year = now.year - now.year % 100 + short
    return year - 100 if year > now.year + 50 else year


def _lists(tags: str, opaque: str) -> bool:
    """Return whether one of these tags is ours, also with a proxy's suffix."""
    return any(
        tag == opaque or (tag.startswith(opaque) and _PACKED.fullmatch(tag[len(opaque) :]))
        for tag in _TAG.findall(tags)
    )
