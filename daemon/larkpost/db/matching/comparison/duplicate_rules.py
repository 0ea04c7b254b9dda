"""Decides whether two records are the same paper, and by which rule."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from larkpost.db.matching.comparison.compared_text import (
    MOST_COMPARED,
    ComparedText,
    compare_beginnings,
    has_same_letters,
    same_subject,
    similarity,
)
from larkpost.db.matching.comparison.title_rules import TitleRelation, compare_titles, is_generic
from larkpost.domain import Identifier, Paper, PaperRecord

# Schemes of which one paper may have several identifiers; in any other, two mean two papers.
LOOSE = frozenset({"url", "text"})

# The least letters of a title that identifies a paper. Of 35,456 papers announced on arXiv from
# March 2025 to January 2026, 35,243 have such a long title, and six pairs share one: in each the
# same work was filed twice. "Erratum" and "Editorial" are shorter.
_LONG_TITLE = 25
# Abstracts with fewer letters are too short to outweigh a title.
_SUBSTANTIAL = 120
_LONG = 300
# A shorter title without abstract identifies a paper for this time: a week's mail and page.
_SAME_WEEK = timedelta(days=14)


class MatchRule(StrEnum):
    """The rule by which a record is matched to a paper."""

    FIRST = "first"  # the record created the paper
    ARXIV = "arxiv"
    DOI = "doi"
    ID = "id"  # an identifier of another scheme
    LINK = "link"  # the same address, and similar texts
    TEXT = "text"  # the same title and abstract, except for typesetting
    WITHDRAWN = "withdrawn"  # the same title; one has a withdrawal notice in place of an abstract
    TITLE = "title"  # the same title; one has no abstract
    TITLE_AND_ABSTRACT = "title-abstract"
    TITLE_AND_SUBJECT = "title-subject"  # the same title, an abstract and its summary
    EDITED_TITLE = "edited-title"  # similar abstracts, nearly equal titles
    ABSTRACT = "abstract"
    SHARED_NAMES = "shared-names"  # a record has identifiers of both, and their texts are similar
    METADATA = "metadata"  # `larkpost enrich`
    DECISION = "decision"  # merged by `larkpost papers merge`


def conflicting(mine: Collection[Identifier], theirs: Collection[Identifier]) -> bool:
    """Whether identifiers of one scheme (not ``url``, ``text``) show that these are two papers."""
    for scheme in {name.scheme for name in mine} - LOOSE:
        others = {name for name in theirs if name.scheme == scheme}
        if others and others.isdisjoint(mine):
            return True
    return False


@dataclass(slots=True)
class TextPair:
    """The texts of a paper and of a draft, to be compared.

    ``characters`` counts those that were compared so far: the cost of the comparison. It depends
    only on the texts; a pair that a glance rules out costs nothing.
    """

    paper: Paper
    draft: PaperRecord
    old_title: ComparedText
    new_title: ComparedText
    old_abstract: ComparedText
    new_abstract: ComparedText
    characters: int = 0

    def count(self, *texts: str) -> None:
        """Count texts that are compared letter by letter or word by word."""
        self.characters += sum(min(len(text), MOST_COMPARED) for text in texts)


def make_pair(
    paper: Paper, draft: PaperRecord, prepare: Callable[[str], ComparedText] = ComparedText
) -> TextPair:
    """Prepare the texts of a paper and a draft with ``prepare``, which may know them already."""
    old = prepare(paper.title), prepare(paper.abstract)
    new = prepare(draft.title), prepare(draft.abstract)
    return TextPair(paper, draft, old[0], new[0], old[1], new[1])


def alike(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a draft matches this paper by its text; see ``text_rule``."""
    return text_rule(make_pair(paper, draft)) is not None


def text_rule(pair: TextPair) -> MatchRule | None:
    """Return the rule by which a draft is this paper: reformatted, cut, withdrawn or edited.

    None if it is another paper. Case, line breaks, LaTeX and joined words do not count; one edited
    sentence or one corrected title is an edit. A shared beginning of the titles, or one short title
    such as "Erratum" over different abstracts, is not enough, and sibling titles are different
    papers.
    """
    if not (_near_title(pair) or has_same_letters(pair.old_abstract, pair.new_abstract)):
        return None  # every rule needs one of both, and most pairs that share a phrase have neither
    relation = _relate_titles(pair)
    if relation is TitleRelation.SIBLING or _own_words(pair):
        return None
    if pair.old_abstract.is_notice or pair.new_abstract.is_notice:
        same = relation is TitleRelation.SAME and _long_title(pair)
        return MatchRule.WITHDRAWN if same else None
    if not (pair.old_abstract.letters and pair.new_abstract.letters):
        return MatchRule.TITLE if _is_title_enough(pair) else None
    return _same_text(pair, relation)


def _relate_titles(pair: TextPair) -> TitleRelation:
    if pair.old_title.letters == pair.new_title.letters:
        return TitleRelation.SAME
    pair.count(pair.old_title.text, pair.new_title.text)
    return compare_titles(pair.old_title.text, pair.new_title.text)


def _is_title_enough(pair: TextPair) -> bool:
    """Whether titles alone, one of them without abstract, identify one paper.

    A short one is enough if it names the paper's subject ("Qwen3 Technical Report", not "Erratum"),
    within the time in which a digest mail without abstracts and the page arrive.
    """
    old, new = pair.old_title.letters, pair.new_title.letters
    if _long_title(pair):
        return compare_beginnings(old, new, at_least=0.95) >= 0.95
    if old != new or is_generic(pair.old_title.text):
        return False
    seen = pair.draft.first_seen or pair.paper.first_seen
    return abs(seen - pair.paper.first_seen) <= _SAME_WEEK


def _long_title(pair: TextPair) -> bool:
    return min(len(pair.old_title.letters), len(pair.new_title.letters)) >= _LONG_TITLE


def _own_words(pair: TextPair) -> bool:
    """Whether each title has a word that its own abstract has and the other paper lacks.

    For example Iceland and Ireland. A misspelt word does not count: its abstract spells it right.
    """
    old, new = pair.old_title.stems, pair.new_title.stems
    if old <= new or new <= old:
        return False
    mine, theirs = pair.old_abstract.stems, pair.new_abstract.stems
    gone = any(stem in mine and stem not in theirs for stem in old - new)
    return gone and any(stem in theirs and stem not in mine for stem in new - old)


def _same_text(pair: TextPair, relation: TitleRelation) -> MatchRule | None:
    """Compare title and abstract: the vaguer the titles, the closer the abstracts must be."""
    if relation is TitleRelation.SAME:
        if _shares(pair, 0.6 if _long_title(pair) else 0.75):
            return MatchRule.TITLE_AND_ABSTRACT
        told = _long_title(pair) and same_subject(
            pair.old_title, pair.old_abstract, pair.new_abstract
        )
        return MatchRule.TITLE_AND_SUBJECT if told else None
    length = min(len(pair.old_abstract.letters), len(pair.new_abstract.letters))
    edited = relation is TitleRelation.EDITED and length >= _SUBSTANTIAL
    if edited and _near_title(pair) and _shares(pair, 0.75):
        return MatchRule.EDITED_TITLE
    equal = length >= _LONG and has_same_letters(pair.old_abstract, pair.new_abstract)
    return MatchRule.ABSTRACT if equal else None


def _shares(pair: TextPair, part: float) -> bool:
    """Whether the abstracts are at least so similar, 0 to 1."""
    old, new = pair.old_abstract, pair.new_abstract
    if has_same_letters(old, new):
        return True
    pair.count(old.complete_letters, new.complete_letters)
    return similarity(old, new, at_least=part) >= part


def _near_title(pair: TextPair) -> bool:
    """Whether titles differ little, or by words before or after: a name, a subtitle."""
    short, long = sorted((pair.old_title.letters, pair.new_title.letters), key=len)
    if long.startswith(short) or long.endswith(short):
        return True
    return compare_beginnings(short, long, at_least=0.8) >= 0.8


def akin(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a draft with a paper's URL can be that paper; see ``has_similar_text``."""
    return has_similar_text(make_pair(paper, draft))


def has_similar_text(pair: TextPair) -> bool:
    """Return whether a draft with a paper's URL can be that paper: some pages list many."""
    pair.count(pair.old_title.text, pair.new_title.text)
    if compare_titles(pair.old_title.text, pair.new_title.text) is TitleRelation.SIBLING:
        return False
    if compare_beginnings(pair.old_title.letters, pair.new_title.letters, at_least=0.6) >= 0.6:
        return True
    if not pair.new_abstract.text:
        return False
    old, new = pair.old_abstract.letters, pair.new_abstract.letters
    pair.count(old, new)
    return compare_beginnings(old, new, at_least=0.6) >= 0.6
