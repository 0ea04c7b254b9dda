"""Converts rows of the paper table to values and back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, and_, false, func, select

from larkpost.db import schema
from larkpost.db.value_batches import rows_among
from larkpost.domain import Identifier, Paper

COLUMNS = tuple(column for column in schema.paper.c if column.name != "title_key")
# Public papers: not the private papers of readers.
PUBLIC = schema.paper.c.owner_id.is_(None)
# The same, written so that no index fits: SQLite would choose that of owners, and so read nearly
# all papers, although another condition of the statement finds a few.
PUBLIC_UNINDEXED = func.coalesce(schema.paper.c.owner_id, 0) == 0
# Recommendable papers: public and not withdrawn.
RECOMMENDABLE = and_(PUBLIC, schema.paper.c.withdrawn == false())


def paper(row: Row[Any]) -> Paper:
    """Make a paper from a row of ``COLUMNS``."""
    return Paper(
        id=row.id,
        uid=row.uid,
        identifier=Identifier(row.scheme, row.value),
        title=row.title,
        abstract=row.abstract,
        first_seen=row.first_seen,
        ingested_at=row.ingested_at,
        updated=row.updated,
        authors=tuple(row.authors),
        categories=tuple(row.categories),
        published=row.published,
        url=row.url,
        upvotes=row.upvotes,
        owner_id=row.owner_id,
        organisation=row.organisation,
        links=row.links or (),
        withdrawn=row.withdrawn,
        version=row.version,
        text_seen=row.text_seen,
        unverified=row.unverified,
        text_source=row.text_source or "",
        keywords=row.keywords or (),
        comment=row.comment,
        journal_ref=row.journal_ref,
        thumbnail=row.thumbnail,
    )


def values(paper: Paper) -> dict[str, Any]:
    """Return the values of every column except the id."""
    from larkpost.text.minhash import title_key

    return {
        "uid": paper.uid,
        "scheme": paper.identifier.scheme,
        "value": paper.identifier.value,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": paper.authors,
        "categories": paper.categories,
        "published": paper.published,
        "first_seen": paper.first_seen,
        "ingested_at": paper.ingested_at,
        "updated": paper.updated,
        "url": paper.url,
        "upvotes": paper.upvotes,
        "title_key": title_key(paper.title),
        "owner_id": paper.owner_id,
        "organisation": paper.organisation,
        "links": paper.links or None,
        "withdrawn": paper.withdrawn,
        "version": paper.version,
        "text_seen": paper.text_seen,
        "unverified": int(paper.unverified),
        "text_source": paper.text_source or None,
        "keywords": paper.keywords or None,
        "comment": paper.comment,
        "journal_ref": paper.journal_ref,
        "thumbnail": paper.thumbnail,
    }


def get(connection: Connection, ids: Collection[int]) -> dict[int, Paper]:
    """Read the papers with these ids; missing ones are left out."""
    rows = rows_among(connection, select(*COLUMNS), schema.paper.c.id, set(ids))
    return {row.id: paper(row) for row in rows}
