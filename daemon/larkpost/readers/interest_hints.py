"""Finds the words of a reader's interests that match no paper in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from larkpost import logs
from larkpost.db.search import find
from larkpost.editions.model_cache import fresh_space
from larkpost.log_events import LogEvent
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ranking import TextSpace, TfidfRanker

log = logs.get_logger(__name__)

# Each word is compared with all words of the model, and searched with those near it: a page with
# 6,000 invented words took 15 seconds, and kept all other pages waiting.
MOST_TOLD = 12


class UnmatchedWord(NamedTuple):
    """A ``word`` of an interest's ``phrase`` without effect, and the closest words with one.

    ``papers`` counts those that contain it: so many that it distinguishes none, or only one.
    """

    word: str
    phrase: str
    near: tuple[str, ...]
    papers: int


def find_unmatched_words(
    store: Store, space: Callable[[], TextSpace], phrases: Iterable[str]
) -> list[UnmatchedWord]:
    """List the first ``MOST_TOLD`` words of these phrases that match nothing in the model.

    That is no term and no category. Empty while there are no papers. If there is no ``space``,
    this is logged: it must not keep a reader from saving their words.
    """
    asked = list(dict.fromkeys(phrases))
    if not asked:
        return []
    try:
        known = space()
    except Exception:  # the words are saved already; only the hints are missing
        log.warning(LogEvent.INTEREST_UNCHECKED, exc_info=True)
        return []
    if not known.vocabulary:
        return []
    unmatched = chain.from_iterable(map(known.lexicon.find_unmatched, asked))
    found = list(islice(unmatched, MOST_TOLD))
    # Private papers are in the model, but must not be revealed to others.
    nearby = {near for one in found for near in one.near if near not in known.categories}
    counts = _papers_with(store, {one.word for one in found} | nearby)
    return [
        UnmatchedWord(
            one.word,
            one.phrase,
            tuple(near for near in one.near if counts.get(near, 1)),
            counts[one.word],
        )
        for one in found
    ]


def check_words(
    store: Store, ranker: TfidfRanker, phrases: Iterable[str], *, now: datetime
) -> list[UnmatchedWord]:
    """List the words that match nothing in the newest model, which is fitted if necessary."""
    return find_unmatched_words(store, lambda: fresh_space(store, ranker, now=now), phrases)


def describe(one: UnmatchedWord) -> str:
    """Describe the problem of a word and the remedy, in a sentence without a full stop."""
    where = f" (of “{one.phrase}”)" if one.phrase != one.word else ""
    if one.papers > 1:
        papers = quantity(one.papers, "paper")
        return f"“{one.word}”{where} is in {papers}, too many to help choose"
    if one.papers == 1:
        return f"“{one.word}”{where} is in one paper only, too few to learn from"
    near = f"; near it are: {', '.join(one.near)}" if one.near else ""
    return f"“{one.word}”{where} matches no paper here yet{near}"


def _papers_with(store: Store, words: Iterable[str]) -> dict[str, int]:
    """Count the papers that the search finds for each word."""
    with store.read() as connection:
        return {word: find.count(connection, find.parse(f'"{word}"')) for word in words}
