"""Matches records to papers in memory: by identifier, by title, by near-duplicate text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from larkpost.db.matching.comparison.duplicate_rules import LOOSE, MatchRule, conflicting
from larkpost.db.matching.comparison.text_comparer import MOST_CANDIDATES, TextComparer
from larkpost.db.matching.match_decisions import MatchDecisions
from larkpost.db.matching.merge_texts import (
    date_new_link,
    further_links,
    merge,
    paper_of,
    rename,
    with_link,
    with_url,
)
from larkpost.db.matching.unverified_records import (
    unverified_names,
    with_judged_texts,
    without_unverified_facts,
)
from larkpost.db.matching.verified_texts import (
    has_other_abstract,
    is_another,
    is_better,
    is_of_other_source,
    is_shared,
    says_more,
)
from larkpost.domain import Identifier, Paper, PaperRecord
from larkpost.text.identifiers import find_identifier, paper_url
from larkpost.text.minhash import SKETCH
from larkpost.text.record_limits import MOST_NAMES
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.matching.paper_query import PaperQuery

COMMON = 200  # a shingle that this number of papers share is a common phrase
_NAME_RULES = {
    "arxiv": MatchRule.ARXIV,
    "doi": MatchRule.DOI,
    "url": MatchRule.LINK,
    "text": MatchRule.TEXT,
}


class MatchOutcome(StrEnum):
    """The outcome of matching a draft."""

    NEW = "new"
    UPDATED = "updated"
    KNOWN = "known"


class Match(NamedTuple):
    """The index of the entry that a draft matches, and the rule."""

    at: int
    rule: MatchRule


class PlacedRecord(NamedTuple):
    """A draft that was merged into a paper, and the rule."""

    query: PaperQuery
    rule: MatchRule


@dataclass(slots=True)
class KnownPaper:
    """A paper that drafts may match; id 0 until it is written.

    ``gained`` are identifiers to write. ``before`` is the stored paper, None if it is new.
    ``placed`` are the drafts merged into it, including the one that created it. ``lost`` are
    identifiers to delete. ``is_judged``: a reader has given it a thumb, and its texts are
    unverified or incomplete.
    """

    paper: Paper
    before: Paper | None = None
    names: set[Identifier] = field(default_factory=set)
    gained: list[Identifier] = field(default_factory=list)
    lost: list[Identifier] = field(default_factory=list)
    reworded: bool = False
    touched: bool = False
    placed: list[PlacedRecord] = field(default_factory=list)
    numbers: frozenset[int] | None = None  # numbers of its sketch, if known
    is_judged: bool = False

    @property
    def is_verified_now(self) -> bool:
        """Whether an authority's record was merged into a paper that only feeds listed before."""
        before = self.before.unverified if self.before else self.paper.unverified
        return bool(before & ~self.paper.unverified & Unverified.TITLE)


def sharing(numbers: frozenset[int], owners: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Count the sketch numbers that each owner shares, for owners that share enough."""
    owned = [those for number in numbers if (those := owners.get(number))]
    telling = [those for those in owned if len(those) <= COMMON]
    # Two of eight numbers exclude chance matches; for a text too short for two, one is enough.
    enough = min(2, len(numbers))
    if len(telling) < enough:
        return {}
    if enough == 2 and len(set().union(*telling)) == sum(map(len, telling)):
        return {}  # nobody shares two, as in nearly all calls; counting takes longer than this
    met = Counter(chain.from_iterable(telling))
    return {one: shared for one, shared in met.items() if shared >= enough}


def most_similar(met: Mapping[int, int], titled: Sequence[int]) -> list[int]:
    """Choose the owners to compare with a draft, most similar first.

    ``met`` is the result of ``sharing``; ``titled`` are the owners of the draft's title key.
    """
    if not (met or titled):
        return []
    counted = Counter(met)
    # A whole title weighs more than any part of a text, because withdrawal notices are all alike.
    counted.update(dict.fromkeys(titled[:COMMON], SKETCH))
    return [one for one, _ in counted.most_common(MOST_CANDIDATES)]


class PaperMatcher:
    """Entries, with three lookups: by identifier, by title key, by number of a sketch."""

    def __init__(
        self,
        entries: Iterable[KnownPaper],
        *,
        by_name: dict[Identifier, int],
        by_key: dict[str, list[int]],
        by_hash: dict[int, list[int]],
        now: datetime,
        decisions: MatchDecisions | None = None,
        comparer: TextComparer | None = None,
    ) -> None:
        self.entries = list(entries)
        self.by_name = by_name
        self.by_key = by_key
        self.by_hash = by_hash
        self.now = now
        self.decisions = decisions or MatchDecisions()
        self.comparer = comparer or TextComparer()
        self.shared: list[tuple[int, int]] = []  # pairs of entries with identifiers in one draft
        for name, at in by_name.items():
            self.entries[at].names.add(name)

    def place(self, asked: PaperQuery) -> tuple[KnownPaper, MatchOutcome]:
        """Merge a draft into its paper, or create a new one."""
        return self.put(asked, self.find(asked))

    def put(self, asked: PaperQuery, match: Match | None) -> tuple[KnownPaper, MatchOutcome]:
        """Merge a draft into the paper that ``find`` returned, or create a new one for None."""
        if not asked.is_unverified:
            self._take_names(asked, match.at if match else -1)
        elif match is None and all(name in self.by_name for name in asked.all_names):
            # Without a name of its own it would be a new paper each time that it is read.
            match = Match(self.by_name[asked.all_names[-1]], MatchRule.TEXT)
        if match is None:
            return self._add(asked), MatchOutcome.NEW
        owners = {self.by_name[name] for name in asked.names if name in self.by_name}
        if asked.is_unverified:
            owners.clear()  # else a feed could join papers, or move thumbs to other texts
        self.shared += [(match.at, at) for at in sorted(owners - {match.at})]
        return self.entries[match.at], self._merge(match, asked)

    def find(self, asked: PaperQuery) -> Match | None:
        """Find the entry that a draft matches: by identifier, else the most similar by text.

        Decisions of the operator come first.
        """
        for name in asked.all_names:
            if self._is_trusted(name, asked):
                return Match(self.by_name[name], _NAME_RULES.get(name.scheme, MatchRule.ID))
        for name in self.decisions.partners(asked.names):
            if name in self.by_name and not self.is_decided_apart(self.by_name[name], asked):
                return Match(self.by_name[name], MatchRule.DECISION)
        likely = (
            (at, self.entries[at].paper)
            for at in self.candidates(asked)
            if not self._is_apart(at, asked)
        )
        found = self.comparer.first_match(likely, asked.draft)
        return Match(*found) if found else None

    def _is_apart(self, at: int, asked: PaperQuery) -> bool:
        """Whether a draft is not this entry, however similar their texts are."""
        entry, draft = self.entries[at], asked.draft
        return (
            conflicting(entry.names, asked.names)
            or self.is_decided_apart(at, asked)
            or (is_of_other_source(entry.paper, draft) and self._is_switched(entry, draft))
        )

    def is_decided_apart(self, at: int, asked: PaperQuery) -> bool:
        """Return whether the operator decided that a draft is not this entry."""
        return self.decisions.forbid(asked.names, self.entries[at].names)

    def _is_trusted(self, name: Identifier, asked: PaperQuery) -> bool:
        """Whether an identifier of a draft identifies its paper: an arXiv id always does.

        Another one does if no other identifier contradicts it: authors of two papers may type one
        DOI. An address, or the text that the paper once had, counts if the texts are akin now: a
        feed may have put any papers' texts under one identifier of its own, one after another. Of a
        feed's paper, it is not enough for an authority's record: its title may begin as another's.
        """
        if name not in self.by_name or self.is_decided_apart(self.by_name[name], asked):
            return False
        known = self.entries[self.by_name[name]]
        if self._is_switched(known, asked.draft):
            return False
        if name.scheme == "arxiv":
            return True
        if conflicting(known.names, asked.names):
            return False
        return name.scheme not in LOOSE or self._has_text_of(known.paper, asked.draft)

    def _has_text_of(self, paper: Paper, draft: PaperRecord) -> bool:
        if is_better(paper, draft):
            return not is_another(paper, draft, self.comparer.alike)
        return self.comparer.akin(paper, draft)

    def _is_switched(self, known: KnownPaper, draft: PaperRecord) -> bool:
        """Whether a record has another text than an unverified one that stays.

        That is one that readers judged or that several feeds listed, or that of another feed. A
        feed may have put it, which may be any paper's, under the record's identifier.
        """
        paper = known.paper
        if not is_of_other_source(paper, draft):
            stays = known.is_judged or is_shared(paper)
            return stays and is_another(paper, draft, self.comparer.akin)
        stays = known.is_judged or bool(draft.uid)  # an import does not tell which have thumbs
        return says_more(paper, draft) or (stays and has_other_abstract(paper, draft))

    def candidates(self, asked: PaperQuery) -> Iterator[int]:
        """Return the entries whose texts are compared with a draft's, most similar first."""
        met = sharing(asked.numbers, self.by_hash)
        return iter(most_similar(met, self.by_key.get(asked.key, ())))

    def _add(self, asked: PaperQuery) -> KnownPaper:
        free = [name for name in asked.names if name not in self.by_name]
        if not free:  # every identifier is that of another paper
            free = [name for name in asked.all_names if name not in self.by_name]
        paper = with_url(paper_of(asked.draft, (free or asked.names)[0]), free)
        at, entry = len(self.entries), KnownPaper(paper)
        entry.placed.append(PlacedRecord(asked, MatchRule.FIRST))
        entry.numbers = asked.numbers
        self.entries.append(entry)
        self.add_names(at, free)
        self.by_key.setdefault(asked.key, []).append(at)
        for number in asked.numbers:
            self.by_hash.setdefault(number, []).append(at)
        return entry

    def _merge(self, match: Match, asked: PaperQuery) -> MatchOutcome:
        entry = self.entries[match.at]
        repeated = asked.text_name in entry.names
        gained = self._gained_names(entry, asked)
        self.add_names(match.at, gained)
        if is_better(entry.paper, asked.draft):
            self._remove_unverified_names(entry, asked)
        entry.placed.append(PlacedRecord(asked, match.rule))
        draft = self._without_link_of_another(match.at, asked.draft)
        named = rename(entry.paper, gained)
        draft = with_link(named, draft, self._linking_names(match.at, asked))
        draft = without_unverified_facts(entry.paper, draft)
        if entry.is_judged:
            draft = with_judged_texts(entry.paper, draft)
        merged = merge(named, draft, now=self.now, repeated=repeated)
        paper = with_url(merged.paper, entry.names)
        paper = date_new_link(entry.paper, paper, self.now)
        entry.touched |= paper != entry.paper
        entry.reworded |= merged.reworded
        if merged.reworded:
            entry.numbers = None
        entry.paper = paper
        told = merged.reworded or merged.enriched or any(name.scheme != "text" for name in gained)
        return MatchOutcome.UPDATED if told else MatchOutcome.KNOWN

    def _remove_unverified_names(self, entry: KnownPaper, asked: PaperQuery) -> None:
        """Remove the identifiers that an authority's first record of a paper does not have.

        A feed may have put the text under that of any paper, whose record would then replace it, or
        any text under the paper's. Their address stays among the links.
        """
        left = entry.names.difference(asked.names)
        for name in sorted(left, key=lambda one: (one.scheme == "text", one)):
            if len(entry.names) > 1:
                if name == entry.paper.identifier and (address := paper_url(None, [name])):
                    links = further_links(entry.paper.url, (*entry.paper.links, address))
                    entry.paper = replace(entry.paper, links=links)
                self._remove_name(entry, name)

    def _take_names(self, asked: PaperQuery, match: int) -> None:
        """Take an authority's identifiers from papers, but its match, that have another text.

        That of its text, because each further record with this text would be a new paper; the
        others from a text that readers judged.
        """
        for name in asked.names:
            if name.scheme == "url" or self.by_name.get(name, match) == match:
                continue
            known = self.entries[self.by_name[name]]
            has_other_text = self._is_switched(known, asked.draft)
            if name == asked.text_name:
                has_other_text = has_other_text or not self._has_text_of(known.paper, asked.draft)
            if has_other_text:
                self._remove_name(known, name)

    def _remove_name(self, entry: KnownPaper, name: Identifier) -> None:
        """Remove an identifier of a public paper; one without another gets a random one."""
        if entry.paper.owner_id is not None:
            return
        if len(entry.names) == 1:
            self.add_names(self.by_name[name], [Identifier("text", uuid4().hex[:16])])
        left = sorted(entry.names - {name}, key=lambda one: (one.scheme in LOOSE, one))
        del self.by_name[name]
        entry.names.remove(name)
        if name in entry.gained:
            entry.gained.remove(name)
        else:
            entry.lost.append(name)
        if entry.paper.identifier == name:
            entry.paper = replace(entry.paper, identifier=left[0])
            entry.touched = True

    def _gained_names(self, entry: KnownPaper, asked: PaperQuery) -> list[Identifier]:
        """List the identifiers that a record adds to its paper.

        An unverified record adds none if its text is another, and fewer than a verified one.
        """
        gained = [name for name in asked.names if name not in self.by_name]
        if asked.is_unverified:
            return unverified_names(entry.paper, entry.names, asked.draft, gained)
        return gained

    def _linking_names(self, at: int, asked: PaperQuery) -> Iterator[Identifier]:
        """Yield a record's identifiers but arXiv ids and DOIs of other papers."""
        for name in asked.names:
            if name.scheme == "url" or self.by_name.get(name) == at:
                yield name

    def _without_link_of_another(self, at: int, draft: PaperRecord) -> PaperRecord:
        """Leave out an address that identifies another paper since the two were split."""
        name = find_identifier(draft.url) if draft.url else None
        if name is None or name.scheme in LOOSE or self.by_name.get(name, at) == at:
            return draft
        return replace(draft, url=None)

    def add_names(self, at: int, names: Iterable[Identifier]) -> None:
        """Add identifiers to an entry that no entry has; at most 200 to one entry."""
        entry = self.entries[at]
        for name in names:
            if len(entry.names) >= MOST_NAMES:
                return
            self.by_name[name] = at
            entry.names.add(name)
            entry.gained.append(name)
