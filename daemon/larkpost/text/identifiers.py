"""Parses identifiers of papers (arXiv ids, DOIs, URLs, ``scheme:value``), and makes their links."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain
from urllib.parse import SplitResult, quote, unquote, urlsplit

from larkpost.domain import Identifier
from larkpost.errors import UsageError
from larkpost.text.normalize import clean, shorten
from larkpost.text.urls import encode_url

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9_.+-]{0,19}):(?P<value>\S(?:.*\S)?)", re.DOTALL)
# https://info.arxiv.org/help/arxiv_identifier.html: from April 2007 the year, the month and four
# digits, five since January 2015; before, the archive, the year, the month and three digits.
_MONTH = r"(?:0[1-9]|1[0-2])"
_ARXIV_NEW = (
    rf"(?:(?:07(?:0[4-9]|1[0-2])|(?:0[89]|1[0-4]){_MONTH})\.\d{{4}}"
    rf"|(?:1[5-9]|[2-9]\d){_MONTH}\.\d{{5}})"
)
_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg"
    "|comp-gas|cond-mat|cs|dg-ga|funct-an|gr-qc|hep-(?:ex|lat|ph|th)|math|math-ph|mtrl-th|nlin"
    "|nucl-(?:ex|th)|patt-sol|physics|plasm-ph|q-(?:alg|bio|fin)|quant-ph|solv-int|stat|supr-con"
)
_ARXIV_OLD = rf"(?:{_ARCHIVES})(?:\.[a-z]{{2}})?/(?:9[1-9]|0[0-7]){_MONTH}\d{{3}}"
_ARXIV_ID = rf"(?:arxiv:)?(?P<id>{_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?"
_ARXIV = re.compile(_ARXIV_ID, re.IGNORECASE)
_ARXIV_PATH = re.compile(
    r"/(?:(?:abs|pdf|html|format|ps|src|e-print|papers?|overview|forum|arxiv)/)?"
    rf"{_ARXIV_ID}(?:\.pdf)?/*",
    re.IGNORECASE,
)
# The most common form of addresses has a fast path; all other forms are parsed in full.
_ARXIV_PAGE = re.compile(rf"https?://arxiv\.org/(?:abs|pdf)/(?P<id>{_ARXIV_NEW})(?:v\d+)?")
# Any host under these is arXiv, or shows its papers by id, such as ar5iv.labs.arxiv.org.
_ARXIV_HOSTS = (
    "arxiv.org", "xxx.lanl.gov", "ar5iv.org", "arxiv-vanity.com", "alphaxiv.org",
    "huggingface.co", "hf.co", "hf-mirror.com", "scirate.com", "papers.cool",
)  # fmt: skip  # a host a line would be longer than the rule
_DOI_HOSTS = ("doi.org",)
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+")
# Schemes of addresses that never identify a paper; some are code.
_NO_NAMES = frozenset(
    ("http", "https", "ftp", "file", "mailto", "data", "blob", "javascript", "vbscript")
)
_TRAIL = ".,;:!?'\"”’»"  # noqa: RUF001 - quotes as they are printed
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}
_LONGEST_VALUE = 400
_LONGEST_GIVEN = 4_000  # characters that are read; an address may have a long query
LONGEST_LINK = 500  # characters of an address that people are shown


def parse_identifier(text: str) -> Identifier:
    """Read ``scheme:value``, a bare arXiv id or DOI, or a URL (of arXiv, of a DOI, or any other).

    Versions of arXiv papers are dropped, arXiv ids and DOIs are in lower case, URLs lose the parts
    that do not identify the page. Raises UsageError.
    """
    if (found := find_identifier(text)) is None:
        given = shorten(clean(text[:_LONGEST_GIVEN]).strip(), 120)
        raise UsageError(
            f"“{given}” is not an identifier of a paper",
            hint="write it like arxiv:2508.13426, doi:10.1000/182 or https://…",
        )
    return found


def find_identifier(text: str) -> Identifier | None:
    """Do the same as ``parse_identifier``, but return None for any other text."""
    given = clean(text[:_LONGEST_GIVEN]).strip()
    found = _read_identifier(given) if len(text) <= _LONGEST_GIVEN else None
    if found is None or len(found.value) > _LONGEST_VALUE or re.search(r"\s", found.value):
        return None
    return found


def identifier_url(identifier: Identifier) -> str:
    """Return the web address of an identifier, in ASCII; empty if it has none."""
    match identifier.scheme:
        case "arxiv":
            return "https://arxiv.org/abs/" + quote(identifier.value, safe="/")
        case "doi":  # it may contain any character (ISO 26324), so "%" is never an escape
            return "https://doi.org/" + quote(identifier.value, safe="/:;()")
        case "url":
            return encode_url(identifier.value)
    return ""


def paper_url(url: str | None, names: Iterable[Identifier]) -> str:
    """Return the address of a paper: its ``url``, else the link of its first identifier with one.

    In ASCII; empty if none does. One that is too long to be shown is skipped.
    """
    addresses = chain((encode_url(url or ""),), map(identifier_url, names))
    return next((one for one in addresses if 0 < len(one) <= LONGEST_LINK), "")


def _read_identifier(given: str) -> Identifier | None:
    if given.lower().startswith("oai:arxiv.org:"):
        given = "arxiv:" + given[len("oai:arxiv.org:") :]
    if match := _ARXIV.fullmatch(given):
        return Identifier("arxiv", _arxiv(match["id"]))
    if match := _ARXIV_PAGE.fullmatch(given):
        return Identifier("arxiv", match["id"])
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
        at = re.match(r"(?:https?://)?(?:(?:dx|www)\.)?doi\.org/", value, re.IGNORECASE)
        return _doi(unquote(value[at.end() :]) if at else value)
    if scheme == "arxiv" or scheme in _NO_NAMES:  # all valid arXiv ids were read before
        return None
    return Identifier(scheme, value)


def _arxiv(value: str) -> str:
    # math.GT/0309136 and math/0309136 are the same paper: the class after the dot is optional.
    return re.sub(r"^([a-z-]+)\.[a-z]{2}/", r"\1/", value.lower())


def _doi(value: str) -> Identifier | None:
    value = _without_trail(value.lower())
    # arXiv's own DOIs (10.48550/arXiv.2508.13426) name the same paper as the arXiv id.
    inner = _ARXIV.fullmatch(value.removeprefix("10.48550/arxiv."))
    if inner:
        return Identifier("arxiv", _arxiv(inner["id"]))
    return Identifier("doi", value) if _DOI.fullmatch(value) else None


def _without_trail(doi: str) -> str:
    """Leave out characters of the sentence: a full stop, a bracket that was opened before."""
    opened = {close: doi.count(close) - doi.count(open_) for close, open_ in _BRACKETS.items()}
    end = len(doi)
    while end and (doi[end - 1] in _TRAIL or opened.get(doi[end - 1], 0) > 0):
        end -= 1
        if doi[end] in opened:
            opened[doi[end]] -= 1
    return doi[:end]


def _from_url(url: str) -> Identifier | None:
    parts = urlsplit(encode_url(url))
    if not parts.scheme:
        return None
    host, path = (parts.hostname or "").rstrip("."), unquote(parts.path)
    if _below(host, _ARXIV_HOSTS) and (match := _ARXIV_PATH.fullmatch(path)):
        return Identifier("arxiv", _arxiv(match["id"]))
    if _below(host, _DOI_HOSTS) and (doi := _doi(path.strip("/"))):
        return doi
    return Identifier("url", _plain_url(parts, host))


def _below(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _plain_url(parts: SplitResult, host: str) -> str:
    authority = f"[{host}]" if ":" in host else host
    if parts.port not in {None, 80, 443}:
        authority += f":{parts.port}"
    kept = [pair for pair in parts.query.split("&") if pair and not pair.startswith("utm_")]
    query = "?" + "&".join(kept) if kept else ""
    return f"https://{authority}{parts.path.rstrip('/')}{query}"
