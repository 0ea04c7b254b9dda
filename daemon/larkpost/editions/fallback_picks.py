"""Picks papers if training failed: by interest words, then trending, then new."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from larkpost.domain import Interest, Paper, Pick, Reader, TermWeight
from larkpost.text.stemming import stem_words
from larkpost.text.unverified import is_unverified

NOTE = (
    "Your thumbs could not be used today, but they are not lost. These papers were picked by the"
    " words of your interests, by what other readers like, and by date."
)

_WORD = re.compile(r"[^\W_]+")


class _InterestMatch(NamedTuple):
    """A paper, the interest that names most of its words, and those words."""

    paper: Paper
    interest: Interest
    words: tuple[str, ...]


def choose(
    reader: Reader,
    candidates: Sequence[Paper],
    spent: Collection[int],
    hot: Sequence[int],
    limit: int,
) -> tuple[Pick, ...]:
    """Return the reader's picks, best first, without model, taste or votes.

    ``spent`` are the ids of papers to leave out, ``hot`` those of the trending ones, hottest first.
    Thresholds do not apply, because chances are unknown.
    """
    heat = {paper_id: place for place, paper_id in enumerate(hot)}

    def place(found: _InterestMatch) -> tuple[int, int, float, int]:
        paper, cool = found.paper, heat.get(found.paper.id, len(heat))
        return -len(found.words), cool, -paper.first_seen.timestamp(), paper.id

    left = (_match_interest(reader, paper) for paper in candidates if paper.id not in spent)
    best = list(_without_twins(sorted(left, key=place)))[:limit]
    return tuple(_pick(found, position) for position, found in enumerate(best, start=1))


def _match_interest(reader: Reader, paper: Paper) -> _InterestMatch:
    named = [
        _InterestMatch(
            paper, interest, tuple(word for word in interest.words if _speaks_of(paper, word))
        )
        for interest in reader.interests
    ]
    return max(named, key=lambda found: len(found.words))


def _speaks_of(paper: Paper, word: str) -> bool:
    """Return whether a paper contains a word or phrase, in any form, or is in that category."""
    if word.casefold() in {category.casefold() for category in paper.categories}:
        return True
    if not word.isascii():  # scripts without spaces have no words to compare
        return word.casefold() in paper.text.casefold()
    return _stem_text(word) in _stem_text(paper.text)


@lru_cache(maxsize=4096)  # the same papers serve every reader of a batch
def _stem_text(text: str) -> str:
    """Return the stems of a text between spaces, so that one text can be searched in another."""
    return f" {' '.join(stem_words(_WORD.findall(text.casefold())))} "


def _without_twins(ranked: Sequence[_InterestMatch]) -> Iterator[_InterestMatch]:
    """Yield the first paper of each title; a verified one if there is any (``text.unverified``).

    Otherwise the first of each source: a feed could hide a paper of another one by its title.
    """
    doubtful = {found.paper.id for found in ranked if is_unverified(found.paper)}
    verified = {_title(found.paper) for found in ranked if found.paper.id not in doubtful}
    seen: set[tuple[str, str]] = set()
    for found in ranked:
        is_doubtful = found.paper.id in doubtful
        title = _title(found.paper)
        twins = (title, found.paper.text_source if is_doubtful else "")
        if twins not in seen and not (is_doubtful and title in verified):
            seen.add(twins)
            yield found


def _title(paper: Paper) -> str:
    return " ".join(paper.title.casefold().split())


def _pick(found: _InterestMatch, position: int) -> Pick:
    return Pick(
        paper=found.paper,
        position=position,
        score=float(len(found.words)),
        probability=0.5,
        shown_terms=found.words,
        positive_terms=tuple(TermWeight(word, 1.0) for word in found.words),
        interest_id=found.interest.id,
        interest=found.interest.name if found.words else "",
        matches=bool(found.words),
    )
