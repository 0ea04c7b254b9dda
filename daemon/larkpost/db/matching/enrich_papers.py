"""Enriches stored papers with metadata: identifiers, links, authors, dates; adds no papers.

A wrong match is worse than none, so this is stricter than ingesting a dump: each rule states its
difference from ``larkpost.db.matching.paper_upsert``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, exists, func, select

from larkpost.db import schema
from larkpost.db.matching.comparison.abstract_rules import is_withdrawal_notice
from larkpost.db.matching.comparison.compared_text import ComparedText, similarity
from larkpost.db.matching.comparison.duplicate_rules import (
    LOOSE,
    MatchRule,
    akin,
    alike,
    conflicting,
)
from larkpost.db.matching.merge_log import RecordOrigin
from larkpost.db.matching.merge_texts import (
    date_new_link,
    further_links,
    rename,
    unite_keywords,
    with_url,
)
from larkpost.db.matching.paper_matcher import KnownPaper, PaperMatcher, PlacedRecord, sharing
from larkpost.db.matching.paper_query import PaperQuery, make_query
from larkpost.db.matching.paper_upsert import lay_out, take_turns, write
from larkpost.db.paper_rows import PUBLIC
from larkpost.db.value_batches import gather
from larkpost.domain import Identifier, Paper, PaperRecord
from larkpost.text.minhash import sketch, squeeze, title_key

# A paper is listed after its publication; two days allow for time zones and for a dump's day.
_EARLY = timedelta(days=2)
_CONFIRMED = 0.75  # similarity of two abstracts; unrelated ones reach about 0.45
_LINKED = ("arxiv", "doi", "url")  # schemes of identifiers with a link


class MatchResult(StrEnum):
    """The outcome of a record."""

    ENRICHED = "enriched"
    COMPLETE = "complete"  # its paper has all of its data already
    UNSURE = "unsure"  # only the title or only the abstract matches a stored paper
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MatchedRecord:
    """The outcome of a record, and the id of its paper; 0 if it matches none.

    ``gained_link``: the paper had no link of its own before, and has one now.
    """

    match: MatchResult
    paper_id: int = 0
    gained_link: bool = False


@dataclass(frozen=True, slots=True)
class KnownPapers:
    """The lookup keys of stored papers, in memory: identifiers, title keys, sketch numbers.

    ``by_hash`` has the ids of the papers without an arXiv id by sketch number; the others are found
    by that id.
    """

    names: frozenset[tuple[str, str]]
    keys: frozenset[str]
    by_hash: Mapping[int, Sequence[int]]

    def may_hold(self, title: str, abstract: str, names: Iterable[Identifier]) -> bool:
        """Return whether a record may match a stored paper; only then is the database queried."""
        if any((name.scheme, name.value) in self.names for name in names):
            return True
        if title_key(title) in self.keys:
            return True
        return bool(self.by_hash and sharing(sketch(title, abstract), self.by_hash))


def read_known(connection: Connection) -> KnownPapers:
    """Read the lookup keys of the public papers."""
    paper, name, number = schema.paper.c, schema.identifier, schema.minhash
    named = select(name.c.scheme, name.c.value).where(name.c.scheme != "text")
    by_arxiv = exists().where(name.c.paper_id == paper.id, name.c.scheme == "arxiv")
    hashes = (
        select(number.c.hash, number.c.paper_id)
        .join(schema.paper, paper.id == number.c.paper_id)
        .where(PUBLIC, ~by_arxiv)
    )
    return KnownPapers(
        frozenset((row.scheme, row.value) for row in connection.execute(named)),
        frozenset(connection.execute(select(paper.title_key).where(PUBLIC)).scalars()),
        gather((row.hash, row.paper_id) for row in connection.execute(hashes)),
    )


def count_without_link(connection: Connection) -> int:
    """Count the public papers without a link of their own."""
    paper = schema.paper.c
    counted = select(func.count()).where(PUBLIC, paper.url.is_(None), ~paper.scheme.in_(_LINKED))
    return connection.execute(counted).scalar_one()


def enrich(
    connection: Connection,
    drafts: Sequence[PaperRecord],
    *,
    now: datetime,
    unsure: bool = False,
    dry_run: bool = False,
) -> list[MatchedRecord]:
    """Add the data of each draft to the paper that it matches; returns the outcomes in order.

    ``unsure`` also accepts matches by title or abstract alone, for drafts that are known to be the
    only ones. Nothing is written on a ``dry_run``.
    """
    if not dry_run:
        take_turns(connection)
    asked = [make_query(draft, now) for draft in drafts]
    matcher = lay_out(connection, asked, now, all_by_text=True)
    matched = [_place(matcher, one, unsure=unsure) for one in asked]
    if not dry_run:
        write(connection, matcher, RecordOrigin("enrich"))
    return matched


def _place(matcher: PaperMatcher, asked: PaperQuery, *, unsure: bool) -> MatchedRecord:
    at, sure = _find(matcher, asked)
    if at is None:
        return MatchedRecord(MatchResult.NONE)
    entry = matcher.entries[at]
    if not (sure or unsure):
        return MatchedRecord(MatchResult.UNSURE, entry.paper.id)
    had_link = _has_link(entry.paper)
    gained = _add_to(matcher, at, asked)
    if gained:
        entry.placed.append(PlacedRecord(asked, MatchRule.METADATA))
    gained_link = _has_link(entry.paper) and not had_link
    return MatchedRecord(
        MatchResult.ENRICHED if gained else MatchResult.COMPLETE, entry.paper.id, gained_link
    )


def _has_link(paper: Paper) -> bool:
    """Whether a paper has a link of its own, as ``count_without_link`` counts."""
    return paper.url is not None or paper.identifier.scheme in _LINKED


def _find(matcher: PaperMatcher, asked: PaperQuery) -> tuple[int | None, bool]:
    """Find the entry that a draft matches, and whether the match is certain."""
    for name in asked.names:
        at = matcher.by_name.get(name)
        if at is None or matcher.is_decided_apart(at, asked):
            continue
        if _is_named(matcher.entries[at], name, asked):
            return at, True
    possible = (at for at in matcher.candidates(asked) if not matcher.is_decided_apart(at, asked))
    found = [at for at in possible if _is_alike(matcher.entries[at], asked)]
    confirmed = [at for at in found if _is_confirmed(matcher.entries[at], asked)]
    same = [at for at in confirmed if _has_title(matcher.entries[at], asked)]
    if same:
        return same[0], True
    in_time = [at for at in found if _is_in_time(matcher.entries[at].paper, asked.draft)]
    likely = confirmed or in_time
    return (likely[0] if len(likely) == 1 else None), False


def _is_named(entry: KnownPaper, name: Identifier, asked: PaperQuery) -> bool:
    """Whether an identifier is enough: an arXiv id is; DOIs in metadata are typed by authors.

    Ingest accepts a DOI even if a paper of the same series or another arXiv id has it as well.
    """
    if name.scheme in LOOSE:
        return False
    if name.scheme == "arxiv":
        return True
    return not conflicting(entry.names, asked.names) and akin(entry.paper, asked.draft)


def _is_alike(entry: KnownPaper, asked: PaperQuery) -> bool:
    """Whether the texts are those of one paper, by the rules of ingest.

    An edited title is accepted only if the abstracts confirm it, which is fast to check.
    """
    if conflicting(entry.names, asked.names):
        return False
    told = _has_title(entry, asked) or _is_confirmed(entry, asked)
    return told and alike(entry.paper, asked.draft)


def _has_title(entry: KnownPaper, asked: PaperQuery) -> bool:
    return title_key(entry.paper.title) == asked.key


def _is_confirmed(entry: KnownPaper, asked: PaperQuery) -> bool:
    """Whether the abstracts confirm a match of titles.

    Among a million papers several share even a long title and its subject, so a summary confirms
    nothing here.
    """
    mine, theirs = entry.paper.abstract, asked.draft.abstract
    if not (squeeze(mine) and squeeze(theirs)) or is_withdrawal_notice(theirs):
        return False
    return similarity(ComparedText(mine), ComparedText(theirs)) >= _CONFIRMED


def _is_in_time(paper: Paper, draft: PaperRecord) -> bool:
    return not draft.published or draft.published <= (paper.first_seen + _EARLY).date()


def _add_to(matcher: PaperMatcher, at: int, asked: PaperQuery) -> bool:
    """Add missing data of an entry from a draft; returns whether there was any."""
    entry, draft = matcher.entries[at], asked.draft
    gained = [name for name in asked.names if name.scheme != "text" and name not in matcher.by_name]
    matcher.add_names(at, gained)
    paper = rename(_supplement(entry.paper, draft), gained)
    paper = date_new_link(entry.paper, with_url(paper, entry.names), matcher.now)
    if paper.abstract != entry.paper.abstract:
        paper = replace(paper, updated=max(matcher.now, paper.updated))
        entry.reworded = True
    changed = paper != entry.paper
    entry.touched |= changed
    entry.paper = paper
    return changed or bool(gained)


def _supplement(paper: Paper, draft: PaperRecord) -> Paper:
    """Fill in a paper's missing data; existing data stay, except for a longer list of authors.

    Title, text, votes and times stay as in the dump. An abstract is added if there is none.
    Categories are not merged: existing ones come from the paper's own source.
    """
    url = paper.url or draft.url
    more_authors = len(draft.authors) > len(paper.authors)
    return replace(
        paper,
        abstract=paper.abstract if squeeze(paper.abstract) else draft.abstract or paper.abstract,
        authors=draft.authors if more_authors else paper.authors,
        categories=paper.categories or tuple(dict.fromkeys(draft.categories)),
        published=paper.published or draft.published,
        url=url,
        organisation=paper.organisation or draft.organisation,
        links=further_links(url, paper.links + draft.links),
        keywords=paper.keywords or unite_keywords((), draft.keywords),
        comment=paper.comment or draft.comment,
        journal_ref=paper.journal_ref or draft.journal_ref,
        thumbnail=paper.thumbnail or draft.thumbnail,
    )
