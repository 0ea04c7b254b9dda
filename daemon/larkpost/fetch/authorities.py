"""Decides whose answers are authoritative: arXiv's and Hugging Face's lists, and chosen feeds."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from larkpost.fetch.host_limits import is_arxiv
from larkpost.fetch.http_client import is_same_server
from larkpost.settings.polled_sources import PolledSource, SourceKind

# Lists that arXiv makes itself. Its hosts also show files that authors upload, and a blog could
# redirect to one of them as "/list/../src/…", which is requested, and answered, as "/src/…". So
# there are no dot segments, and nothing that a server may decode into one (RFC 3986, 5.2.4).
_LIST_OF_ARXIV = re.compile(
    r"/(?:(?:rss|atom|list)/|api/query|oai)(?:(?!\.\.)[A-Za-z0-9_./+-])*+", re.ASCII
)


def is_authoritative(source: PolledSource, asked: str, answered: str) -> bool:
    """Return whether the texts of an answer may replace those of a paper.

    So may the sources with a known name, and those that the operator made authorities, on the
    server that was asked (for a known name that may be a mirror: ``fetch.arxiv``); and arXiv's own
    lists over TLS. ``answered`` is the address after redirects.
    """
    if _is_chosen(source) and is_same_server(asked, answered):
        return True
    parts = urlsplit(answered)
    is_list = is_arxiv(parts.hostname or "") and _LIST_OF_ARXIV.fullmatch(parts.path)
    return bool(is_list) and parts.scheme == "https"


def is_own_list(source: PolledSource, asked: str) -> bool:
    """Return whether the operator named an authority: by its known name, by choice, or arXiv."""
    return _is_chosen(source) or is_arxiv(urlsplit(asked).hostname or "")


def _is_chosen(source: PolledSource) -> bool:
    return source.authority or source.kind is not SourceKind.FEED
