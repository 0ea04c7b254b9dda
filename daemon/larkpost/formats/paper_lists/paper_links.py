"""Recognises links to papers: by arXiv id, DOI, or addresses of publishers and archives.

Links in alert mails lead through the sender's own address first; if it contains the paper's
address, that is extracted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from larkpost.domain import Identifier
from larkpost.text.identifiers import find_identifier
from larkpost.text.paper_names import doi_in_address, read_doi
from larkpost.text.urls import encode_url

_MOST_REDIRECTS = 3
_LONGEST = 4_000
_DEFENSE = re.compile(r"//urldefense\.(?:com|us)/v3/__(?P<url>https?:/{1,2}.{1,2000}?)__;")
_IN_PATH = re.compile(r"/(?P<url>https?(?::|%3A)(?:/|%2F){2}[^/\s?#]{4,2000})", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d{1,9})*/[^\s?#&\"<>]{2,200}")
_IN_TEXT = re.compile(
    rf"\barxiv[:\s./]{{1,3}}(?:(?:abs|pdf)/)?(?P<arxiv>\d{{4}}\.\d{{4,5}}|[a-z-]{{2,10}}/\d{{7}})"
    rf"|(?P<doi>{_DOI.pattern})",
    re.IGNORECASE,
)
# Addresses under which archives, publishers and search services show a paper, without "www.".
_ARTICLE = re.compile(
    r"(?:[\w-]+\.)*(?:sciencedirect\.com/science/article/\S|nature\.com/articles/\S"
    r"|springer\.com/(?:article|chapter)/\S|semanticscholar\.org/(?:paper|arxiv)/\S"
    r"|openreview\.net/(?:forum|pdf)|aclanthology\.org/(?:\d{4}\.|[A-Z]\d\d-)"
    r"|proceedings\.mlr\.press/v\d+/\w|n(?:eur)?ips\.cc/paper\S*/\S|jmlr\.org/papers/\S"
    r"|ieeexplore\.ieee\.org/(?:abstract/)?document/\d|pubmed\.ncbi\.nlm\.nih\.gov/\d"
    r"|ncbi\.nlm\.nih\.gov/(?:pmc/articles|pubmed)/\w|thecvf\.com/content\S*/\w"
    r"|mdpi\.com/\d{4}-\d{3}|papers\.ssrn\.com/sol3/papers\.cfm"
    r"|hal\.(?:science|archives-ouvertes\.fr)/\w+-\d"
    r"|plos\.org/\w+/article|cell\.com/\S+/(?:fulltext|abstract)/|ojs\.aaai\.org/\S+/article/view/\d"
    r"|ijcai\.org/proceedings/\d|iopscience\.iop\.org/article/|aps\.org/\w+/abstract/"
    r"|academic\.oup\.com/\w+/(?:advance-)?article\S*/\d|frontiersin\.org/\S*articles/\S"
    r"|bmj\.com/content/\d|jamanetwork\.com/journals/\S+/(?:article-abstract|fullarticle)/"
    r"|eprint\.iacr\.org/\d{4}/\d|drops\.dagstuhl\.de/\S*document/\S)"
)
_NAMED_BY_QUERY = ("openreview.net", "papers.ssrn.com", "journals.plos.org")


@dataclass(frozen=True, slots=True)
class PaperLink:
    """A link to a paper: its address without tracking parameters, and its identifiers."""

    url: str
    names: tuple[Identifier, ...] = ()


def paper_link(url: str) -> PaperLink | None:
    """Read the address of a paper; None for any other address."""
    for _ in range(_MOST_REDIRECTS + 1):
        if found := _direct(url):
            return found
        inner = redirect_target(url)
        if inner is None:
            return None
        url = inner
    return None


def redirect_target(url: str) -> str | None:
    """Find the target of a link that leads through a tracking service; None if there is none."""
    if len(url) > _LONGEST:
        return None
    if match := _DEFENSE.search(url):
        return match["url"]
    try:
        parts = urlsplit(url)
        values = [value for _, value in parse_qsl(parts.query, max_num_fields=50)]
    except ValueError:
        return None
    inner = next((value for value in values if value.startswith(("http://", "https://"))), None)
    if inner is None and (match := _IN_PATH.search(parts.path)):
        inner = unquote(match["url"])
    return inner if inner != url else None


def _direct(url: str) -> PaperLink | None:
    address = encode_url(url.strip()) if len(url) <= _LONGEST else ""
    if not address:
        return None
    name = find_identifier(address)
    if name is None:
        return None
    if name.scheme in ("arxiv", "doi"):
        return PaperLink(_clean_url(address), (name,))
    parts = urlsplit(address)
    place = f"{parts.hostname or ''}{parts.path}".lower()
    if doi := doi_in_address(parts.hostname or "", unquote(parts.path)):
        return PaperLink(_clean_url(address), (doi,))
    return PaperLink(_clean_url(address)) if _ARTICLE.match(place) else None


def find_names(text: str) -> tuple[Identifier, ...]:
    """Find the arXiv id, or else the DOI, in a line of text; the first of several."""
    for match in _IN_TEXT.finditer(text[:_LONGEST]):
        found = _arxiv(match["arxiv"]) if match["arxiv"] else _doi(match["doi"])
        if found:
            return found
    return ()


def _arxiv(number: str) -> tuple[Identifier, ...]:
    name = find_identifier(f"arxiv:{number}")
    return (name,) if name else ()


def _doi(text: str) -> tuple[Identifier, ...]:
    doi = read_doi(text)
    return (doi,) if doi else ()


def _clean_url(address: str) -> str:
    """Remove the query of an address, unless it identifies the paper, and the fragment."""
    parts = urlsplit(address)
    if (parts.hostname or "").endswith(_NAMED_BY_QUERY):
        return parts._replace(fragment="").geturl()
    return parts._replace(query="", fragment="").geturl()
