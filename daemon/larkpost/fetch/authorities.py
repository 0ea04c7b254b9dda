"""Decides whose answers are authoritative: arXiv for its papers, Hugging Face for its lists."""

from __future__ import annotations

from urllib.parse import urlsplit

from larkpost.fetch.host_limits import is_arxiv
from larkpost.settings.polled_sources import SourceKind

# Lists that arXiv makes itself. Its hosts also show files that authors upload.
_LISTS_OF_ARXIV = ("/rss/", "/atom/", "/api/query", "/oai", "/list/")


def is_authoritative(kind: SourceKind, asked: str, answered: str) -> bool:
    """Return whether the texts of an answer may replace those of a paper.

    So may the sources with a known name, on the host that was asked, or a mirror in its place
    (``fetch.arxiv``); and arXiv's own lists over TLS. ``answered`` is the address after redirects.
    """
    parts = urlsplit(answered)
    host = parts.hostname or ""
    if kind is not SourceKind.FEED and host == urlsplit(asked).hostname:
        return True
    is_list = is_arxiv(host) and parts.path.startswith(_LISTS_OF_ARXIV)
    return is_list and parts.scheme == "https"


def is_own_list(kind: SourceKind, asked: str) -> bool:
    """Return whether the operator named an authority: a source with a known name, or arXiv."""
    return kind is not SourceKind.FEED or is_arxiv(urlsplit(asked).hostname or "")
