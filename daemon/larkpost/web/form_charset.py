"""Refuses forms in character sets that no browser sends: Python knows codecs that freeze it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

# Browsers send the fields of a multipart form in the page's own character set, which is UTF-8, and
# name none (HTML, 4.10.21.7; RFC 7578, 4.6).
_CHARSETS = frozenset({b"", b"utf-8", b"utf8"})


def refuse_odd_charset(request: Request) -> None:
    """Return where a form names no character set, or UTF-8; raises HTTPException 400 otherwise.

    Starlette decodes fields by any codec that a request names. Punycode takes time with the square
    of a field's length, while nothing else runs; and each unknown name is remembered for ever.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    if options.get(b"charset", b"").strip().lower() not in _CHARSETS:
        raise HTTPException(400)
