"""The words of dates, counts and reasons as readers see them; plain text throughout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from larkpost.domain import Edition, Identifier, Paper, Pick, Reader
from larkpost.text.identifiers import LONGEST_LINK, paper_url
from larkpost.text.normalize import one_line
from larkpost.text.plurals import quantity
from larkpost.text.term_specificity import term_table

OWN_LIST = "a paper on your own list"  # replaces the title of a private paper
EXPLORATION = "Something new: unlike the papers you have seen"
NO_REASON = "Here because it is new"
LONGEST_TITLE = 300
TERMS_SHOWN = 3
LEAST_AGAINST = 0.05  # the least effect of a shown term, in standard deviations of the score
LONGEST_TERM = 40
LONGEST_NAME = 60
MOST_NAMES = 50
AUTHORS_SHOWN = 5
CATEGORIES_SHOWN = 4

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)  # fmt: skip
_SENTENCE_END = re.compile(r"[.!?](?=[\"')\]]*\s)|[。！？]")  # noqa: RUF001 - full-width on purpose
_TITLE_WORD = re.compile(r"[^\W_]+")
_JOINING = {"and", "for", "from", "in", "of", "on", "to", "with"}
_MAIN_TITLE = re.compile(r"(.{3,48}?)\s*(?::\s| [-–—] ).")  # noqa: RUF001 - titles have dashes of all kinds


class PickReason(NamedTuple):
    """Why a paper was picked.

    ``terms`` strongest first; each text is empty if unknown. ``like`` is the title of a liked
    paper; also empty if ``like_private`` marks it as private. ``against`` holds terms that lowered
    the score, only together with a reason in favour.
    """

    terms: tuple[str, ...] = ()
    like: str = ""
    match: str = ""
    label: str = ""
    interest: str = ""
    against: tuple[str, ...] = ()
    like_private: bool = False


def date_in_words(day: date) -> str:
    """Write ``Friday, 7 August 2026``, whatever the locale."""
    return f"{_DAYS[day.weekday()]}, {day_and_month(day)} {day.year}"


def day_and_month(day: date) -> str:
    """Write ``7 August``."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def describe_selection(edition: Edition) -> str:
    """Describe the number of papers, the number of candidates, and the kind of choice."""
    papers = len(edition.picks)
    said = quantity(papers, "paper") if papers else "No papers"
    if edition.candidate_count >= papers:
        said += f" chosen from {edition.candidate_count:,}"
    return f"{said} · {_ground(edition.picks)}" if papers else said


def _ground(picks: Sequence[Pick]) -> str:
    if any(pick.shown_probability is not None for pick in picks):
        return "ordered by your thumbs"
    if any(pick.positive_terms or pick.shown_terms for pick in picks):
        return "ordered by your words"
    return "the newest first"


def greeting(reader: Reader) -> str:
    """Say whose edition it is."""
    name = crop(one_line(reader.name), 60)
    return f"Edition for {name}" if name else "Your edition"


def describe_empty_day(edition: Edition) -> str:
    """Return the text of an empty edition; empty if it has papers."""
    return "" if edition.picks else "There are no papers for you today."


def catch_up(edition: Edition) -> str:
    """Return the note on missed days; empty if there were none."""
    if edition.catch_up_from is None:
        return ""
    day = f"{_DAYS[edition.catch_up_from.weekday()]}, {day_and_month(edition.catch_up_from)}"
    return f"A catch-up edition: the best papers since {day}."


def subject(titles: Sequence[str], paper: str, day: date) -> str:
    """Make the subject from the first title, or from the ``paper`` (site title) and the day."""
    if not titles:
        return f"{paper}: a day without papers, {day_and_month(day)}"
    lead, others = crop(titles[0], 80), len(titles) - 1
    return f"{lead} – and {others} more" if others else lead  # noqa: RUF001 - an en dash, as printed


def link_of(paper: Paper) -> str:
    """Find the paper's address on the web, http or https in ASCII; empty if it has none."""
    return link_address(paper.url, paper.identifier)


@lru_cache(4096)
def title_text(title: str) -> str:
    """Return a title for display; never empty."""
    return crop(one_line(title), LONGEST_TITLE) or "Untitled"


@lru_cache(4096)
def short_title(title: str) -> str:
    """Return the short name of a paper: ``MoE-Lens`` for ``MoE-Lens: Towards …``."""
    shown = title_text(title)
    main = _MAIN_TITLE.match(shown)
    return main[1] if main else crop(shown, 64)


def names(given: Sequence[str]) -> tuple[str, ...]:
    """Return the names of authors or categories for display, without empty ones."""
    shown = (crop(one_line(name), LONGEST_NAME) for name in given[:MOST_NAMES])
    return tuple(name for name in shown if name)


def byline_text(authors: Sequence[str], categories: Sequence[str], author_count: int) -> str:
    """Return the byline: the first authors, of ``author_count``, and the categories; or nothing."""
    shown = names(authors)
    if len(shown) > AUTHORS_SHOWN + 1:
        shown = (*shown[:AUTHORS_SHOWN], f"and {author_count - AUTHORS_SHOWN:,} more")
    fields = names(categories)[:CATEGORIES_SHOWN]
    return " · ".join(part for part in (", ".join(shown), ", ".join(fields)) if part)


def link_address(url: str | None, identifier: Identifier) -> str:
    """Find a paper's address on the web, http or https in ASCII; empty if it has none."""
    return paper_url(url, [identifier])


def short_enough(link: str) -> str:
    """Return the link, or nothing if it is too long to be shown."""
    return link if len(link) <= LONGEST_LINK else ""


def crop(text: str, length: int) -> str:
    """Cut at a word's end, with an ellipsis, to ``length`` characters at most."""
    if len(text) <= length:
        return text
    if length < 1:
        return ""
    head, space, _ = text[:length].rpartition(" ")
    return (head if space and len(head) > length // 2 else text[: length - 1]).rstrip(" ,;:-") + "…"


def sentences(text: str, length: int) -> str:
    """Cut at the end of a sentence to about ``length`` characters, or at a word's end."""
    if len(text) <= length:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, length + 1)]
    if ends and ends[-1] > length // 2:
        return text[: ends[-1]].rstrip()
    return crop(text, length)


def reason(pick: Pick, *, interests: int = 1, name_private: bool = False) -> PickReason:
    """Put the model's reasons into words; ``interests`` is how many the reader has.

    Newsletters, feeds and edition pages are forwarded, so a private paper is named only if
    ``name_private``: nobody else reads the text. The chance is shown only after the first thumb up:
    without thumbs it is not trained. 0 and 100 % are never shown, because they are never certain.
    """
    known = pick.shown_probability
    chance = "" if known is None else f"{min(99, max(1, round(known * 100)))}\u00a0%"
    terms = _terms(pick)
    similar = pick.similar_paper
    hidden = similar is not None and similar.owner_id is not None and not name_private
    return PickReason(
        terms=terms,
        like=short_title(similar.title) if similar and not hidden else "",
        like_private=hidden,
        match=f"{chance} match" if chance else "",
        label=EXPLORATION if pick.explored else "",
        interest=crop(one_line(pick.interest), 40) if interests > 1 else "",
        against=_against(pick) if terms or pick.similar_paper else (),
    )


def _against(pick: Pick) -> tuple[str, ...]:
    """Select the terms that lowered the score noticeably and name a topic."""
    table = term_table()
    return tuple(
        _term(one.term)
        for one in pick.negative_terms
        if one.weight <= -LEAST_AGAINST and table.is_particular(one.term)
    )[:TERMS_SHOWN]


def _terms(pick: Pick) -> tuple[str, ...]:
    """Return the terms chosen to be shown; for an old edition without them, the strongest."""
    if pick.shown_terms is not None:
        return tuple(_term(term) for term in pick.shown_terms[:TERMS_SHOWN])
    strong = [one.term for one in pick.positive_terms if one.weight > 0]
    phrases = _phrases(pick.paper.title, frozenset(strong))
    told: list[str] = []
    for name in strong:
        term = _term(phrases.get(name, name))
        if term not in "\n".join(told):
            told.append(term)
    return tuple(told[:TERMS_SHOWN])


def _phrases(title: str, terms: frozenset[str]) -> dict[str, str]:
    """Find, for each of these terms with a neighbour in the title, their joint phrase.

    One short word may be between two of them: *mixture of experts*.
    """
    found: dict[str, str] = {}
    run: list[tuple[str, int, int]] = []
    end, joined = 0, False  # the next position of the phrase, and whether a short word was skipped
    for word, start, stop in (*_title_words(title), ("", len(title), len(title))):
        near = bool(run) and not title[end:start].strip(" -")
        if near and word in _JOINING and not joined:
            end, joined = stop, True
            continue
        if not near or word not in terms:
            if len(run) > 1:
                phrase = title[run[0][1] : run[-1][2]].lower()
                found |= {term: phrase for term, _, _ in run if term not in found}
            run = []
        if word in terms:
            run.append((word, start, stop))
            end, joined = stop, False
    return found


@lru_cache(4096)
def _title_words(title: str) -> tuple[tuple[str, int, int], ...]:
    """Return the words of a title in lower case with their start and end."""
    return tuple((found[0].lower(), *found.span()) for found in _TITLE_WORD.finditer(title))


@lru_cache(4096)
def _term(term: str) -> str:
    return crop(one_line(term), LONGEST_TERM)
