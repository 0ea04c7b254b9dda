"""Parses search queries: words, phrases, authors, days, exclusions."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from larkpost.db.search.tokenize import stems, words

# A longer query is cut, because each word needs a lookup.
LONGEST = 1_000  # characters
MOST_TERMS = 16
LONGEST_PHRASE = 32  # words
# Of all terms together. Each word of a phrase reads all its places in all papers: 16 phrases of "a
# a a …" took 1.3 seconds of the processor at 20,000 papers, and a page turn for 4.
MOST_WORDS = 48

_QUOTE = '"“”„«»'
_PIECE = re.compile(
    rf"(?P<minus>-)?(?:(?P<field>author|since|until):[ \t]?)?"
    rf"(?:[{_QUOTE}](?P<phrase>[^{_QUOTE}]*)[{_QUOTE}]?|(?P<bare>[^\s{_QUOTE}]+))",
    re.IGNORECASE,
)
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """Consecutive words: in an author's name as ``spelt``, in the text as ``stems``.

    Without stems only authors are searched.
    """

    spelt: tuple[str, ...]
    stems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A search query: wanted terms, excluded terms, first seen from ``since`` up to ``until``.

    ``unclear`` has the unparsed pieces as typed. An empty query means every paper.
    """

    wanted: tuple[SearchTerm, ...] = ()
    excluded: tuple[SearchTerm, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    unclear: tuple[str, ...] = ()

    @property
    def is_unreadable(self) -> bool:
        """Whether something was typed, but nothing of it could be parsed."""
        return bool(self.unclear) and self == Query(unclear=self.unclear)


def parse(text: str) -> Query:
    """Parse a query; every text is valid.

    ``sparse routing`` means both words in title, abstract or authors, in any form;
    ``"sparse routing"`` (or ``sparse-routing``) consecutive words; ``author:curie`` an author;
    ``since:2026-08-07`` and ``until:2026-08`` the days (UTC) between which the paper was first
    seen, both included (a month or year alone means all of it); ``-word``, ``-"a phrase"`` and
    ``-author:name`` exclude.
    """
    query = Query()
    for piece in _PIECE.finditer(text[:LONGEST]):
        query = _with(query, piece)
    return query


def _with(query: Query, piece: re.Match[str]) -> Query:
    said = piece["phrase"] if piece["phrase"] is not None else piece["bare"]
    field = (piece["field"] or "").lower()
    if field in {"since", "until"}:
        found = None if piece["minus"] else _within(query, field, said)
    else:
        found = _with_term(query, _term(said, field), excluded=bool(piece["minus"]))
    return found or replace(query, unclear=(*query.unclear, piece[0]))


def _with_term(query: Query, term: SearchTerm, *, excluded: bool) -> Query | None:
    if not term.spelt:
        return None
    said_before = term in (query.excluded if excluded else query.wanted)
    sizes = [len(one.spelt) for one in (*query.wanted, *query.excluded)]
    if said_before or len(sizes) >= MOST_TERMS or sum(sizes) + len(term.spelt) > MOST_WORDS:
        return query
    if excluded:
        return replace(query, excluded=(*query.excluded, term))
    return replace(query, wanted=(*query.wanted, term))


def _term(said: str, field: str) -> SearchTerm:
    spelt = tuple(words(said)[:LONGEST_PHRASE])
    return SearchTerm(spelt) if field else SearchTerm(spelt, tuple(stems(said)[:LONGEST_PHRASE]))


def _within(query: Query, field: str, said: str) -> Query | None:
    """Narrow the days; None if it is not a calendar day."""
    try:
        first, last = _days(said.strip())
    except ValueError:
        return None
    if field == "since":
        start = datetime.combine(first, time(), UTC)
        return replace(query, since=max(start, query.since or start))
    end = datetime.combine(last, time.max, UTC)
    return replace(query, until=min(end, query.until or end))


def _days(said: str) -> tuple[date, date]:
    """Return the first and last day of a date, month or year; raises ValueError."""
    match = _DATE.fullmatch(said)
    if match is None:
        raise ValueError(said)
    year, month, day = (int(part) if part else None for part in match.groups())
    first = date(year or 0, month or 1, day or 1)
    last_month = month or 12
    return first, date(first.year, last_month, day or monthrange(first.year, last_month)[1])
