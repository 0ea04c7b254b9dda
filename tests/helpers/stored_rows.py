"""Reads what the store holds, for tests that compare it as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.db import readers, votes
from larkpost.db.search.find import find, parse

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from larkpost.domain import Paper, Vote


def search_papers(connection: Connection, words: str) -> list[Paper]:
    """Find papers as the search page does."""
    return list(find(connection, parse(words), limit=50).papers)


def all_votes(connection: Connection) -> list[Vote]:
    """Read every vote, reader by reader, oldest first."""
    return [vote for one in readers.all(connection) for vote in votes.of(connection, one.id)]
