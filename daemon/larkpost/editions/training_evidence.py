"""Gathers the training data of readers: thumbs, and papers shown and passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import votes
from larkpost.db.paper_cache import PaperCache
from larkpost.db.usage import shown_papers, vote_eligibility
from larkpost.domain import Interest, Paper, Reader, Thumb, Vote
from larkpost.interfaces import Evidence

if TYPE_CHECKING:
    from larkpost.db.engine import Connection
    from larkpost.db.usage.shown_papers import Shown

MOST_VOTES = 1000  # per interest and kind: the ranker uses no more
MOST_OF_READER = 5000  # the newest thumbs of all interests of a reader
MOST_OF_STRANGER = 500  # the same of a reader that anybody can make many of
WORK_OF_READER, WORK_OF_OLD_THUMB = 20, 0.05  # relative to that for a thumb or phrase
WORK_OF_INTEREST, WORK_OF_PAPER = 8, 0.4  # of an edition
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
    counting = vote_eligibility.counting_since(connection, ids)
    own = {
        (reader.id, interest.id): list(_newest(reader, interest, mine))
        for reader in readers
        for mine in [newest_thumbs(cast.get(reader.id, ()), most_thumbs(reader, counting))]
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


def most_thumbs(reader: Reader, counting: Container[int] = ()) -> int:
    """Return the number of thumbs of a reader that training uses.

    It is less for one without an address, who is not among those whose thumbs count for others.
    """
    known = reader.address is not None or reader.id in counting
    return MOST_OF_READER if known else MOST_OF_STRANGER


def training_work(reader: Reader, thumbs: int, counting: Container[int] = ()) -> int:
    """Estimate the work of ranking for a reader with so many thumbs, in thumbs to learn from.

    That is about a millisecond each. The other thumbs are read, too: they are papers that need not
    be shown again.
    """
    phrases = sum(len(interest.words) for interest in reader.interests)
    edition = WORK_OF_INTEREST * len(reader.interests) + WORK_OF_PAPER * reader.papers_per_edition
    learnt = min(thumbs, most_thumbs(reader, counting))
    old = WORK_OF_OLD_THUMB * (thumbs - learnt)
    return round(WORK_OF_READER + edition + learnt + phrases + old)


def newest_thumbs(cast: Sequence[Vote], most: int) -> Sequence[Vote]:
    """Leave out a reader's oldest votes if there are more than ``most``; they are in order.

    Half of the places are for thumbs up and half for thumbs down, if there are enough of both.
    """
    if len(cast) <= most:
        return cast
    ups = [vote.paper_id for vote in cast if vote.thumb is Thumb.UP]
    downs = [vote.paper_id for vote in cast if vote.thumb is not Thumb.UP]
    room = min(len(ups), max(most // 2, most - len(downs)))
    kept = {*ups[len(ups) - room :], *downs[len(downs) - min(len(downs), most - room) :]}
    return [vote for vote in cast if vote.paper_id in kept]


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
