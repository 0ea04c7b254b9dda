"""Renders page templates: filters for dates and links, and static files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from larkpost.db.popularity import FEWEST
from larkpost.domain import FindLink
from larkpost.editions.archive import DateSpan, SpanKind
from larkpost.packaged_files import shipped_path
from larkpost.render import wording
from larkpost.render.paper_links import PaperLinks
from larkpost.render.presenters import facts_of
from larkpost.render.wording import date_in_words, day_and_month
from larkpost.schedule import local_time
from larkpost.text.identifiers import LONGEST_LINK
from larkpost.text.normalize import one_line
from larkpost.text.plurals import quantity, sentence, tally
from larkpost.text.urls import encode_url

if TYPE_CHECKING:
    from larkpost.urls import Alternate


def span_name(span: DateSpan) -> str:
    """Name a span in words: ``Friday, 7 August 2026``, ``Week 32 of 2026``, ``August 2026``."""
    match span.kind:
        case SpanKind.DAY:
            return date_in_words(span.first)
        case SpanKind.WEEK:
            year, week, _ = span.first.isocalendar()
            return f"Week {week} of {year}"
        case SpanKind.MONTH:
            return f"{day_and_month(span.first).partition(' ')[2]} {span.first.year}"


_LINK = re.compile(r"https?://[^\s<>\"'`{}|\\^\x00-\x20]+", re.IGNORECASE)
_TRAIL = ".,;:!?*_~”’»"  # noqa: RUF001 - quotes as they are printed
_PAIRS = {")": "(", "]": "["}


class TextSpan(NamedTuple):
    """A piece of text; ``href`` is its target, empty if it is not a link."""

    text: str
    href: str = ""


def find_links(text: str) -> list[TextSpan]:
    """Find the web addresses (http and https only) in a text; the pieces join to it again."""
    return [piece for piece in _pieces(text) if piece.text]


def _pieces(text: str) -> Iterator[TextSpan]:
    end = 0
    for match in _LINK.finditer(text):
        link = _trim(match[0])
        href = encode_url(link)
        if href and len(href) <= LONGEST_LINK:
            yield TextSpan(text[end : match.start()])
            yield TextSpan(link, href)
            end = match.start() + len(link)
    yield TextSpan(text[end:])


def _trim(link: str) -> str:
    """Leave out characters of the sentence: a full stop, a bracket that was opened outside.

    Brackets are counted once: counting them for each character that is left out took more than a
    second for an abstract of closing brackets.
    """
    outside = {last: link.count(last) - link.count(first) for last, first in _PAIRS.items()}
    end = len(link)
    while end and (link[end - 1] in _TRAIL or outside.get(link[end - 1], 0) > 0):
        end -= 1
        if link[end] in outside:
            outside[link[end]] -= 1
    return link[:end]


MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
    ".png": "image/png",
}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file that pages load; its name contains a hash, so it may be cached for ever."""

    name: str
    content: bytes
    media_type: str


class PageTemplates:
    """The templates of ``templates/web``, with all values escaped.

    Addresses inside a page are paths below the configured base URL, so they work behind any proxy
    and with any Host header.
    """

    def __init__(
        self,
        *,
        base_url: str,
        title: str,
        find_links: Sequence[FindLink] = (),
        thumb_count_step: int = FEWEST,
    ) -> None:
        parts = urlsplit(base_url)
        self.root = parts.path.rstrip("/")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.title = title
        self._fewest_thumbs = thumb_count_step
        self._papers = PaperLinks(lambda uid: f"{self.root}/paper/{uid}", find_links)

    def page(
        self, template: str, /, status: int = 200, *, script: bool = False, **facts: object
    ) -> HTMLResponse:
        """Render a template into a response; our scripts may run only if ``script``."""
        content = self._environment.get_template(template).render(facts)
        response = HTMLResponse(content, status)
        if script:
            response.headers["Content-Security-Policy"] = f"{POLICY}; script-src 'self'"
        return response

    def error(
        self,
        status: int,
        heading: str,
        message: str,
        *,
        feeds: Sequence[Alternate] = (),
        paper: tuple[str, str] | None = None,
        edition: tuple[str, date] | None = None,
    ) -> HTMLResponse:
        """Make an error page, which offers ``feeds`` if there are any.

        It links to the ``paper`` (path and title) and ``edition`` (path and day) that were meant.
        """
        return self.page(
            "error.html",
            status,
            heading=heading,
            message=message,
            alternates=feeds,
            paper=paper,
            edition=edition,
        )

    def path(self, link: str) -> str:
        """Shorten one of our links to its path, for use inside a page."""
        return link.removeprefix(self.origin)

    @cached_property
    def files(self) -> Mapping[str, StaticFile]:
        """The static files by their hashed name."""
        return {file.name: file for file in self._by_plain_name.values()}

    def icon(self, name: str) -> StaticFile:
        """Return the icon of this plain name, which browsers request at the top of a site."""
        return self._by_plain_name[name]

    @cached_property
    def _by_plain_name(self) -> dict[str, StaticFile]:
        return {
            path.name: StaticFile(_hash_name(path.name, content), content, MEDIA_TYPES[path.suffix])
            for path in sorted(shipped_path("templates/web/static").iterdir())
            if path.suffix in MEDIA_TYPES
            for content in [path.read_bytes()]
        }

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(shipped_path("templates/web")),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # no look at the file of each template of each page
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(site=self.title, root=self.root, static=self._static)
        environment.globals.update(no_reason=wording.NO_REASON, own_list=wording.OWN_LIST)
        environment.globals.update(thumb_count_step=self._fewest_thumbs)
        environment.filters.update(
            day=day,
            weekday=wording.date_in_words,
            moment=moment,
            plain=one_line,
            empty_day=wording.describe_empty_day,
            facts=facts_of,
            title_link=self._papers.title,
            find_links=self._papers.find,
            chosen=wording.describe_selection,
            catch_up=wording.catch_up,
            linked=find_links,
            span=span_name,
            quantity=quantity,
            tally=tally,
            sentence=sentence,
        )
        return environment

    def _static(self, name: str) -> str:
        return f"{self.root}/static/{self._by_plain_name[name].name}"


def day(date: date) -> str:
    """Write ``7 August 2026``."""
    return f"{wording.day_and_month(date)} {date.year}"


def moment(at: datetime, zone: str) -> str:
    """Format a time as ``Friday, 7 August 2026 at 06:00`` in ``zone``."""
    local = local_time(zone, at)
    return f"{wording.date_in_words(local)} at {local:%H:%M}"


def _hash_name(name: str, content: bytes) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.blake2b(content, digest_size=8).hexdigest()}{dot}{suffix}"
