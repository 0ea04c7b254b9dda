"""Decides whether two records are the same paper, and by which rule."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from larkpost.db.matching.abstract_rules import is_withdrawal_notice, same_subject, similarity
from larkpost.db.matching.title_rules import TitleRelation, compare_titles, is_generic
from larkpost.db.search.tokenize import stems
from larkpost.domain import Identifier, Paper, PaperRecord
from larkpost.text.markup import has_html
from larkpost.text.minhash import resemblance, squeeze

# Schemes of which one paper may have several identifiers; in any other, two mean two papers.
LOOSE = frozenset({"url", "text"})

# The least letters of a title that identifies a paper. Of 35,456 papers announced on arXiv from
# March 2025 to January 2026, 35,243 have such a long title, and six pairs share one: in each the
# same work was filed twice. "Erratum" and "Editorial" are shorter.
_LONG_TITLE = 25
# Abstracts with fewer letters are too short to outweigh a title.
_SUBSTANTIAL = 120
_LONG = 300
_BEGINNING, _BEGINNING_LETTERS = 400, 60  # characters, and letters of them
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


def alike(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a draft matches this paper by its text; see ``text_rule``."""
    return text_rule(paper, draft) is not None


def text_rule(paper: Paper, draft: PaperRecord) -> MatchRule | None:
    """Return the rule by which a draft is this paper: reformatted, cut, withdrawn or edited.

    None if it is another paper. Case, line breaks, LaTeX and joined words do not count; one edited
    sentence or one corrected title is an edit. A shared beginning of the titles, or one short title
    such as "Erratum" over different abstracts, is not enough, and sibling titles are different
    papers.
    """
    if not (_near_title(paper, draft) or _same_beginning(paper.abstract, draft.abstract)):
        return None  # no rule matches most pairs that share a phrase
    relation = compare_titles(paper.title, draft.title)
    if relation is TitleRelation.SIBLING or _own_words(paper, draft):
        return None
    if is_withdrawal_notice(paper.abstract) or is_withdrawal_notice(draft.abstract):
        same = relation is TitleRelation.SAME and _long_title(paper, draft)
        return MatchRule.WITHDRAWN if same else None
    if not (squeeze(paper.abstract) and squeeze(draft.abstract)):
        return MatchRule.TITLE if _is_title_enough(paper, draft) else None
    return _same_text(paper, draft, relation)


def _is_title_enough(paper: Paper, draft: PaperRecord) -> bool:
    """Whether titles alone, one of them without abstract, identify one paper.

    A short one is enough if it names the paper's subject ("Qwen3 Technical Report", not "Erratum"),
    within the time in which a digest mail without abstracts and the page arrive.
    """
    if _long_title(paper, draft):
        return resemblance(paper.title, draft.title) >= 0.95
    if squeeze(paper.title) != squeeze(draft.title) or is_generic(paper.title):
        return False
    seen = draft.first_seen or paper.first_seen
    return abs(seen - paper.first_seen) <= _SAME_WEEK


def _long_title(paper: Paper, draft: PaperRecord) -> bool:
    return min(len(squeeze(paper.title)), len(squeeze(draft.title))) >= _LONG_TITLE


def _own_words(paper: Paper, draft: PaperRecord) -> bool:
    """Whether each title has a word that its own abstract has and the other paper lacks.

    For example Iceland and Ireland. A misspelt word does not count: its abstract spells it right.
    """
    old, new = set(stems(paper.title)), set(stems(draft.title))
    if old <= new or new <= old:
        return False
    mine, theirs = set(stems(paper.abstract)), set(stems(draft.abstract))
    return not (old - new).isdisjoint(mine - theirs) and not (new - old).isdisjoint(theirs - mine)


def _same_text(paper: Paper, draft: PaperRecord, relation: TitleRelation) -> MatchRule | None:
    """Compare title and abstract: the vaguer the titles, the closer the abstracts must be."""
    shared = similarity(paper.abstract, draft.abstract)
    if relation is TitleRelation.SAME:
        if shared >= (0.6 if _long_title(paper, draft) else 0.75):
            return MatchRule.TITLE_AND_ABSTRACT
        told = _long_title(paper, draft) and same_subject(
            paper.title, paper.abstract, draft.abstract
        )
        return MatchRule.TITLE_AND_SUBJECT if told else None
    length = min(len(squeeze(paper.abstract)), len(squeeze(draft.abstract)))
    edited = relation is TitleRelation.EDITED and length >= _SUBSTANTIAL and shared >= 0.75
    if edited and _near_title(paper, draft):
        return MatchRule.EDITED_TITLE
    return MatchRule.ABSTRACT if length >= _LONG and shared == 1 else None


def _near_title(paper: Paper, draft: PaperRecord) -> bool:
    """Whether titles differ little, or by words before or after: a name, a subtitle."""
    short, long = sorted((squeeze(paper.title), squeeze(draft.title)), key=len)
    return long.startswith(short) or long.endswith(short) or resemblance(short, long) >= 0.8


def _same_beginning(a: str, b: str) -> bool:
    """Whether two abstracts may be equal letter by letter, up to the shorter length."""
    begin, other = (squeeze(one[:_BEGINNING])[:_BEGINNING_LETTERS] for one in (a, b))
    return begin == other or has_html(a[:_BEGINNING]) or has_html(b[:_BEGINNING])


def akin(paper: Paper, draft: PaperRecord) -> bool:
    """Whether a draft with a paper's URL can be that paper: some pages list many."""
    if compare_titles(paper.title, draft.title) is TitleRelation.SIBLING:
        return False
    if resemblance(paper.title, draft.title) >= 0.6:
        return True
    return bool(draft.abstract) and resemblance(paper.abstract, draft.abstract) >= 0.6
