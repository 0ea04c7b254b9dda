"""Conditional requests (RFC 9110 section 13): which visits are answered with 304."""

from __future__ import annotations

import hashlib
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# An entity tag: optional weakness, then anything but quotes and controls (RFC 9110, 8.8.3).
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def etag_of(content: bytes) -> str:
    """Make a strong entity tag: equal bytes, equal tag."""
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def unchanged(headers: Mapping[str, str], etag: str, modified: datetime | None) -> bool:
    """Say whether the visitor has this already; ``headers`` are the request's, in lower case.

    If-None-Match wins over If-Modified-Since, and tags compare weakly (RFC 9110, 13.1.2, 13.1.3).
    A date that cannot be read is ignored, and so is any where nothing dates what is asked for.
    """
    wanted = headers.get("if-none-match")
    if wanted is not None:
        return wanted == etag or wanted.strip() == "*" or etag in _TAG.findall(wanted)
    if modified is None:
        return False
    try:
        since = parsedate_to_datetime(headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and modified.replace(microsecond=0) <= since
