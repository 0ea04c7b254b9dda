"""Makes a paper of a record, and merges further ones: the best value of each field."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from uuid import NAMESPACE_URL, UUID, uuid5

from larkpost.db.matching.comparison.abstract_rules import best_abstract, is_cut
from larkpost.db.matching.comparison.duplicate_rules import LOOSE
from larkpost.db.matching.comparison.title_rules import better_set, is_cut_title
from larkpost.db.matching.unverified_records import without_unverified_claims
from larkpost.db.matching.verified_texts import (
    choose_abstract,
    choose_authors,
    choose_title,
    choose_url,
    is_better,
    is_lesser,
    is_withdrawn,
    link_in,
    link_of,
    mark_unverified,
    takes_over,
)
from larkpost.domain import Identifier, Paper, PaperRecord
from larkpost.text.identifiers import find_identifier, paper_url
from larkpost.text.markup import has_html
from larkpost.text.minhash import squeeze
from larkpost.text.record_limits import CATEGORIES, KEYWORDS
from larkpost.text.unverified import Unverified, is_unverified

_NAMESPACE = uuid5(NAMESPACE_URL, "https://larkpost.invalid/paper")
MOST_LINKS = 20
_MOST_NEW_VERSIONS = 20  # of a paper between two of its records


@dataclass(frozen=True, slots=True)
class MergedPaper:
    """A paper after a merge.

    ``reworded``: title or abstract changed; ``enriched``: authors, categories, a date, an
    organisation, a link, a keyword, a comment, a journal or its withdrawal was added.
    """

    paper: Paper
    reworded: bool
    enriched: bool


def merge(
    paper: Paper, draft: PaperRecord, *, now: datetime, repeated: bool = False
) -> MergedPaper:
    """Merge a paper with a draft of it.

    ``updated`` changes only when the wording of title or abstract changes; the matcher also changes
    it when the paper gets a link. A withdrawal is final, because other pages keep listing the old
    text. Upvotes only grow: the highest count is the latest. ``repeated``: the same text was read
    before, so it is not newer; otherwise two differing pages would reword the paper every day. Of
    an unverified record less is taken (``db.matching.verified_texts``).
    """
    if takes_over(paper, draft):
        return MergedPaper(_begin_anew(paper, draft, now), reworded=True, enriched=True)
    before = paper
    paper, draft = without_unverified_claims(paper, draft), _with_likely_version(paper, draft)
    seen = _first_seen(paper, draft, now)
    version = _is_newer_version(paper, draft)
    later = (seen >= (paper.text_seen or paper.first_seen)) if version is None else version
    later = later and not repeated and not is_lesser(paper, draft)
    best_title = _best_title(paper.title, draft.title, later=later, newer=version)
    title = choose_title(paper, draft, best_title)
    best = best_abstract(paper.abstract, draft.abstract, later=later, newer=version)
    abstract = choose_abstract(paper, draft, best)
    reworded = _is_reworded(before, title, abstract)
    url = choose_url(paper, draft)
    merged = replace(
        paper,
        title=title,
        abstract=abstract,
        updated=max(now, paper.updated) if reworded else paper.updated,
        first_seen=min(paper.first_seen, seen),
        authors=choose_authors(paper, draft, _best_authors(paper.authors, draft.authors)),
        categories=tuple(dict.fromkeys(paper.categories + draft.categories))[: CATEGORIES.most],
        published=paper.published or draft.published,
        url=url,
        upvotes=max((n for n in (paper.upvotes, draft.upvotes) if n is not None), default=None),
        organisation=paper.organisation or draft.organisation,
        links=further_links(url, (*paper.links, *_own_links(paper, draft, url), *draft.links)),
        withdrawn=is_withdrawn(paper, draft),
        keywords=unite_keywords(paper.keywords, draft.keywords),
        comment=(later and draft.comment) or paper.comment or draft.comment,
        journal_ref=(later and draft.journal_ref) or paper.journal_ref or draft.journal_ref,
        thumbnail=paper.thumbnail or draft.thumbnail,
        version=draft.version if version else paper.version,
        text_seen=_text_seen(paper, seen, later=later),
    )
    merged = mark_unverified(paper, draft, merged)
    return MergedPaper(merged, reworded=reworded, enriched=_facts(merged) != _facts(paper))


def _is_reworded(before: Paper, title: str, abstract: str) -> bool:
    pairs = (before.title, title), (before.abstract, abstract)
    return any(squeeze(old) != squeeze(new) for old, new in pairs)


def _begin_anew(paper: Paper, draft: PaperRecord, now: datetime) -> Paper:
    """Keep nothing but the number and names of a paper that an authority takes over."""
    fresh = paper_of(draft, paper.identifier)
    return replace(fresh, id=paper.id, uid=paper.uid, updated=max(now, paper.updated))


def _with_likely_version(paper: Paper, draft: PaperRecord) -> PaperRecord:
    """Leave out a version that is far from the known one: it would outlast every real one."""
    if paper.version and draft.version and draft.version > paper.version + _MOST_NEW_VERSIONS:
        return replace(draft, version=None)
    return draft


def _first_seen(paper: Paper, draft: PaperRecord, now: datetime) -> datetime:
    """Return when a record was first seen; an unverified one is not earlier than a verified one."""
    seen = draft.first_seen or now
    return max(seen, paper.first_seen) if is_lesser(paper, draft) else seen


def _is_newer_version(paper: Paper, draft: PaperRecord) -> bool | None:
    """Return whether the draft's text is newer by arXiv's versions; None if unknown.

    A text with a known version comes from arXiv, and other pages follow arXiv.
    """
    whole = bool(draft.abstract) and not is_cut(draft.abstract)
    before, after = paper.version or 0, (draft.version or 0) if whole else 0
    return None if before == after else after > before


def _text_seen(paper: Paper, seen: datetime, *, later: bool) -> datetime | None:
    """Return when the latest text was seen.

    None means ``first_seen``, for a paper that was read once.
    """
    latest = max(seen, paper.text_seen or paper.first_seen) if later else paper.text_seen
    if latest is None and seen < paper.first_seen:
        latest = paper.first_seen
    return None if latest == min(paper.first_seen, seen) else latest


def further_links(url: str | None, links: Collection[str]) -> tuple[str, ...]:
    """Return the first 20 of these links other than ``url``, each once."""
    return tuple(link for link in dict.fromkeys(links) if link != url)[:MOST_LINKS]


def unite_keywords(known: Collection[str], told: Collection[str]) -> tuple[str, ...]:
    """Return the first 50 of these keywords, each once regardless of case."""
    first: dict[str, str] = {}
    for word in (*known, *told):
        first.setdefault(word.casefold(), word)
    return tuple(first.values())[: KEYWORDS.most]


def _own_links(paper: Paper, draft: PaperRecord, url: str | None) -> Iterator[str]:
    """Yield the addresses whose target differs from that of ``url``: a DOI, not a mirror."""
    for one in (paper.url, draft.url):
        if one and one != url and find_identifier(one) not in _targets(paper, url):
            yield one


def _targets(paper: Paper, url: str | None) -> set[Identifier | None]:
    return {find_identifier(url) if url else None, paper.identifier}


def _best_authors(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """Choose the longer list; of equally long ones, the one with full names."""
    return max(old, new, key=lambda names: (len(names), len(squeeze("".join(names)))))


def _facts(paper: Paper) -> tuple[object, ...]:
    told = paper.authors, paper.categories, paper.published, paper.url
    more = paper.keywords, paper.comment, paper.journal_ref
    return (*told, *more, paper.organisation, paper.links, paper.withdrawn)


def _best_title(old: str, new: str, *, later: bool, newer: bool | None) -> str:
    """Choose the better typeset of two copies; a complete one before a cut one, else the later.

    ``newer`` as for ``best_abstract``.
    """
    before, after = squeeze(old), squeeze(new)
    if before == after:
        return better_set(old, new)
    if is_cut_title(old) != is_cut_title(new):
        return new if is_cut_title(old) else old
    if newer is not None:
        return new if newer else old
    if before.startswith(after) or after.startswith(before):
        return old if len(before) > len(after) else new
    if has_html(old) != has_html(new):
        return new if has_html(old) else old
    return new if later else old


def paper_of(draft: PaperRecord, identifier: Identifier) -> Paper:
    """Make a new paper from a prepared draft."""
    assert draft.first_seen is not None  # noqa: S101 - ``make_query`` filled it in
    assert draft.ingested_at is not None  # noqa: S101 - ``make_query`` filled it in
    first_seen, ingested_at = draft.first_seen, draft.ingested_at
    if draft.came_out:  # new in this database, but not a new paper
        out = datetime.combine(draft.came_out, time.min, tzinfo=UTC)
        first_seen, ingested_at = min(first_seen, out), min(ingested_at, out)
    return Paper(
        id=0,
        uid=_uid(draft.uid) or str(uuid5(_NAMESPACE, str(identifier))),
        identifier=identifier,
        title=draft.title,
        abstract=draft.abstract,
        first_seen=first_seen,
        ingested_at=ingested_at,
        # Of a feed, when its record was really read: the day that it came out is only its claim.
        text_seen=draft.ingested_at if draft.came_out and is_unverified(draft) else None,
        updated=draft.updated or ingested_at,
        authors=draft.authors,
        categories=tuple(dict.fromkeys(draft.categories)),
        published=draft.published,
        url=draft.url,
        upvotes=draft.upvotes,
        organisation=draft.organisation,
        links=further_links(draft.url, draft.links),
        withdrawn=draft.withdrawn,
        version=draft.version,
        unverified=draft.unverified,
        text_source=draft.text_source,
        keywords=unite_keywords((), draft.keywords),
        comment=draft.comment,
        journal_ref=draft.journal_ref,
        thumbnail=draft.thumbnail,
    )


def _uid(given: str | None) -> str | None:
    try:
        return str(UUID(given)) if given else None
    except ValueError:
        return None


def rename(paper: Paper, gained: Iterable[Identifier]) -> Paper:
    """Make the first real identifier of a paper its main one, replacing its text or a mere URL."""
    if paper.identifier.scheme not in LOOSE:
        return paper
    better = next((name for name in gained if name.scheme not in LOOSE), paper.identifier)
    return replace(paper, identifier=better)


def with_link(paper: Paper, draft: PaperRecord, names: Iterable[Identifier]) -> PaperRecord:
    """Give a record the link of its identifiers, if it has none and its paper needs one of it.

    That is a paper without a link, or with one of a feed; ``names`` are those identifiers of the
    record that are no other paper's.
    """
    is_kept = link_of(paper) and not is_better(paper, draft, Unverified.LINK)
    if is_kept or link_in(draft, paper):
        return draft
    return replace(draft, url=paper_url(None, names) or None)


def with_url(paper: Paper, names: Iterable[Identifier]) -> Paper:
    """Store the link of an identifier as the URL of a paper that has no other."""
    if link_of(paper):
        return paper
    url = paper_url(None, sorted(names)) or None
    return paper if url == paper.url else replace(paper, url=url)


def date_new_link(before: Paper, after: Paper, now: datetime) -> Paper:
    """Set ``updated`` if the link was added or changed, so that feed readers notice."""
    if link_of(before) == link_of(after):
        return after
    return replace(after, updated=max(now, after.updated))
