"""Renders the templates into fragments: shared parts once, with gaps for readers' own values."""

from __future__ import annotations

import re
import textwrap
from dataclasses import asdict
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from larkpost.packaged_files import shipped_path
from larkpost.render import wording
from larkpost.render.template_fragments import gap
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.render.paper_links import PaperLinks
    from larkpost.render.presenters import Facts
    from larkpost.render.wording import PickReason

# Outlook for Windows renders with Word, which ignores overflow-wrap and a fixed table
# layout: a long word makes the message wider unless a zero-width space lets it break.
# Words of scripts whose letters join or that break anywhere are not changed, nor are addresses.
LONGEST = 40  # characters that fit into every message
STEP = 20
_LONG_WORD = re.compile(rf"(?<!\S)(?!https?:)[!-~¡-ɏ]{{{LONGEST + 1},}}")
_PIECE = re.compile(rf".{{{STEP}}}(?=.)")


def breakable(text: str) -> str:
    """Put a zero-width space after every 20 characters of a word of more than 40."""
    if len(text) <= LONGEST:
        return text
    return _LONG_WORD.sub(lambda word: _PIECE.sub("\\g<0>\u200b", word[0]), text)


WIDTH = 72
INDENT = "    "
BRIEF = 200  # with fewer characters of abstract a paper is reduced to its essentials

_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefe\U00010800-\U00010fff]"
)


class Form(Protocol):
    """One of the two forms of a message; its results have gaps or are ready to fill one."""

    between: str

    def page(self, *, feed: bool) -> str:
        """Render the page around the papers, with a link to the reader's feed if there is one."""
        ...

    def pick(self, facts: Facts, room: int, *, lead: bool) -> str:
        """Render one paper, with its abstract cut to ``room`` characters."""
        ...

    def why(self, reason: PickReason) -> list[str]:
        """Render the reasons for a paper, in clauses to be joined with ``between``."""
        ...

    def note(self, text: str) -> str:
        """Render a note of one paragraph; empty if there is none."""
        ...

    def escape(self, text: str) -> str:
        """Make text, or an address, fit for the page."""
        ...


def environment(folder: str) -> Environment:
    """Open a folder of templates; every value is escaped in HTML, none is ever a template."""
    made = Environment(
        loader=FileSystemLoader(shipped_path(f"templates/{folder}")),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        auto_reload=False,  # a template does not change while the program runs
        trim_blocks=True,
        keep_trailing_newline=True,
        lstrip_blocks=True,
    )
    made.globals["gap"] = gap
    made.filters["quantity"] = quantity
    made.filters["wrap"] = wrap
    made.filters["isolated"] = isolate
    return made


def style_sheet() -> str:
    """Read the CSS rules that are inlined into every element of a message."""
    return shipped_path("templates/email/style.css").read_text("utf-8")


def css_inliner(css: str) -> CSSInliner:
    """Make the CSS inliner, because mail programs drop style sheets."""
    return CSSInliner(
        extra_css=css,
        inline_style_tags=False,
        keep_style_tags=True,  # for dark mode and small screens
        load_remote_stylesheets=False,
        minify_css=True,
    )


def wrap(text: str, indent: str = "") -> str:
    """Wrap to 72 columns for a place that is indented; words, and so addresses, stay whole."""
    lines = textwrap.wrap(text, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    return f"\n{indent}".join(lines)


def isolate(text: str) -> str:
    """Isolate right-to-left text (UAX #9), so that it does not reorder its line."""
    return f"\u2068{text}\u2069" if _RIGHT_TO_LEFT.search(text) else text


def _template_values(facts: Facts, room: int, papers: PaperLinks) -> dict[str, Any]:
    return asdict(facts) | {
        "abstract": wording.sentences(facts.abstract, room),
        "page": papers.title(facts),
        "read": papers.read(facts),
    }


class Html:
    """The magazine page: tables and inlined CSS, which every mail program shows."""

    between = " · "

    def __init__(self, title: str, papers: PaperLinks) -> None:
        self._title = title
        self._papers = papers
        self._templates = environment("email")
        self._css = style_sheet()
        self._inliner = css_inliner(self._css)

    def page(self, *, feed: bool) -> str:
        """Render the whole document."""
        page = self._templates.get_template("newsletter.html")
        return self._inliner.inline(page.render(title=self._title, feed=feed)) + "\n"

    def pick(self, facts: Facts, room: int, *, lead: bool) -> str:
        """Render one paper as a table."""
        view = self._templates.get_template("pick.html")
        shown = _template_values(facts, room, self._papers)
        shown |= {name: breakable(shown[name]) for name in ("title", "byline", "abstract")}
        return self._inline(view.render(shown, lead=lead, brief=room < BRIEF))

    def why(self, reason: PickReason) -> list[str]:
        """Say why, with the words that matter emphasised."""
        return why_html(reason)

    def note(self, text: str) -> str:
        """Render a note under the masthead."""
        return self._inline(f'<p class="note">{escape(text)}</p>') if text else ""

    def escape(self, text: str) -> str:
        """Escape for text and for attributes."""
        return escape(text)

    def _inline(self, fragment: str) -> str:
        return self._inliner.inline_fragment(fragment, self._css)


class Text:
    """The same in plain text: complete, 72 columns, every address on a separate line."""

    between = "\n"

    def __init__(self, title: str, papers: PaperLinks) -> None:
        self._title = title
        self._papers = papers
        self._templates = environment("email")

    def page(self, *, feed: bool) -> str:
        """Render the whole message."""
        return self._templates.get_template("newsletter.txt").render(title=self._title, feed=feed)

    def pick(self, facts: Facts, room: int, *, lead: bool) -> str:  # noqa: ARG002 - all look alike
        """Render one paper."""
        view = self._templates.get_template("pick.txt")
        return view.render(_template_values(facts, room, self._papers))

    def why(self, reason: PickReason) -> list[str]:
        """Say why, a line for each reason."""
        return why_text(reason)

    def note(self, text: str) -> str:
        """Render a note."""
        return wrap(text) + "\n" if text else ""

    def escape(self, text: str) -> str:
        """Plain text needs no escaping."""
        return text


def why_html(reason: PickReason) -> list[str]:
    """Say why, with the words that matter emphasised."""
    clauses = [f"<b>{reason.label}</b>"] if reason.label else []
    if reason.interest:
        clauses.append(f"For your interest {_emphasise(reason.interest)}")
    if reason.terms:
        clauses.append(f"Because of {', '.join(map(_emphasise, reason.terms))}")
    like = "like" if reason.terms else "Like"
    if reason.like:
        clauses.append(f"{like} {_emphasise(reason.like)}, which you liked")
    elif reason.like_private:
        clauses.append(f"{like} {wording.OWN_LIST}")
    if reason.match:
        clauses.append(reason.match)
    return clauses or [wording.NO_REASON]


def why_text(reason: PickReason) -> list[str]:
    """Say why, a line for each reason."""
    lines = [reason.label] if reason.label else []
    if reason.interest:
        lines.append(f"For your interest: {isolate(reason.interest)}")
    if reason.terms:
        lines.append(f"Because of: {isolate(', '.join(reason.terms))}")
    if reason.like:
        lines.append(f"Like “{isolate(reason.like)}”, which you liked")
    elif reason.like_private:
        lines.append(f"Like {wording.OWN_LIST}")
    if reason.match:
        lines.append(reason.match)
    return [_indent(line) for line in lines or [wording.NO_REASON]]


@lru_cache(maxsize=4096)
def _emphasise(text: str) -> str:
    return f"<em><bdi>{escape(breakable(text))}</bdi></em>"


@lru_cache(maxsize=4096)
def _indent(line: str) -> str:
    if len(line) <= WIDTH - len(INDENT):
        return INDENT + line
    return INDENT + wrap(line, INDENT)
