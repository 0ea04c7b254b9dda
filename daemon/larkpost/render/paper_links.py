"""The links of a paper: its page here, its own link, or a search for its title elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from larkpost.domain import FindLink, Identifier, Paper
from larkpost.render.wording import link_of, short_enough
from larkpost.text.identifiers import identifier_url
from larkpost.text.search_phrase import search_url
from larkpost.text.urls import encode_url

if TYPE_CHECKING:
    from larkpost.render.presenters import Facts


class NamedLink(NamedTuple):
    """An address, and its label: ``Read the paper``, ``Find it on arXiv``."""

    text: str
    href: str


class PaperLinks:
    """The links of papers; ``page`` builds the address of our page about a paper from its uid.

    ``find_links`` are the sites that search for a paper without a link of its own.
    """

    def __init__(self, page: Callable[[str], str], find_links: Sequence[FindLink] = ()) -> None:
        self._page = page
        self._find_links = find_links

    def title(self, facts: Facts) -> str:
        """Link a title to our page; for a private paper to its own link."""
        return self._page(facts.uid) if facts.uid else facts.link

    def read(self, facts: Facts) -> NamedLink | None:
        """Return the link beside a title: the paper's own, else the first search for it."""
        if facts.link:
            return NamedLink("Read the paper", facts.link)
        return next(iter(self.find(facts)), None)

    def find(self, facts: Facts) -> list[NamedLink]:
        """Return every search for a title."""
        found = ((one.name, search_url(one.url, facts.title)) for one in self._find_links)
        return [NamedLink(f"Find it on {name}", href) for name, href in found if href]


def further_links(paper: Paper, names: Iterable[Identifier]) -> list[NamedLink]:
    """Return other addresses of a paper, each once: by its identifiers, then further links."""
    named = [(str(name), identifier_url(name)) for name in sorted(names)]
    told = [(encode_url(url), encode_url(url)) for url in paper.links]
    first: dict[str, str] = {}
    for text, href in (*named, *told):
        if short_enough(href):
            first.setdefault(href, text)
    first.pop(link_of(paper), None)
    return [NamedLink(text, href) for href, text in first.items()]
