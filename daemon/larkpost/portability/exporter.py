"""Exports everything as JSON Lines: papers, readers with editions, votes, decisions, sources."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from larkpost.db import editions, papers, readers, votes
from larkpost.db.matching import former_papers, match_decisions
from larkpost.db.outbox import bounces, deliveries
from larkpost.db.polling import polled_sources
from larkpost.db.private import private_papers
from larkpost.db.usage import forgotten_votes, last_use, vote_eligibility
from larkpost.db.value_batches import batches, gather
from larkpost.disk_space import is_no_room, no_room
from larkpost.domain import Edition, Identifier, MessageKind, Paper, Reader
from larkpost.errors import UsageError
from larkpost.portability import records
from larkpost.portability.former_uids import KEY
from larkpost.safe_files import is_own, make_folder, open_atomic, remove_stale_drafts

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store


def export(store: Store, folder: Path) -> dict[str, int]:
    """Write papers, readers, votes, decisions and sources as ``.jsonl``; returns the line counts.

    Private papers are on the lines of their readers. Each file appears completely or not at all,
    and only its owner can read it; all come from one snapshot of the database. Raises UsageError if
    others can write to the folder, and NoRoom for lack of space; then nothing has changed.
    """
    _must_be_safe(folder)
    make_folder(folder)
    remove_stale_drafts(folder)
    try:
        with ExitStack() as drafts, store.read() as connection:
            return {
                name: _write(drafts.enter_context(open_atomic(folder / f"{name}.jsonl")), content)
                for name, content in (
                    ("papers", paper_lines(connection, papers.iterate(connection))),
                    ("readers", _readers(connection)),
                    ("votes", _votes(connection)),
                    ("decisions", map(records.decision_line, match_decisions.iterate(connection))),
                    ("sources", _sources(connection)),
                )
            }
    except OSError as error:
        if is_no_room(error):
            raise no_room(folder, error) from error
        raise


def _must_be_safe(folder: Path) -> None:
    """Raise UsageError for a link of another user, and for a folder that everybody can write to.

    A folder with the sticky bit, such as /tmp, is safe enough: nobody can remove our files.
    """
    own = "name a folder of your own, or one that is not there yet"
    try:
        link, status = folder.lstat(), folder.stat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(link.st_mode) and not is_own(link):
        raise UsageError(f"{folder} is a link that another user made", hint=own)
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise UsageError(f"all users of this machine can write to {folder}", hint=own)


def about(connection: Connection, reader: Reader) -> Iterator[dict[str, Any]]:
    """Return everything about one reader as lines with a ``kind``.

    The reader, their votes and the papers of both are as in the three files; then follow their
    deliveries and bounces.
    """
    issued = editions.latest(connection, reader.id, limit=10**6)
    line = _reader_line(connection, reader, issued)
    yield {"kind": "reader", "created": records.moment(reader.created)} | line
    cast = votes.of(connection, reader.id)
    forgotten = forgotten_votes.of(connection, reader.id)
    named = papers.get(connection, {vote.paper_id for vote in (*cast, *forgotten)})
    for kind, some in (("vote", cast), ("forgotten vote", forgotten)):
        for vote in some:
            name = str(named[vote.paper_id].identifier)
            yield {"kind": kind} | records.vote_line(vote, reader, name)
    picked = editions.papers_given(connection, [reader.id])[reader.id]
    shown = papers.get(connection, picked | set(named)).values()
    public = [paper for paper in shown if paper.owner_id is None]
    for line in paper_lines(connection, public):
        # A source may be the address of somebody whose mails the operator allows.
        yield {"kind": "paper"} | line | {"text_source": None}
    for delivery in deliveries.of(connection, reader.id):
        if delivery.kind is MessageKind.EDITION:
            yield {"kind": "delivery"} | records.delivery_line(delivery, reader)
    for bounce in bounces.of(connection, reader.id):
        yield {"kind": "bounce"} | records.bounce_line(bounce, reader)


def paper_lines(connection: Connection, some: Iterable[Paper]) -> Iterator[dict[str, Any]]:
    """Return papers as lines with all identifiers.

    ``also`` has those other than ``id``. Identifiers made from the text are left out.
    ``former_uids`` are those of papers that were merged into it.
    """
    for batch in batches(some):
        ids = [paper.id for paper in batch]
        former = former_papers.read_uids(connection, ids)
        lines = _lines_with_names(batch, papers.names(connection, ids))
        for paper_id, line in zip(ids, lines, strict=True):
            yield line | ({KEY: former[paper_id]} if paper_id in former else {})


def private_lines(connection: Connection, reader: Reader) -> list[dict[str, Any]]:
    """Return a reader's private papers as lines, like ``paper_lines``."""
    own = private_papers.of(connection, reader.id)
    names = private_papers.names(connection, [paper.id for paper in own])
    return list(_lines_with_names(own, names))


def _lines_with_names(
    some: Sequence[Paper], names: Iterable[tuple[Identifier, int]]
) -> Iterator[dict[str, Any]]:
    also = gather((paper_id, name) for name, paper_id in names)
    for paper in some:
        others = (n for n in also.get(paper.id, ()) if n != paper.identifier and n.scheme != "text")
        yield records.paper_line(paper) | {"also": [str(name) for name in sorted(others)]}


def _readers(connection: Connection) -> Iterator[dict[str, Any]]:
    for reader in readers.all(connection):
        issued = editions.latest(connection, reader.id, limit=10**6)
        yield _reader_line(connection, reader, issued)


def _reader_line(
    connection: Connection, reader: Reader, issued: Sequence[Edition]
) -> dict[str, Any]:
    """Make the line of a reader: private papers, and the numbers and keys of links and feeds."""
    line = records.reader_line(reader)
    if use := last_use.of(connection, [reader.id]).get(reader.id):
        line |= {"expires": True, "last_used": use.noted and use.noted.isoformat()}
    return line | {
        "number": reader.id,
        "created": records.moment(reader.created),
        "feed_key": reader.feed_key,
        "counted": reader.id in vote_eligibility.counting_since(connection, [reader.id]),
        "interests": [
            one | {"number": interest.id}
            for one, interest in zip(line["interests"], reader.interests, strict=True)
        ],
        "private_papers": private_lines(connection, reader),
        "editions": [records.edition_line(edition) for edition in reversed(issued)],
    }


def _votes(connection: Connection) -> Iterator[dict[str, Any]]:
    for reader in readers.all(connection):
        cast = votes.of(connection, reader.id)
        names = papers.get(connection, {vote.paper_id for vote in cast})
        for vote in cast:
            yield records.vote_line(vote, reader, str(names[vote.paper_id].identifier))


def _sources(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield the sources that were added by command; the other ones are in the settings."""
    for state in polled_sources.list_states(connection):
        if state.source.by_command:
            yield records.source_line(state)


def _write(file: BinaryIO, content: Iterable[dict[str, Any]]) -> int:
    count = 0
    for line in content:
        file.write(f"{json.dumps(line, ensure_ascii=False)}\n".encode())
        count += 1
    return count
