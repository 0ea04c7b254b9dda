"""Takes everything out as JSON Lines and in again: papers, readers with their editions, votes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from larkpost.disk_space import is_no_room, no_room
from larkpost.flows import lines
from larkpost.store import bounces, counted_readers, deliveries, editions, papers, readers, votes
from larkpost.store.batches import batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from larkpost.domain import Edition, Identifier, Paper, Reader
    from larkpost.store.engine import Connection, Store


def export(store: Store, folder: Path) -> dict[str, int]:
    """Write ``papers.jsonl``, ``readers.jsonl`` and ``votes.jsonl``; returns their line counts.

    Each file appears whole or not at all, readable by its owner alone; all three show one
    moment of the database.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with store.read() as connection:
        return {
            name: _write(folder / f"{name}.jsonl", content)
            for name, content in (
                ("papers", paper_lines(connection, papers.iterate(connection))),
                ("readers", _readers(connection)),
                ("votes", _votes(connection)),
            )
        }


def about(connection: Connection, reader: Reader) -> Iterator[dict[str, Any]]:
    """Give everything about one reader as lines, each of which says in ``kind`` what it is.

    The reader, their votes, the papers of both, as in the three files; then what became of the
    letters to them, and which came back.
    """
    issued = editions.latest(connection, reader.id, limit=10**6)
    yield {"kind": "reader", "created": lines.moment(reader.created)} | _reader_line(
        connection, reader, issued
    )
    cast = votes.of(connection, reader.id)
    named = papers.get(connection, {vote.paper_id for vote in cast})
    for vote in cast:
        name = str(named[vote.paper_id].identifier)
        yield {"kind": "vote"} | lines.vote_line(vote, reader, name)
    picked = editions.picked(connection, [reader.id])[reader.id]
    for line in paper_lines(connection, papers.get(connection, picked | set(named)).values()):
        yield {"kind": "paper"} | line
    days = {edition.id: edition.date for edition in issued}
    for delivery in deliveries.of(connection, reader.id):
        day = days[delivery.edition_id]
        yield {"kind": "delivery"} | lines.delivery_line(delivery, reader, day)
    for bounce in bounces.of(connection, reader.id):
        yield {"kind": "bounce"} | lines.bounce_line(bounce, reader)


def paper_lines(connection: Connection, some: Iterable[Paper]) -> Iterator[dict[str, Any]]:
    """Give papers as lines with all their names: ``also`` holds those beside ``id``.

    Names by text are left out, for they follow from the text.
    """
    for batch in batches(some):
        also: dict[int, list[Identifier]] = {paper.id: [] for paper in batch}
        for name, paper_id in papers.names(connection, also):
            also[paper_id].append(name)
        for paper in batch:
            others = (n for n in also[paper.id] if n != paper.identifier and n.scheme != "text")
            yield lines.paper_line(paper) | {"also": [str(name) for name in sorted(others)]}


def _readers(connection: Connection) -> Iterator[dict[str, Any]]:
    for reader in readers.all(connection):
        issued = editions.latest(connection, reader.id, limit=10**6)
        yield _reader_line(connection, reader, issued)


def _reader_line(
    connection: Connection, reader: Reader, issued: Sequence[Edition]
) -> dict[str, Any]:
    """A reader with all that old links and feeds go by: numbers, too."""
    line = lines.reader_line(reader)
    return line | {
        "number": reader.id,
        "created": lines.moment(reader.created),
        "feed_key": reader.feed_key,
        "counted": reader.id in counted_readers.begun(connection, [reader.id]),
        "themes": [
            theme | {"number": interest.id}
            for theme, interest in zip(line["themes"], reader.interests, strict=True)
        ],
        "editions": [lines.edition_line(edition) for edition in reversed(issued)],
    }


def _votes(connection: Connection) -> Iterator[dict[str, Any]]:
    for reader in readers.all(connection):
        cast = votes.of(connection, reader.id)
        names = papers.get(connection, {vote.paper_id for vote in cast})
        for vote in cast:
            yield lines.vote_line(vote, reader, str(names[vote.paper_id].identifier))


def _write(path: Path, content: Iterable[dict[str, Any]]) -> int:
    """Write a file whole or not at all; raises NoRoom, and then no part of it stays."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            count = 0
            for line in content:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError) and is_no_room(error):
            raise no_room(path, error) from error
        raise
    return count
