"""Gathers the training data of readers: thumbs, and papers shown and passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import votes
from larkpost.db.paper_cache import PaperCache
from larkpost.db.usage import shown_papers
from larkpost.domain import Interest, Paper, Reader, Vote
from larkpost.interfaces import Evidence

if TYPE_CHECKING:
    from larkpost.db.engine import Connection
    from larkpost.db.usage.shown_papers import Shown

MOST_VOTES = 1000  # per interest and kind: the ranker uses no more
LOOK_BACK = timedelta(days=60)  # older editions are no longer relevant


@dataclass(frozen=True, slots=True)
class _GatheredEvidence:
    """The votes of an interest, all votes of its reader, and recently shown papers.

    ``papers`` are all of these by their ids.
    """

    own: Sequence[Vote]
    cast: Sequence[Vote]
    given: Sequence[Shown]
    papers: Mapping[int, Paper]


def evidence(
    connection: Connection,
    readers: Sequence[Reader],
    *,
    now: datetime,
    cast: Mapping[int, Sequence[Vote]] | None = None,
    known: PaperCache | None = None,
) -> list[Evidence]:
    """One evidence for each interest of each reader, in order, in a handful of queries.

    Of the votes of an interest only the newest are returned, ``MOST_VOTES`` up and as many down.
    ``cast`` are all votes by reader, if they were read before; ``known`` caches papers.
    """
    ids = [reader.id for reader in readers]
    cast = votes.of_many(connection, ids) if cast is None else cast
    own = {
        (reader.id, interest.id): list(_newest(reader, interest, cast.get(reader.id, ())))
        for reader in readers
        for interest in reader.interests
    }
    given = shown_papers.since(connection, ids, (now - LOOK_BACK).date())
    wanted = {vote.paper_id for mine in own.values() for vote in mine}
    looked = {one: list(looked_at(mine, cast.get(one, []))) for one, mine in given.items()}
    wanted |= {one.paper_id for mine in looked.values() for one in mine}
    seen = (known or PaperCache()).get(connection, wanted)
    return [
        _evidence(
            reader,
            interest,
            _GatheredEvidence(
                own[reader.id, interest.id], cast.get(reader.id, []), looked[reader.id], seen
            ),
        )
        for reader in readers
        for interest in reader.interests
    ]


def _newest(reader: Reader, interest: Interest, cast: Sequence[Vote]) -> Iterator[Vote]:
    """Leave out the oldest votes of each kind if there are too many; they are in order."""
    main = reader.interests[0].id
    mine = [vote for vote in cast if (vote.interest_id or main) == interest.id]
    later = Counter(vote.thumb for vote in mine)
    for vote in mine:
        later[vote.thumb] -= 1
        if later[vote.thumb] < MOST_VOTES:
            yield vote


def looked_at(given: Iterable[Shown], cast: Iterable[Vote]) -> Iterator[Shown]:
    """Leave out editions without any thumb, because nobody may have looked at them."""
    given = list(given)
    voted = {vote.paper_id for vote in cast}
    looked = {one.edition_id for one in given if one.paper_id in voted}
    return (one for one in given if one.edition_id in looked)


def _passed_over(reader: Reader, interest: Interest, told: _GatheredEvidence) -> list[Shown]:
    """List what was shown of an interest and not voted on; the first has what is of none."""
    main, names = reader.interests[0].id, {one.id for one in reader.interests}
    voted = {vote.paper_id for vote in told.cast}
    return [
        one
        for one in told.given
        if one.paper_id not in voted
        and (one.interest_id if one.interest_id in names else main) == interest.id
    ]


def _evidence(reader: Reader, interest: Interest, told: _GatheredEvidence) -> Evidence:
    shown_at = {one.paper_id: one.at for one in told.given}
    passed = _passed_over(reader, interest, told)
    return Evidence(
        reader_id=reader.id,
        interest_id=interest.id,
        papers=[told.papers[vote.paper_id] for vote in told.own],
        thumbs=[vote.thumb for vote in told.own],
        at=[vote.at for vote in told.own],
        words=interest.words,
        passed=[told.papers[one.paper_id] for one in passed],
        passed_at=[one.at for one in passed],
        shown_at=[shown_at.get(vote.paper_id) for vote in told.own],
    )
