"""Validates web addresses, and converts them to ASCII (RFC 3986, 3987)."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

# An address that is valid in ASCII already, without further conversion, as most are.
_PLAIN_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"https?://{_PLAIN_LABEL}(?:\.{_PLAIN_LABEL}){{1,2}}(?:/[A-Za-z0-9/._-]*)?")
# Browsers drop some of these and read "\" as "/": the shown and the opened address would differ.
_REFUSED = re.compile(r"[\s\x00-\x20\x7f-\x9f\\]")
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:@]+)(?::[0-9]*)?")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LONGEST_HOST = 253  # RFC 1035, 2.3.4, as text
# RFC 3986, 3.3: characters of a path that need no escape; "%" because existing escapes stay.
_IN_PATH = "%/:@!$&'()*+,;=~"
_IN_QUERY = _IN_PATH + "?"


@lru_cache(4096)
def encode_url(url: str) -> str:
    """Convert an http or https address to ASCII; empty if it is not a valid link.

    The host becomes IDNA, all else UTF-8 in percent escapes (RFC 3987, 3.1); existing escapes stay.
    An address is invalid with spaces, control characters or backslashes, with a user or password,
    without a host, or with an invalid port.
    """
    if _PLAIN.fullmatch(url):
        return url
    try:
        parts = urlsplit(url) if not _REFUSED.search(url) else None
        if parts is None or parts.scheme not in {"http", "https"}:
            return ""
        path, query, fragment = (
            quote(_STRAY_PERCENT.sub("%25", part), safe=safe)
            for part, safe in (
                (parts.path, _IN_PATH),
                (parts.query, _IN_QUERY),
                (parts.fragment, _IN_QUERY),
            )
        )
        return urlunsplit((parts.scheme, _authority(parts), path, query, fragment))
    except ValueError:  # a bad port, an incomplete IPv6 address, a host that is invalid in IDNA
        return ""


def is_web_address(url: str) -> bool:
    """Return whether this is a valid address for a link."""
    return bool(encode_url(url))


def encode_host(name: str) -> str:
    """Convert a host name to ASCII (IDNA 2008 by UTS 46); raises ValueError for an invalid one.

    Underscores are allowed: host names do not contain them (RFC 952), but some names in use do.
    """
    if not name.isascii():
        import idna  # imported late: its tables are large, and nearly every name is ASCII

        name = idna.encode(name, uts46=True).decode("ascii")
    if len(name) > _LONGEST_HOST or not _HOST.fullmatch(name.lower()):
        raise ValueError(f"{name!r} is not the name of a host")
    return name.lower()


def _authority(parts: SplitResult) -> str:
    """Convert host and port to ASCII; raises ValueError for invalid ones."""
    if not _HOST_AND_PORT.fullmatch(parts.netloc):
        raise ValueError(f"{parts.netloc!r} is not a host with or without a port")
    host, port = parts.hostname or "", parts.port
    host = f"[{IPv6Address(host)}]" if ":" in host else encode_host(host)
    if port == 0:
        raise ValueError("0 is not a port")
    return host if port is None else f"{host}:{port}"
