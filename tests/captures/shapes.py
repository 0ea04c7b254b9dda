"""Imitations, with the sample papers, of public captures that cannot be made here again.

``python -m tests.captures.shapes`` writes ``shapes/``. Five follow public captures of 2026: a
text browser with a link table (whole, and cut off as the public one is), a scraper to Markdown, a
scraper of the trending page, a structured extractor with Chinese labels, a notebook's export. The
others are a reader service that writes Markdown, the digest mail and the daily list as plain text.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from tests.captures.replica import environment, month_and_day
from tests.captures.samples import FOLDER, SamplePaper, sample_papers

if TYPE_CHECKING:
    from datetime import date

SHAPES = [path.name.removesuffix(".jinja") for path in (FOLDER / "templates/shapes").iterdir()]
CUT = "text-browser-cut.md"  # made from the whole one


class LinkTable:
    """Footnotes of a text browser: each call numbers one more address."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    def __call__(self, place: str) -> str:
        self.addresses.append(f"https://huggingface.co{place}")
        return f"[{len(self.addresses)}]"


def collapse(text: str) -> str:
    """Write a text in one line."""
    return " ".join(text.split())


def wrap(text: str, width: int, prefix: str = "") -> str:
    """Wrap a text as a text browser does; a heading's mark comes before every line."""
    lines = textwrap.wrap(collapse(text), width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(prefix + line for line in lines)


def escape_markdown(text: str) -> str:
    """Put a backslash before characters that mean something in Markdown."""
    return re.sub(r"([\\*_`\[\]]|^-|^\d+(?=\. ))", r"\\\1", text, flags=re.MULTILINE)


def full_date(day: date) -> str:
    """Write ``Oct 4, 2026``, always with the year."""
    return f"{month_and_day(day)}, {day.year}"


def trending_text(paper: SamplePaper) -> str:
    """The text below a title on the trending page: the AI's summary, or else the abstract."""
    return paper.abstract if paper.votes is None else paper.summary


def write_shape(name: str) -> str:
    """The text of one shape, which has the name of its file."""
    if name == CUT:
        return cut_off(write_shape("text-browser.md"))
    templates = environment()
    templates.filters |= {
        "collapse": collapse,
        "full_date": full_date,
        "markdown": escape_markdown,
        "trending_text": trending_text,
        "wrap": wrap,
    }
    return templates.get_template(f"shapes/{name}.jinja").render(to=LinkTable())


def cut_off(text: str) -> str:
    """End a capture within the last abstract, before the table of links, as at a size limit."""
    title = wrap("[" + sample_papers()[-1].title, 116, "### ")
    end = text.index("\n", text.index(title) + 400)
    return f"{text[:end]}\n\n[Content truncated]\n```\n"


def main() -> None:
    for name in [*SHAPES, CUT]:
        (FOLDER / "shapes" / name).write_bytes(write_shape(name).encode())


if __name__ == "__main__":
    main()
