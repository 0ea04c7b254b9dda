"""Compares papers with records within a budget: each pair once, each text prepared once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, TypeVar

from larkpost.db.matching.comparison.compared_text import ComparedText
from larkpost.db.matching.comparison.duplicate_rules import (
    MatchRule,
    TextPair,
    has_similar_text,
    make_pair,
    text_rule,
)
from larkpost.domain import Paper, PaperRecord

# Characters that are compared to match one record: twenty pairs of usual abstracts, or five pairs
# of the longest. The next candidates are ever less similar.
MOST_FOR_RECORD = 64_000
MOST_CANDIDATES = 20  # papers that are compared with a record
# In memory: characters of prepared texts, which with their words take ten times as much; results.
_MOST_HELD = 2_000_000
_MOST_RESULTS = 50_000

T = TypeVar("T")


class ComparedPair(NamedTuple):
    """The rule by which a draft is a paper, or None, and the characters that were compared."""

    rule: MatchRule | None
    characters: int


_PairKey = tuple[bytes, bytes, datetime, bytes, bytes, datetime | None]


class TextComparer:
    """Compares texts; the result of a pair is kept, since it depends on nothing else.

    ``characters`` counts what was really compared, without kept results and pairs that a glance
    rules out. So work done before a transaction need not be repeated in it.
    """

    def __init__(self) -> None:
        self.characters = 0
        self._texts: dict[str, ComparedText] = {}
        self._held = 0
        self._results: dict[_PairKey, ComparedPair] = {}

    def compare(self, paper: Paper, draft: PaperRecord) -> ComparedPair:
        """Compare as ``text_rule`` does; the cost of a kept result is that of its comparison."""
        pair = self._make_pair(paper, draft)
        key = _key(pair)
        if kept := self._results.get(key):
            return kept
        compared = ComparedPair(text_rule(pair), pair.characters)
        if pair.characters:
            self.characters += pair.characters
            if len(self._results) >= _MOST_RESULTS:
                self._results.clear()
            self._results[key] = compared
        return compared

    def first_match(
        self, known: Iterable[tuple[T, Paper]], draft: PaperRecord
    ) -> tuple[T, MatchRule] | None:
        """Return the key of the first of these papers that a draft is, and the rule.

        The search ends at ``MOST_FOR_RECORD`` characters: anybody can write any number of long
        texts under one title.
        """
        characters = 0
        for key, paper in known:
            compared = self.compare(paper, draft)
            if compared.rule:
                return key, compared.rule
            characters += compared.characters
            if characters >= MOST_FOR_RECORD:
                break
        return None

    def alike(self, paper: Paper, draft: PaperRecord) -> bool:
        """Return whether ``compare`` finds a rule."""
        return self.compare(paper, draft).rule is not None

    def akin(self, paper: Paper, draft: PaperRecord) -> bool:
        """Compare as ``duplicate_rules.akin`` does."""
        pair = self._make_pair(paper, draft)
        is_akin = has_similar_text(pair)
        self.characters += pair.characters
        return is_akin

    def _make_pair(self, paper: Paper, draft: PaperRecord) -> TextPair:
        if self._held >= _MOST_HELD:
            self._texts.clear()
            self._held = 0
        return make_pair(paper, draft, self._prepare)

    def _prepare(self, text: str) -> ComparedText:
        prepared = self._texts.get(text)
        if prepared is None:
            prepared = self._texts[text] = ComparedText(text)
            self._held += len(text)
        return prepared


def _key(pair: TextPair) -> _PairKey:
    """Return everything that ``text_rule`` reads of a pair."""
    old = pair.old_title.digest, pair.old_abstract.digest, pair.paper.first_seen
    return (*old, pair.new_title.digest, pair.new_abstract.digest, pair.draft.first_seen)
