"""Finds the names of a paper, arXiv ids and DOIs, in the addresses and texts that point to it."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from larkpost.errors import UsageError
from larkpost.text.identifiers import parse_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from larkpost.domain import Identifier

_MOST_LOOKED_AT = 50
_LONGEST = 2_000  # characters of an address or another text that is a name
# Publishers put the DOI of an article into its address: /doi/full/10.1000/182, /content/10.1101/…v1
_DOI_PATH = re.compile(r"/(10\.\d{4,9}/[^?#\s]+)")
_VIEW = re.compile(
    r"(?:/(?:full|abstract|abs|pdf|epdf|html|meta|pdfdirect|fulltext)|\.full(?:\.pdf|-text)?|\.pdf"
    r"|\.abstract)+/*$",
    re.IGNORECASE,
)
_PREPRINT_VERSION = re.compile(r"v\d{1,3}$")  # of bioRxiv and medRxiv; arXiv's are known as such
_NATURE = re.compile(r"/articles/([sd]4\d{4}-\d{3}-\d{4,6}-[\w]|nature\d+|ncomms\d+)(?:[./]|$)")
_VERSION = re.compile(r"(?:\d{4}\.\d{4,5}|/\d{7})v(\d{1,3})(?:\.pdf)?/*$")


def paper_names(texts: Iterable[str]) -> tuple[Identifier, ...]:
    """Give the arXiv ids and DOIs that these addresses, ids and DOIs are or hold, each once."""
    found: dict[Identifier, None] = {}
    for text in list(texts)[:_MOST_LOOKED_AT]:
        if 0 < len(text) <= _LONGEST:
            found.update(dict.fromkeys(_names(text.strip())))
    return tuple(found)


def arxiv_version(text: str) -> int | None:
    """Give the version in ``oai:arXiv.org:2508.13426v2`` or an address; None where none is."""
    version = _VERSION.search(text[:_LONGEST].strip())
    return int(version[1]) if version else None


def _names(text: str) -> Iterator[Identifier]:
    with suppress(UsageError):
        name = parse_identifier(text)
        if name.scheme in {"arxiv", "doi"}:
            yield name
            return
        if name.scheme == "url":
            yield from _in_path(text)


def _in_path(url: str) -> Iterator[Identifier]:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if doi := _DOI_PATH.search(path):
        value = _VIEW.sub("", doi[1])
        if value.startswith(("10.1101/", "10.64898/")):
            value = _PREPRINT_VERSION.sub("", value)
        with suppress(UsageError):
            yield parse_identifier(f"doi:{value}")
    elif (parts.hostname or "").endswith("nature.com") and (article := _NATURE.search(path)):
        yield parse_identifier(f"doi:10.1038/{article[1]}")
