"""One request to a source, and the sites that requests go to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

MISSING_DAYS = 14  # days that are requested if they are missing, back from today
MOST_PAGES = 5  # pages of one day


@dataclass(frozen=True, slots=True)
class BaseUrls:
    """The addresses of the known names, without ``/`` at the end: the sites, or mirrors of them."""

    hugging_face: str = "https://huggingface.co"
    arxiv: str = "https://rss.arxiv.org"
    arxiv_api: str = "https://export.arxiv.org"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One address to request: ``label`` names the dump, ``day`` is the day of its papers.

    A full page has ``size`` papers; ``further`` is what the addresses of the pages after it end
    with, and is empty if there is only one.
    """

    url: str
    label: str
    day: date | None = None
    dump_format: str | None = None
    size: int = 0
    further: str = ""

    def page(self, number: int) -> PageRequest:
        """Make the request for a page; number 0 is this request."""
        if number == 0:
            return self
        end = self.further.format(page=number, first=number * self.size)
        return replace(self, url=f"{self.url}{end}")
