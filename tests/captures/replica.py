"""The papers page as HTML, made from the sample papers: search results and the daily list.

Markup, class names and white space follow the site's own: icons are inline SVG, votes are a link
around a hidden checkbox, lists are flex boxes, words of the query are highlighted.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from tests.captures.samples import DAY, FOLDER, QUERY, sample_papers

ICON = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" width="1em" height="1em" '
    'viewBox="0 0 12 12"><path fill="currentColor" d="M5 2 1 10h10z"></path></svg>'
)
MENU = {
    "Website": ["Tasks", "HuggingChat", "Collections", "Languages", "Organizations"],
    "Community": ["Blog", "Posts", "Daily Papers", "Learn", "Discord", "Forum", "GitHub"],
    "Solutions": ["Team & Enterprise", "Hugging Face PRO", "Enterprise Support"],
}


def month_and_day(day: date) -> str:
    """Write ``Aug 7``: the page's header never names a year."""
    return f"{day:%b} {day.day}"


def short_date(day: date, today: date) -> str:
    """Write a paper's own date: ``Oct 7, 2024``, or ``May 30`` in the current year."""
    return month_and_day(day) if day.year == today.year else f"{month_and_day(day)}, {day.year}"


def iso_week(day: date) -> str:
    """Write ``2026-W32``, as the links to weekly lists do."""
    return f"{day:%G-W%V}"


def highlight(text: str, query: str) -> Markup:
    """Escape a text and mark the words of the query in it, as the search does."""
    span = Markup('<span class="bg-yellow-100">{}</span>')
    parts = re.split(f"({re.escape(query)}s?)", text, flags=re.IGNORECASE)
    return Markup("").join(
        span.format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def environment() -> Environment:
    """Templates of the pages and of the hand-made shapes, with the filters for dates."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(["html.jinja"]),
        keep_trailing_newline=True,
    )
    made.filters |= {
        "highlight": highlight,
        "iso_week": iso_week,
        "month_and_day": month_and_day,
        "short_date": short_date,
    }
    made.globals |= {
        "day": DAY,
        "previous_day": (DAY - timedelta(days=1)).isoformat(),
        "query": QUERY,
        "papers": sample_papers(),
        "icon": lambda: ICON,
        "menu": [
            (heading, [("/" + re.sub(r"\W+", "-", name.lower()), name) for name in names])
            for heading, names in MENU.items()
        ],
    }
    return made


def render(page: str) -> str:
    """The page ``search`` or ``daily`` as HTML."""
    return environment().get_template(f"{page}.html.jinja").render()
