"""The setting ``site.find_links``: sites that search for papers without a link."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainSerializer

from larkpost.domain import PLACEHOLDER, FindLink

MOST = 12
LONGEST_NAME = 40
LONGEST_URL = 300
_PRINTABLE = re.compile(r"[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z{}~-]+")
_EXAMPLE = "https://example.org/search?q={title}"

# arXiv and Google Scholar search for the words in quotation marks (%22) as a phrase, arXiv only in
# titles and with the best match first; the other two rank by similarity, without phrases.
FIND_LINKS = (
    FindLink("arXiv", "https://arxiv.org/search/?searchtype=title&order=&query=%22{title}%22"),
    FindLink("Hugging Face", "https://huggingface.co/papers?q={title}"),
    FindLink("Semantic Scholar", "https://www.semanticscholar.org/search?q={title}"),
    FindLink("Google Scholar", "https://scholar.google.com/scholar?q=%22{title}%22"),
)


def read_find_links(value: object) -> tuple[FindLink, ...]:
    """Read a list of tables with ``name`` and ``url``, or the same as JSON text.

    An empty value or list means no links. Raises ValueError, which names the invalid entry.
    """
    if isinstance(value, str):
        value = _from_json(value)
    if not isinstance(value, Iterable) or isinstance(value, Mapping):
        raise ValueError(f'it is a list such as [{{ name = "Example", url = "{_EXAMPLE}" }}]')  # noqa: TRY004 - pydantic reports ValueError, not TypeError
    links = tuple(_find_link(one) for one in value)
    if len(links) > MOST:
        raise ValueError(f"there may be {MOST} of them, not {len(links)}")
    return links


def _from_json(text: str) -> object:
    try:
        return json.loads(text) if text.strip() else ()
    except ValueError:
        wanted = f'[{{"name": "Example", "url": "{_EXAMPLE}"}}]'
        raise ValueError(f"as a text it is JSON such as {wanted}") from None


def _find_link(value: object) -> FindLink:
    if isinstance(value, FindLink):
        return value
    if not isinstance(value, Mapping) or set(value) != {"name", "url"}:
        raise ValueError(f"each entry has a name and a url, and nothing else: {value!r}")
    name, url = value["name"], value["url"]
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise ValueError(f"a name has 1 to {LONGEST_NAME} characters: {name!r}")
    if not name.isprintable():
        raise ValueError(f"a name is one line of printable characters: {name!r}")
    if not isinstance(url, str) or (why := _fault_of(url)):
        raise ValueError(f"{url!r} {why if isinstance(url, str) else 'is not text'}")
    return FindLink(name.strip(), url)


def _fault_of(url: str) -> str:
    """Return why this is no address with a placeholder for a title; empty if it is valid."""
    if len(url) > LONGEST_URL:
        return f"has more than {LONGEST_URL} characters"
    if not _PRINTABLE.fullmatch(url):
        return "has a space, a quotation mark or a character that is not ASCII: percent-encode it"
    if PLACEHOLDER not in url:
        return f"has no {PLACEHOLDER}, where the title goes: write it like {_EXAMPLE}"
    if re.search(r"[{}]", url.replace(PLACEHOLDER, "")):
        return f"has other braces than those of {PLACEHOLDER}"
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):
        return "has a % that begins no escape: write %25"
    return "" if _is_web_address(url) else f"is not a web address such as {_EXAMPLE}"


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = bool(host) and port != 0 and not re.search(r"[{}@]", parts.netloc)
    return plain and parts.scheme in ("http", "https")


def as_tables(links: Iterable[FindLink]) -> list[dict[str, str]]:
    """Return the links in the form of the settings file."""
    return [{"name": link.name, "url": link.url} for link in links]


FindLinks = Annotated[
    tuple[FindLink, ...],
    BeforeValidator(read_find_links),
    PlainSerializer(as_tables, return_type=list[dict[str, str]]),
]
