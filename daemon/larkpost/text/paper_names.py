"""Finds the identifiers of a paper, arXiv ids and DOIs, in addresses and texts about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from larkpost.domain import Identifier
from larkpost.text.identifiers import find_identifier

_MOST_LOOKED_AT = 50
_LONGEST = 2_000  # characters of an address or another text with an identifier
# Publishers put the DOI of an article into its address: /doi/full/10.1000/182, /content/10.1101/…v1
_DOI_PATH = re.compile(r"/(10\.\d{4,9}/[^?#\s]+)")
_VIEW = re.compile(
    r"(?:/(?:abstract|abs|full|fulltext|pdf|epdf|pdfdirect|html|references|meta|summary)"
    r"|\.(?:full-text|full|pdf|abstract|short|html?)(?:\+html)?|/)+$",
    re.IGNORECASE,
)
# Versions of bioRxiv and medRxiv; those of arXiv are parsed elsewhere.
_PREPRINT_VERSION = re.compile(r"(10\.(?:1101|64898)/[\d.]{6,40})v\d{1,3}$")
# Nature's addresses contain the second half of a DOI.
_NATURE = re.compile(
    r"(?:www\.)?nature\.com/articles/"
    r"(?P<id>[sd]4\d{4}-\d{3}-\d{4,6}-\w|[a-z]{1,12}\.?\d{3,9}(?:\.\d{1,4})?|\d{5,9})(?:\.pdf)?/?"
)
_VERSION = re.compile(r"(?:\d{4}\.\d{4,5}|/\d{7})v(\d{1,3})(?:\.pdf)?/*$")


def paper_names(texts: Iterable[str]) -> tuple[Identifier, ...]:
    """Return the arXiv ids and DOIs in these addresses, ids and DOIs, each once."""
    found: dict[Identifier, None] = {}
    for text in list(texts)[:_MOST_LOOKED_AT]:
        if 0 < len(text) <= _LONGEST:
            found.update(dict.fromkeys(_names(text.strip())))
    return tuple(found)


def arxiv_version(text: str) -> int | None:
    """Return the version in ``oai:arXiv.org:2508.13426v2`` or an address; None if there is none."""
    version = _VERSION.search(text[:_LONGEST].strip())
    return int(version[1]) if version else None


def _names(text: str) -> Iterator[Identifier]:
    name = find_identifier(text)
    if name and name.scheme in {"arxiv", "doi"}:
        yield name
    elif name and name.scheme == "url":
        yield from _in_path(text)


def _in_path(url: str) -> Iterator[Identifier]:
    parts = urlsplit(url)
    if doi := doi_in_address(parts.hostname or "", unquote(parts.path)):
        yield doi


def doi_in_address(host: str, path: str) -> Identifier | None:
    """Return the DOI in the address of an article; None if there is none."""
    nature = _NATURE.fullmatch(host + path)
    if nature:
        return read_doi(f"10.1038/{nature['id']}")
    doi = _DOI_PATH.search(path)
    return read_doi(doi[1]) if doi else None


def read_doi(text: str) -> Identifier | None:
    """Read a DOI, without the view or version of the text that an address adds."""
    value = _PREPRINT_VERSION.sub(r"\1", _VIEW.sub("", text))
    return find_identifier(f"doi:{value}")
