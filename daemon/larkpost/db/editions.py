"""Editions and their picks: published once per reader and local day, and never changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from larkpost.db import papers, readers, row_ids, schema, upsert_statement
from larkpost.db.outbox import deliveries
from larkpost.db.value_batches import batches, gather, rows_among
from larkpost.domain import Edition, Paper, Pick, Reader, Status, TermWeight

_table = schema.edition


@dataclass(frozen=True, slots=True)
class PreparedEdition:
    """An edition to publish; ``reader`` is the row that was read for the decision.

    With a ``message_id`` a message is planned too, if the reader has an address and is active.
    ``number`` is the number in links, if it should be that of another database and is free.
    """

    reader: Reader
    day: date
    picks: Sequence[Pick]
    now: datetime
    next_slot: datetime | None
    message_id: str | None
    catch_up_from: date | None = None
    note: str = ""
    candidate_count: int = 0
    number: int | None = None


class EditionDay(NamedTuple):
    """The day of an edition, its number in links, and how many papers it has."""

    id: int
    date: date
    pick_count: int


def publish(
    connection: Connection,
    *,
    reader: Reader,
    date: date,
    picks: Sequence[Pick],
    now: datetime,
    next_slot: datetime | None,
    message_id: str | None,
    catch_up_from: date | None = None,
    note: str = "",
    candidate_count: int = 0,
    number: int | None = None,
) -> Edition | None:
    """Publish one edition; see ``publish_many``."""
    prepared = PreparedEdition(
        reader,
        date,
        picks,
        now,
        next_slot,
        message_id,
        catch_up_from,
        note,
        candidate_count,
        number,
    )
    return publish_many(connection, [prepared])[0]


def publish_many(
    connection: Connection, prepared: Sequence[PreparedEdition]
) -> list[Edition | None]:
    """Publish editions, each exactly once even with many processes; results in the same order.

    A reader's slot moves on only if it still equals that in ``PreparedEdition.reader``: the second
    process gets None and changes nothing. Also None if that local day has an edition already; then
    the slot still moves on.
    """
    published: dict[int, Edition] = {}
    for some in batches(_first_of_each(prepared)):
        won = _take_slots(connection, some)
        new = _insert_editions(connection, [one for one, _ in won])
        made = [(one, status, new[one.reader.id]) for one, status in won if one.reader.id in new]
        _insert_picks(connection, [(one.picks, number) for one, _, number in made])
        deliveries.plan(
            connection, [_planned_message(one, n) for one, s, n in made if _is_mailed(one, s)]
        )
        published |= {id(one): _edition(one, number) for one, _, number in made}
    return [published.get(id(one)) for one in prepared]


def get(connection: Connection, edition_id: int) -> Edition | None:
    """Read an edition with its reader, picks and papers."""
    return get_many(connection, [edition_id]).get(edition_id)


def get_many(connection: Connection, edition_ids: Collection[int]) -> dict[int, Edition]:
    """Read several editions, by number, in a few queries; missing ones are left out."""
    rows = list(rows_among(connection, select(_table), _table.c.id, edition_ids))
    return {edition.id: edition for edition in _load(connection, rows)}


def on(connection: Connection, reader_id: int, date: date) -> Edition | None:
    """Read the reader's edition of a local day."""
    that_day = select(_table).where(_table.c.reader_id == reader_id, _table.c.date == date)
    return next(_load(connection, connection.execute(that_day).all()), None)


def before(connection: Connection, edition: Edition) -> datetime | None:
    """Return when the reader's previous edition was published; None for their first."""
    earlier = (_table.c.reader_id == edition.reader.id, _table.c.date < edition.date)
    return connection.execute(select(func.max(_table.c.published_at)).where(*earlier)).scalar()


def news(connection: Connection, edition: Edition) -> set[int]:
    """Return the papers of an edition ingested since the reader's previous edition.

    None if no edition.
    """
    since = before(connection, edition)
    return {pick.paper.id for pick in edition.picks if since and pick.paper.ingested_at > since}


def last_out(connection: Connection) -> datetime | None:
    """Return when the last edition of any reader was published."""
    return connection.execute(select(func.max(_table.c.published_at))).scalar()


def latest(connection: Connection, reader_id: int, limit: int = 1) -> list[Edition]:
    """Read the reader's last editions, newest first."""
    newest = select(_table).where(_table.c.reader_id == reader_id).order_by(_table.c.date.desc())
    return list(_load(connection, connection.execute(newest.limit(limit)).all()))


def latest_days(connection: Connection, reader_id: int, limit: int) -> list[EditionDay]:
    """Read the days of the reader's last editions, newest first, without their papers."""
    of_edition = schema.pick.c.edition_id == _table.c.id
    count = select(func.count()).where(of_edition).correlate(_table).scalar_subquery()
    days = select(_table.c.id, _table.c.date, count).where(_table.c.reader_id == reader_id)
    newest = days.order_by(_table.c.date.desc()).limit(limit)
    return [EditionDay(*row) for row in connection.execute(newest)]


def future(connection: Connection, now: datetime) -> list[Edition]:
    """Read the editions of days that have not begun in UTC, the latest day's first."""
    later = select(_table).where(_table.c.date > now.date()).order_by(_table.c.date.desc())
    return list(_load(connection, connection.execute(later).all()))


def find_used_message_ids(connection: Connection, ids: Collection[str]) -> set[str]:
    """Return those of these Message-IDs that are in use."""
    column = schema.delivery.c.message_id
    return {row.message_id for row in rows_among(connection, select(column), column, ids)}


def redate(connection: Connection, edition_id: int, day: date) -> None:
    """Move an edition and its message to another day, on which its reader has none.

    The message keeps its Message-ID, because it may have been sent.
    """
    which = _table.c.id == edition_id
    connection.execute(update(_table).where(which).values(date=day))
    its_message = update(schema.delivery).where(schema.delivery.c.edition_id == edition_id)
    connection.execute(its_message.values(day=day))


def count_picks(connection: Connection, reader_id: int) -> int:
    """Count the picks of a reader's editions."""
    joined = select(func.count()).select_from(_table).join(schema.pick)
    return connection.execute(joined.where(_table.c.reader_id == reader_id)).scalar_one()


def papers_given(
    connection: Connection, reader_ids: Collection[int], among: Collection[int] | None = None
) -> dict[int, set[int]]:
    """Return the papers that each of these readers has been given; an empty set for none.

    Editions of readers merged into them count. ``among`` limits the result to these papers, so that
    years of editions need not be read.
    """
    edition, pick = _table.c, schema.pick.c
    found: dict[int, set[int]] = {reader_id: set() for reader_id in reader_ids}
    wanted = [None] if among is None else list(batches(among))
    owners = {one.id: one.merged_into for one in readers.former(connection, found)}
    theirs = select(edition.reader_id, pick.paper_id).join_from(schema.edition, schema.pick)
    for some in batches([*found, *owners]):
        for part in wanted:
            given = theirs.where(edition.reader_id.in_(some))
            given = given if part is None else given.where(pick.paper_id.in_(part))
            for reader_id, paper_id in connection.execute(given):
                found[owners.get(reader_id) or reader_id].add(paper_id)
    return found


def chooser(connection: Connection, reader_id: int, paper_id: int) -> int | None:
    """Return the interest of the reader that last picked a paper, if there is one."""
    edition, pick = _table.c, schema.pick.c
    interests = (
        select(pick.interest_id)
        .join_from(schema.pick, _table)
        .join(schema.interest, schema.interest.c.id == pick.interest_id)  # it may have been removed
        .where(edition.reader_id == reader_id, pick.paper_id == paper_id)
        .order_by(edition.date.desc())
        .limit(1)
    )
    return connection.execute(interests).scalar()


def _first_of_each(prepared: Iterable[PreparedEdition]) -> list[PreparedEdition]:
    """Keep the first edition per reader: the slot is taken for a second one."""
    kept: dict[int, PreparedEdition] = {}
    for one in prepared:
        kept.setdefault(one.reader.id, one)
    return list(kept.values())


def _take_slots(
    connection: Connection, prepared: Sequence[PreparedEdition]
) -> list[tuple[PreparedEdition, Status]]:
    """Lock these readers, advance the unchanged slots, and return their readers."""
    table = schema.reader
    # In the order of ids, so that two processes at the same shard wait instead of deadlocking.
    locked = (
        select(table.c.id, table.c.next_slot, table.c.status)
        .where(table.c.id.in_([one.reader.id for one in prepared]))
        .order_by(table.c.id)
        .with_for_update()
    )
    now_is = {row.id: row for row in connection.execute(locked)}
    won = [
        (one, Status(now_is[one.reader.id].status))
        for one in prepared
        if one.reader.id in now_is and now_is[one.reader.id].next_slot == one.reader.next_slot
    ]
    moved = [{"who": one.reader.id, "slot": one.next_slot} for one, _ in won]
    if moved:
        advance = update(table).where(table.c.id == bindparam("who"))
        connection.execute(advance.values(next_slot=bindparam("slot")), moved)
    return won


def _insert_editions(connection: Connection, prepared: Sequence[PreparedEdition]) -> dict[int, int]:
    """Write edition rows; returns the new ids by reader, except readers whose day is taken."""
    if not prepared:
        return {}
    statement = upsert_statement.insert(connection, _table).on_conflict_do_nothing(
        index_elements=["reader_id", "date"]
    )
    rows = [
        {
            "reader_id": one.reader.id,
            "date": one.day,
            "published_at": one.now,
            "catch_up_from": one.catch_up_from,
            "note": one.note,
            "candidate_count": one.candidate_count,
        }
        for one in prepared
    ]
    new: dict[int, int] = {}
    for some in _by_their_numbers(connection, prepared, rows):
        for row in connection.execute(statement.returning(_table.c.reader_id, _table.c.id), some):
            new[row.reader_id] = row.id
    return new


def _by_their_numbers(
    connection: Connection, prepared: Sequence[PreparedEdition], rows: Sequence[dict[str, Any]]
) -> Iterator[Sequence[dict[str, Any]]]:
    """Separate rows with a given number from rows that get a new one."""
    if all(one.number is None for one in prepared):
        yield rows
        return
    for one, row in zip(prepared, rows, strict=True):
        own = row_ids.free(connection, _table, one.number)
        yield [row if own is None else row | {"id": own}]
        row_ids.count_on(connection, _table)


def _insert_picks(connection: Connection, made: Iterable[tuple[Sequence[Pick], int]]) -> None:
    rows = [_pick_row(pick, edition_id) for picks, edition_id in made for pick in picks]
    for some in batches(rows, 5_000):
        connection.execute(insert(schema.pick), some)


def _pick_row(pick: Pick, edition_id: int) -> dict[str, Any]:
    return {
        "edition_id": edition_id,
        "position": pick.position,
        "paper_id": pick.paper.id,
        "score": pick.score,
        "probability": pick.probability,
        "propensity": pick.propensity,
        "pool": pick.pool,
        "explored": pick.explored,
        "interest_id": pick.interest_id,
        "interest": pick.interest,
        "positive_terms": [[one.term, one.weight] for one in pick.positive_terms],
        "negative_terms": [[one.term, one.weight] for one in pick.negative_terms],
        "similar_paper_id": pick.similar_paper.id if pick.similar_paper else None,
        "similarity": pick.similarity,
        "shown_terms": None if pick.shown_terms is None else list(pick.shown_terms),
    }


def _is_mailed(prepared: PreparedEdition, status: Status) -> bool:
    """Return whether a message is planned; a reader who left meanwhile gets none."""
    return bool(prepared.message_id and prepared.reader.address) and status is Status.ACTIVE


def _planned_message(prepared: PreparedEdition, edition_id: int) -> deliveries.PlannedDelivery:
    return deliveries.PlannedDelivery(
        edition_id, prepared.reader.id, prepared.day, str(prepared.message_id), prepared.now
    )


def _edition(prepared: PreparedEdition, edition_id: int) -> Edition:
    return Edition(
        id=edition_id,
        reader=replace(prepared.reader, next_slot=prepared.next_slot),
        date=prepared.day,
        published_at=prepared.now,
        picks=tuple(prepared.picks),
        catch_up_from=prepared.catch_up_from,
        note=prepared.note,
        candidate_count=prepared.candidate_count,
    )


def _load(connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[Edition]:
    """Build editions from their rows, in order, with a few queries for any number of them."""
    who = readers.many(connection, {row.reader_id for row in rows})
    picks = _picks(connection, [row.id for row in rows])
    for row in rows:
        yield Edition(
            id=row.id,
            reader=who[row.reader_id],
            date=row.date,
            published_at=row.published_at,
            picks=tuple(picks.get(row.id, ())),
            catch_up_from=row.catch_up_from,
            note=row.note,
            candidate_count=row.candidate_count,
        )


def _picks(connection: Connection, edition_ids: Sequence[int]) -> dict[int, list[Pick]]:
    table = schema.pick
    ordered = select(table).order_by(table.c.position)
    rows = list(rows_among(connection, ordered, table.c.edition_id, edition_ids))
    shown = {row.paper_id for row in rows} | {
        row.similar_paper_id for row in rows if row.similar_paper_id
    }
    known = papers.get(connection, shown)
    return gather((row.edition_id, _pick(row, known)) for row in rows)


def _pick(row: Row[Any], known: Mapping[int, Paper]) -> Pick:
    return Pick(
        paper=known[row.paper_id],
        position=row.position,
        score=row.score,
        probability=row.probability,
        positive_terms=tuple(TermWeight(term, weight) for term, weight in row.positive_terms),
        negative_terms=tuple(TermWeight(term, weight) for term, weight in row.negative_terms),
        similar_paper=known.get(row.similar_paper_id),
        similarity=row.similarity,
        shown_terms=None if row.shown_terms is None else tuple(row.shown_terms),
        interest_id=row.interest_id,
        interest=row.interest,
        explored=row.explored,
        propensity=row.propensity,
        pool=row.pool,
    )
