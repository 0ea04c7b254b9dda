"""Parses a request for a feed into the value by which it is both made and cached.

The cache and the endpoint get the same value, so they cannot disagree about the request. A
parameter that an address does not take is ignored, and the last of a repeated one counts, as on
pages: not all feed programs follow redirects, and many add parameters. Two spellings of a query
(order, ``+`` or ``%20``, blanks) are one value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException

from larkpost.db.search import query
from larkpost.errors import UsageError
from larkpost.text.normalize import clean, one_line

if TYPE_CHECKING:
    from starlette.types import Scope

MOST_PARAMETERS = 50
# Bytes of a query, as sent: 1,000 characters of a search take 12,000 at most. It is parsed in the
# event loop, and 60 kB of "%f" took 8 ms.
LONGEST_QUERY = 16_000
_PAGE = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """The path, and the parameters of this path; the others have their defaults.

    ``least`` is a probability, ``page`` counts from 1, ``words`` are those of a search. Equal
    values mean the same feed. ``parts`` are the router's named parts of the path.
    """

    path: str
    least: float = 0.0
    page: int = 1
    words: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def with_path(self, parts: Mapping[str, Any]) -> FeedRequest:
        """Return the same request with the parts of its path."""
        return replace(self, parts=parts)


def read_feed_request(scope: Scope) -> FeedRequest:
    """Read the path and query of an HTTP request (ASGI scope).

    Raises UsageError for an invalid probability and for a query that is long or has very many
    parameters, HTTPException 404 for a page that is not a number.
    """
    path: str = scope["path"]
    taken = _parameter_of(path)
    text = read_parameters(scope["query_string"]).get(taken, "") if taken else ""
    match taken:
        case "q":
            return FeedRequest(path, words=read_words(text))
        case "page":
            return FeedRequest(path, page=read_page(text or "1"))
        case "min":
            return FeedRequest(path, least=_read_least(text))
    return FeedRequest(path)


def read_parameters(query: bytes) -> dict[str, str]:
    """Read the parameters of a query; the last of a name counts. Raises UsageError."""
    if not query:
        return {}
    if len(query) > LONGEST_QUERY:
        raise UsageError(
            f"what follows the question mark of an address may have {LONGEST_QUERY} characters",
            hint="use fewer words",
        )
    try:
        pairs = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        raise UsageError(
            f"an address takes at most {MOST_PARAMETERS} parameters",
            hint="leave out what comes after the question mark",
        ) from None
    return dict(pairs)


def read_words(text: str) -> str:
    """Normalise a search query: cut, cleaned, single spaces, trimmed.

    It is cut before cleaning, because that takes time, and after, because it may have grown.
    """
    tidy = " ".join(one_line(clean(text[: query.LONGEST])).split())
    return tidy[: query.LONGEST].strip()


def read_page(text: str) -> int:
    """Read the number of a page, which counts from 1; 404 if it is not a number."""
    if not _PAGE.fullmatch(text):
        raise HTTPException(404)
    return int(text)


def _parameter_of(path: str) -> str | None:
    """Name the one parameter that a feed at this path takes."""
    if path.startswith("/search."):
        return "q"
    if path.startswith("/archive/"):
        return "page"
    if path.startswith("/feed/") and not path.endswith(".opml"):
        return "min"
    return None


def _read_least(text: str) -> float:
    """Read the least probability of a thumbs-up to be shown; raises UsageError."""
    try:
        least = float(text or 0)
    except ValueError:
        least = math.nan
    if not 0 <= least <= 1:
        raise UsageError(
            "min is not a probability", hint="write a number from 0 to 1, such as ?min=0.6"
        )
    return abs(round(least, 3))  # "-0" is written differently, and means the same
