"""Starts a taste from imported references: they become papers and thumbs up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from larkpost.db import papers, readers, votes
from larkpost.db.matching.verified_texts import may_be_another
from larkpost.db.private import private_papers, private_upsert
from larkpost.db.value_batches import batches
from larkpost.domain import Identifier, Paper, PaperRecord, Thumb, Vote
from larkpost.errors import QuotaExceeded
from larkpost.formats.references import MOST, read_references

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.db.matching.comparison.text_comparer import TextComparer
    from larkpost.db.matching.paper_query import PaperQuery
    from larkpost.ranking import PaperComparison, TextSpace
    from larkpost.readers.quotas import Allowance
    from larkpost.readers.references_apart import ReadReferences

VIA = "import"
AT_ONCE = 50  # references that are written in one transaction
AGAIN_AFTER = timedelta(seconds=10)  # for a second list while one is being imported
# Imported papers are dated before the window of any edition: they are not news.
OLD = timedelta(days=60)
RATED = 10
FEWEST, AMONG = 30, 500  # candidates for rating


@dataclass(frozen=True, slots=True)
class OnboardingResult:
    """The result of importing references: thumbs given, new papers, unknown identifiers.

    ``is_full``: the limit of one list was reached, and the list may be longer.
    """

    liked: int
    new: int
    unknown: tuple[str, ...] = ()
    is_full: bool = False


def from_references(
    store: Store,
    reader_id: int,
    text: str,
    *,
    now: datetime,
    allowance: Allowance | None = None,
    interest_id: int | None = None,
    read: ReadReferences = read_references,
) -> OnboardingResult:
    """Give a thumb up to every paper of the list that the reader has not judged yet.

    The thumbs are for the interest ``interest_id``; without it, for the reader's first one.
    One list of a reader is imported at a time: two at once could exceed the quota together. An
    unknown reference with a title becomes a private paper of the reader; an unknown identifier
    alone is listed in ``unknown``. Existing papers are not changed, and other readers' private
    papers are not looked at. ``read`` parses the list, with the limit of time that a stranger's
    list needs. Raises UsageError for an unknown kind of text and, with an ``allowance``, for too
    many different texts under one title; QuotaExceeded for more than the
    ``allowance``; then nothing is imported. Raises UnknownReader if the reader is removed
    meanwhile, with everything imported. Everything is looked up before anything is written, and
    written in short transactions: a vote must not wait for a long list.
    """
    drafts = [replace(draft, url=None) for draft in read(text)]
    with _LISTS.taking(store, reader_id):
        return _take(
            store, reader_id, drafts, now=now, allowance=allowance, interest_id=interest_id
        )


class _ListsInHand:
    """The readers whose lists this process is importing."""

    def __init__(self) -> None:
        self._readers: set[tuple[int, int]] = set()
        self._lock = Lock()

    @contextmanager
    def taking(self, store: Store, reader_id: int) -> Iterator[None]:
        """Mark a reader's list as being imported; raises QuotaExceeded if another one is."""
        whose = id(store), reader_id
        with self._lock:
            if whose in self._readers:
                raise QuotaExceeded(
                    "another list of yours is being imported now",
                    hint="nothing of this one was imported; try again in a minute",
                    wait=AGAIN_AFTER,
                )
            self._readers.add(whose)
        try:
            yield
        finally:
            with self._lock:
                self._readers.remove(whose)


_LISTS = _ListsInHand()


def _take(
    store: Store,
    reader_id: int,
    drafts: Sequence[PaperRecord],
    *,
    now: datetime,
    allowance: Allowance | None,
    interest_id: int | None,
) -> OnboardingResult:
    with store.read() as connection:
        found = _find_named(connection, reader_id, drafts)
    titled = [one for one, at in zip(drafts, found, strict=True) if at is None and one.title]
    nameless = [one for one, at in zip(drafts, found, strict=True) if at is None and not one.title]
    asked = papers.prepare((_backdate(one, now) for one in titled), now)
    known = list(dict.fromkeys(at for at in found if at is not None))
    comparer = papers.TextComparer()
    if allowance:
        _take_room(store, reader_id, asked, known, allowance, now, comparer)
    new = liked = 0
    for ids in batches(known, AT_ONCE):
        with store.begin() as connection:
            own = interest_id or readers.get(connection, reader_id).interests[0].id
            liked += _like(connection, reader_id, ids, now, own)
    for some in batches(asked, AT_ONCE):
        with store.begin() as connection:
            reader = readers.get(connection, reader_id)  # raises UnknownReader
            absorbed = private_upsert.bring_prepared(
                connection, reader_id, some, now=now, comparer=comparer
            )
            new += sum(one.what is papers.MatchOutcome.NEW for one in absorbed)
            brought = [one.paper_id for one in absorbed]
            own = interest_id or reader.interests[0].id
            liked += _like(connection, reader_id, brought, now, own)
    return OnboardingResult(
        liked=liked,
        new=new,
        unknown=tuple(str(one.identifiers[0]) for one in nameless),
        is_full=len(drafts) >= MOST,
    )


def _find_named(
    connection: Connection, reader_id: int, drafts: Sequence[PaperRecord]
) -> list[int | None]:
    """Find each draft by its identifiers, among the reader's own papers and the public ones.

    A public paper is left out that may be another than the draft: see ``may_be_another``.
    """
    readers.get(connection, reader_id)  # raises UnknownReader
    named = {name for one in drafts for name in one.identifiers}
    own = private_papers.find(connection, reader_id, named)
    public = papers.owners(connection, named)
    doubtful = papers.unverified(connection, set(public.values()))
    return [_find_known(one, own, public, doubtful) for one in drafts]


def _take_room(
    store: Store,
    reader_id: int,
    asked: Sequence[PaperQuery],
    known: Collection[int],
    allowance: Allowance,
    now: datetime,
    comparer: TextComparer,
) -> None:
    """Count a list against the quotas; raises QuotaExceeded, and UsageError as ``look_up`` does."""
    with store.read() as connection:
        looked_up = private_upsert.look_up(connection, reader_id, asked, now=now, comparer=comparer)
        here = {one.paper_id for one in looked_up if one.paper_id} | set(known)
        judged = votes.judged(connection, reader_id, here)
    pairs = zip(asked, looked_up, strict=True)
    new = [one.draft for one, found in pairs if found.what is papers.MatchOutcome.NEW]
    thumbs = len(new) + len(here - judged)
    with store.begin() as connection:
        allowance.take_list(connection, reader_id, new, thumbs=thumbs, now=now)


@dataclass(frozen=True, slots=True)
class RatingPool:
    """The candidates for rating, compared with each other in a model.

    ``marks`` are their ids, and when each one's text changed.
    """

    space: TextSpace
    marks: Sequence[tuple[int, datetime]]
    compared: PaperComparison

    @property
    def papers(self) -> Sequence[Paper]:
        """The papers, newest first."""
        return self.compared.papers

    def choose(self, known: Collection[int] = ()) -> list[Paper]:
        """Choose ten papers to rate: the most informative about a taste.

        None has an id in ``known`` (rated by the reader, or shown before). The same papers give the
        same ten.
        """
        return self.compared.choose(RATED, known)


def rating_pool(
    connection: Connection,
    space: TextSpace,
    *,
    now: datetime,
    window: timedelta,
    before: RatingPool | None = None,
) -> RatingPool:
    """Compare the newest recent papers, or all papers if there are few.

    Returns the pool ``before`` if nothing has changed, at the cost of one short query.
    """
    from larkpost.ranking import compare

    marks = papers.candidate_marks(connection, at=now, window=window, limit=AMONG)
    if len(marks) < FEWEST:
        marks = papers.recommendable_marks(connection, until=now, limit=AMONG)
    if before and before.space is space and before.marks == marks:
        return before
    among = papers.get(connection, [paper_id for paper_id, _ in marks])
    return RatingPool(space, marks, compare(space, list(among.values())))


class RatingPools:
    """The pool that a process shares, computed once for all requests."""

    def __init__(self) -> None:
        self._pool: RatingPool | None = None
        self._lock = Lock()

    def pool(
        self, connection: Connection, space: TextSpace, *, now: datetime, window: timedelta
    ) -> RatingPool:
        """Return ``rating_pool``, cached."""
        with self._lock:
            self._pool = rating_pool(connection, space, now=now, window=window, before=self._pool)
            return self._pool


def _find_known(
    draft: PaperRecord,
    own: Mapping[Identifier, int],
    public: Mapping[Identifier, int],
    doubtful: Mapping[int, Paper],
) -> int | None:
    """Find a draft by its identifiers; of the ``doubtful`` public papers the texts count, too."""
    for name in draft.identifiers:
        number = public.get(name)
        paper = doubtful.get(number or 0)
        if paper and (name in own or may_be_another(paper, draft)):
            number = None
        if number or name in own:
            return number or own[name]
    return None


def _backdate(draft: PaperRecord, now: datetime) -> PaperRecord:
    published = datetime.combine(draft.published or now.date(), time(), UTC)
    seen = min(published, now - OLD)
    return replace(draft, first_seen=seen, ingested_at=seen)


def _like(
    connection: Connection,
    reader_id: int,
    ids: Iterable[int],
    now: datetime,
    interest_id: int,
) -> int:
    """Give a thumb up to those of these papers that are not judged yet; returns their number."""
    wanted = sorted(set(ids))
    judged = votes.judged(connection, reader_id, wanted)
    new = [
        Vote(reader_id, one, Thumb.UP, now, VIA, interest_id) for one in wanted if one not in judged
    ]
    votes.cast_many(connection, new)
    return len(new)
