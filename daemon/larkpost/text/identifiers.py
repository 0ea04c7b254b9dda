"""Reads the names of papers: arXiv ids, DOIs, URLs, ``scheme:value``."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from larkpost.domain import Identifier
from larkpost.errors import UsageError
from larkpost.text.normalize import clean, one_line

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9_.+-]{0,19}):(?P<value>\S(?:.*\S)?)", re.DOTALL)
_ARXIV_NEW = r"\d{4}\.\d{4,5}"
_ARXIV_OLD = r"[a-z-]+(?:\.[a-z]{2})?/\d{7}"
_ARXIV = re.compile(rf"(?:arxiv:)?(?P<id>{_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?", re.IGNORECASE)
_ARXIV_PATH = re.compile(
    rf"/(?:abs|pdf|html|format|papers|paper|overview|forum|src|e-print)/"
    rf"(?P<id>{_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?(?:\.pdf)?/?",
    re.IGNORECASE,
)
_ARXIV_HOSTS = ("arxiv.org", "huggingface.co", "alphaxiv.org", "ar5iv.org", "hf.co")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_LONGEST_VALUE = 400


def parse_identifier(text: str) -> Identifier:
    """Read ``scheme:value``, a bare arXiv id or DOI, or a URL (of arXiv, of a DOI, or any other).

    Versions of arXiv papers are dropped, arXiv ids and DOIs are in lower case, URLs without
    what does not name the page. Raises UsageError.
    """
    given = clean(text).strip()
    found = _read_identifier(given)
    if found is None or len(found.value) > _LONGEST_VALUE or re.search(r"\s", found.value):
        raise UsageError(
            f"“{one_line(given)[:120]}” is not the name of a paper",
            hint="write it like arxiv:2508.13426, doi:10.1000/182 or https://…",
        )
    return found


def _read_identifier(given: str) -> Identifier | None:
    if given.lower().startswith("oai:arxiv.org:"):
        given = "arxiv:" + given[len("oai:arxiv.org:") :]
    if match := _ARXIV.fullmatch(given):
        return Identifier("arxiv", _arxiv(match["id"]))
    if _DOI.fullmatch(given):
        return _doi(given)
    if given.lower().startswith(("http://", "https://")):
        return _from_url(given)
    match = _SCHEME.fullmatch(given)
    return _from_scheme(match["scheme"].lower(), match["value"]) if match else None


def _from_scheme(scheme: str, value: str) -> Identifier | None:
    if scheme == "url":
        return _from_url(value)
    if scheme == "doi":
        return _doi(re.sub(r"^(?:https?://)?(?:dx\.)?doi\.org/", "", value, flags=re.IGNORECASE))
    if scheme == "arxiv":
        return Identifier("arxiv", re.sub(r"(?<=\d)v\d+$", "", value.lower()))
    return Identifier(scheme, value)


def _arxiv(value: str) -> str:
    # math.GT/0309136 and math/0309136 are the same paper: the class after the dot is decoration.
    return re.sub(r"^([a-z-]+)\.[a-z]{2}/", r"\1/", value.lower())


def _doi(value: str) -> Identifier:
    value = value.lower()
    # arXiv's own DOIs (10.48550/arXiv.2508.13426) name the same paper as the arXiv id.
    inner = _ARXIV.fullmatch(value.removeprefix("10.48550/arxiv."))
    return Identifier("arxiv", _arxiv(inner["id"])) if inner else Identifier("doi", value)


def _from_url(url: str) -> Identifier | None:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    site = host.removeprefix("www.").removeprefix("export.")
    if site in _ARXIV_HOSTS and (match := _ARXIV_PATH.fullmatch(parts.path)):
        return Identifier("arxiv", _arxiv(match["id"]))
    if site in {"doi.org", "dx.doi.org"} and _DOI.fullmatch(parts.path[1:]):
        return _doi(parts.path[1:])
    return Identifier("url", _plain_url(parts, host, port))


def _plain_url(parts: SplitResult, host: str, port: int | None) -> str:
    authority = f"[{host}]" if ":" in host else host
    if port not in {None, 80, 443}:
        authority += f":{port}"
    kept = [pair for pair in parts.query.split("&") if pair and not pair.startswith("utm_")]
    query = "?" + "&".join(kept) if kept else ""
    return f"https://{authority}{parts.path.rstrip('/')}{query}"
