"""Imports files of an export, or of another program in the same format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from larkpost.db import editions, interests, papers, readers, votes
from larkpost.db.private import private_papers, private_upsert
from larkpost.db.usage import last_use, vote_eligibility
from larkpost.db.value_batches import batches
from larkpost.domain import (
    Identifier,
    IngestWarning,
    Paper,
    PaperRecord,
    Reader,
    RejectedRecord,
    Status,
    Vote,
)
from larkpost.errors import UnknownReader, UsageError
from larkpost.formats.jsonl import Jsonl
from larkpost.portability.former_uids import take_former_uids
from larkpost.portability.import_lines import ImportReport, read_lines, refusing
from larkpost.portability.reader_records import (
    EditionRecord,
    ReaderRecord,
    find_paper,
    read_issues,
    read_reader,
    read_uid,
)
from larkpost.portability.record_fields import read_moment, read_thumb
from larkpost.portability.records import name_of
from larkpost.readers import subscriptions
from larkpost.text.identifiers import find_identifier
from larkpost.text.normalize import shorten
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.db.papers import PaperQuery
    from larkpost.portability.exchange_record import ExchangeRecord

EDITIONS_AT_ONCE = 50  # in a transaction
_LONGEST_SOURCE = 20  # characters of a thumb's source, the limit of the database


def take_papers(store: Store, path: Path, *, now: datetime) -> ImportReport:
    """Import papers; existing ones are merged, not duplicated.

    Papers imported by readers do not become public: they are in ``ImportReport.guests``, for
    ``take_votes``. Each batch is a transaction, so that others can write in between, and finished
    batches stay.
    """
    tally = ImportReport()
    with path.open("rb") as file:
        for records in batches(Jsonl().read(file)):
            drafts = [record for record in records if isinstance(record, PaperRecord)]
            tally.refused += [(r.line, r.reason) for r in records if isinstance(r, RejectedRecord)]
            _note(tally, (record for record in records if isinstance(record, IngestWarning)))
            public = [draft for draft in drafts if not draft.private]
            tally.guests += [draft for draft in drafts if draft.private]
            _absorb(store, public, now)
            tally.taken += len(drafts)
    take_former_uids(store, path, tally)
    return tally


def _absorb(store: Store, drafts: Sequence[PaperRecord], now: datetime) -> None:
    """Add or merge papers; unverified texts stay so, and replace none of an authority's here.

    Their identifiers are those of the exported paper: no limit of unverified records applies. It
    takes several transactions if readers have many private copies of these papers.
    """
    asked = papers.prepare((replace(one, unverified=Unverified.NONE) for one in drafts), now)
    left = [
        _as_exported(query, one) if one.uid or one.unverified else query
        for query, one in zip(asked, drafts, strict=True)
    ]
    origin, comparer = papers.RecordOrigin("import"), papers.TextComparer()
    while left:
        with store.begin() as connection:
            absorbed = papers.absorb_prepared(
                connection, left, now=now, origin=origin, comparer=comparer, until=lambda: False
            )
        left = left[len(absorbed) :]


def _as_exported(query: PaperQuery, record: PaperRecord) -> PaperQuery:
    """Add no identifier of its address to those of a paper: it may be that of another one.

    Nor is a paper withdrawn by a notice that had no effect in the other home.
    """
    names = (*(n for n in query.names[:-1] if n in record.identifiers), query.text_name)
    withdrawn = record.withdrawn if record.unverified else query.draft.withdrawn
    draft = replace(query.draft, unverified=record.unverified, withdrawn=withdrawn)
    return replace(query, draft=draft, names=names)


def _note(tally: ImportReport, remarks: Iterable[IngestWarning]) -> None:
    for remark in remarks:
        if remark.key:
            tally.unknown_keys.add(remark.key)
        else:
            tally.remarks.append((remark.line, remark.text))


def take_readers(
    store: Store,
    path: Path,
    *,
    now: datetime,
    defaults: subscriptions.Preferences | None = None,
    guests: Sequence[PaperRecord] = (),
) -> ImportReport:
    """Import readers with their interests, private papers and past editions.

    Existing readers are changed. ``guests`` are the papers that ``take_papers`` found in an older
    export. Editions refer to papers, so import papers first. Readers and editions keep their
    numbers, which links in old messages contain, if those are free; if not, that is reported.
    ``defaults`` are the preferences that the line of a new reader leaves out. A line is parsed
    completely before anything of it is written, and written in several transactions, so that others
    can write in between. A reader gets a next edition only after the past ones are imported: an
    interrupted import can be repeated with the same result.
    """
    tally, brought = ImportReport(), _by_name(guests)
    for number, line in read_lines(path, "reader", tally):
        with refusing(number, tally):
            said = read_reader(line)
            private = {*_by_name(said.private_papers), *brought}
            with store.read() as connection:
                issues = read_issues(connection, line, private)
            liked = [name for issue in issues for name in issue.private_likes.values()]
            own = (*said.private_papers, *(brought[name] for name in liked if name in brought))
            with store.begin() as connection:
                reader, remarks = _write_reader(connection, said, now, defaults or {})
                private_upsert.bring(connection, reader.id, own, now=now)
            renumbered = said.number not in {None, reader.id}
            for some in batches(issues, EDITIONS_AT_ONCE):
                with store.begin() as connection:
                    renumbered |= _write_issues(connection, reader.id, some)
            with store.begin() as connection:
                subscriptions.schedule_missing(connection, reader.id, now)
            if renumbered:
                who = subscriptions.who(reader)
                remarks.append(
                    f"links in older emails to {who} do not work here: a number is in use"
                )
            tally.remarks += [(number, remark) for remark in remarks]
    return tally


def take_votes(
    store: Store, path: Path, *, now: datetime, guests: Sequence[PaperRecord] = ()
) -> ImportReport:
    """Import thumbs; the latest thumb on a paper wins, in the database or in the file.

    A thumb on one of the ``guests`` of ``take_papers`` makes it a private paper of its reader.
    """
    tally, brought = ImportReport(), _by_name(guests)
    for some in batches(read_lines(path, "vote", tally)):
        with store.begin() as connection:
            votes.cast_many(connection, _votes(connection, some, tally, now, brought))
    return tally


def _by_name(drafts: Sequence[PaperRecord]) -> dict[Identifier, PaperRecord]:
    return {name: draft for draft in drafts for name in draft.identifiers}


def _votes(
    connection: Connection,
    some: list[tuple[int, ExchangeRecord]],
    tally: ImportReport,
    now: datetime,
    guests: Mapping[Identifier, PaperRecord],
) -> list[Vote]:
    known: dict[str, Reader] = {}
    names = {text: find_identifier(text) for text in {str(line.get("paper")) for _, line in some}}
    named = papers.owners(connection, {name for name in names.values() if name})
    thumbs = []
    for number, line in some:
        with refusing(number, tally):
            who = str(line["reader"])
            if who not in known:
                known[who] = _find_reader(connection, who)
            paper = str(line["paper"])
            name = names[paper]
            paper_id = named.get(name) if name else None
            if name and paper_id is None:
                paper_id = _find_own(connection, known[who], name, guests, now)
            if paper_id is None:
                paper_id = find_paper(named, paper)
            thumbs.append(_vote(known[who], paper_id, line, now))
    return thumbs


def _find_own(
    connection: Connection,
    reader: Reader,
    identifier: Identifier,
    guests: Mapping[Identifier, PaperRecord],
    now: datetime,
) -> int | None:
    """Find a private paper of the reader by its identifier, which no public paper has."""
    own = private_papers.find(connection, reader.id, {identifier}).get(identifier)
    if own is None and identifier in guests:
        (made,) = private_upsert.bring(connection, reader.id, [guests[identifier]], now=now)
        return made.paper_id
    return own


def _vote(reader: Reader, paper_id: int, line: Mapping[str, Any], now: datetime) -> Vote:
    chosen = line.get("interest")
    interests = {one.name: one.id for one in reader.interests} if chosen is not None else {}
    return Vote(
        reader_id=reader.id,
        paper_id=paper_id,
        thumb=read_thumb(line, "thumb"),
        at=read_moment(line, "at") if line.get("at") else now,
        source=shorten(str(line.get("source") or ""), _LONGEST_SOURCE) or "import",
        interest_id=interests.get(str(chosen)),
    )


def _find_reader(connection: Connection, name: str) -> Reader:
    if "@" in name:
        return readers.by_address(connection, name)
    return readers.by_uid(connection, read_uid(name))


def _write_reader(
    connection: Connection, said: ReaderRecord, now: datetime, defaults: subscriptions.Preferences
) -> tuple[Reader, list[str]]:
    """Create a reader, or change an existing one, with the values of the line.

    Returns remarks, too. A new reader has no next edition yet.
    """
    _refuse_used_key(connection, said)
    try:
        reader = _find_reader(connection, said.name)
    except UnknownReader:
        reader, remarks = _add_reader(connection, said, now, defaults), []
    else:
        reader = subscriptions.change_reader(
            connection, reader.id, now=now, words=said.main_words, **said.preferences
        )
        remarks = _change_status(connection, reader, said.status, now)
    for one in said.interests:
        interests.set_interest(connection, reader.id, one.name, words=one.words, quota=one.quota)
    if said.counted and not vote_eligibility.counting_since(connection, [reader.id]):
        vote_eligibility.count_always(connection, [reader.id])
    return _change_columns(connection, readers.get(connection, reader.id), said, now), remarks


def _add_reader(
    connection: Connection, said: ReaderRecord, now: datetime, defaults: subscriptions.Preferences
) -> Reader:
    preferences = cast("subscriptions.Preferences", {**defaults, **said.preferences})
    reader = readers.add(
        connection,
        address=said.address,
        words=said.main_words or (),
        status=said.status or Status.ACTIVE,
        now=said.created or now,
        uid=said.uid,
        number=said.number,
        expires=said.expires,
        signed_up=said.is_uncounted,
        **preferences,
    )
    if said.last_used:
        last_use.write(connection, [reader.id], said.last_used)
    _number_interests(connection, reader.id, said)
    return reader


def _number_interests(connection: Connection, reader_id: int, said: ReaderRecord) -> None:
    """Create the interests of a new reader under the numbers that their feeds' addresses use."""
    for one in said.interests:
        interests.set_interest(connection, reader_id, one.name)
        interests.number_interest(connection, reader_id, one.name, one.number)


def _refuse_used_key(connection: Connection, said: ReaderRecord) -> None:
    """Raise UsageError if another reader in the database has the feed key."""
    owner = readers.by_feed_key(connection, said.columns.get("feed_key") or "")
    if owner is None:
        return
    try:
        same = _find_reader(connection, said.name).id == owner.id
    except UnknownReader:
        same = False
    if not same:
        raise UsageError(
            f"the feed key of {shorten(said.name, 80)} is that of {subscriptions.who(owner)} here;"
            " without feed_key, a new one is made"
        )


def _change_status(
    connection: Connection, reader: Reader, status: Status | None, now: datetime
) -> list[str]:
    """Set the status of an existing reader from the line; returns remarks.

    Readers in the database who unsubscribed are not subscribed again, and readers who confirmed
    their address are not asked again.
    """
    if status is None or status is reader.status:
        return []
    who, before = subscriptions.who(reader), reader.status
    if before is Status.LEFT:
        again = f"`larkpost reader set {name_of(reader)} --resume` subscribes them again"
        return [f"{who} has unsubscribed here and stays so, though the file says {status}; {again}"]
    if status is Status.PENDING:
        return [f"{who} is {before} here and stays so, though the file says {status}"]
    subscriptions.set_status(connection, reader.id, status, now=now)
    return [f"{who} was {before} here and is {status} now, as the file says"]


def _change_columns(
    connection: Connection, reader: Reader, said: ReaderRecord, now: datetime
) -> Reader:
    """Write the reader's feed key and page link version, and the pause if they are active."""
    columns = dict(said.columns)
    if "page_link_version" in columns:  # a link that was renewed in this database stays invalid
        columns["page_link_version"] = max(reader.page_link_version, columns["page_link_version"])
    until = columns.get("paused_until", reader.paused_until)
    if reader.status is Status.LEFT:
        columns.pop("paused_until", None)
    elif until != reader.paused_until and reader.next_slot and reader.next_slot > now:
        columns["next_slot"] = None  # it is set again at the end
    return readers.update(connection, reader.id, **columns)


def _write_issues(connection: Connection, reader_id: int, issues: Sequence[EditionRecord]) -> bool:
    """Write past editions unchanged; no messages are planned for them.

    An edition is skipped if its day exists already. Returns whether one could not keep its number.
    """
    reader = readers.get(connection, reader_id)
    interests = {interest.name: interest.id for interest in reader.interests}
    renumbered = False
    for issue in issues:
        likes = _find_likes(connection, reader_id, issue)
        picks = [
            replace(
                pick,
                interest_id=interests.get(pick.interest),
                similar_paper=pick.similar_paper or likes.get(pick.position),
            )
            for pick in issue.picks
        ]
        made = editions.publish(
            connection,
            reader=reader,
            date=issue.day,
            picks=picks,
            now=issue.published_at,
            next_slot=reader.next_slot,
            message_id=None,
            catch_up_from=issue.catch_up_from,
            note=issue.note,
            candidate_count=issue.candidate_count,
            number=issue.number,
        )
        renumbered |= made is not None and issue.number not in {None, made.id}
    return renumbered


def _find_likes(connection: Connection, reader_id: int, issue: EditionRecord) -> dict[int, Paper]:
    """Find the private papers that picks of an edition are similar to, by position."""
    ids = private_papers.find(connection, reader_id, set(issue.private_likes.values()))
    found = papers.get(connection, ids.values())
    return {at: found[ids[name]] for at, name in issue.private_likes.items() if name in ids}
