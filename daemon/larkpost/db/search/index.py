"""The search index, in each database's own form: an FTS5 table, or text vectors under GIN.

It is not in ``larkpost.db.schema``, which both databases share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    cast,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from larkpost.db import schema
from larkpost.db.search.tokenize import BREAK, Document, document, index_document
from larkpost.db.value_batches import batches, write_among
from larkpost.domain import Paper

if TYPE_CHECKING:
    from larkpost.db.search.query import SearchTerm

NAME = "search"

# The index stores no texts ("contentless"), only words. The tokenizer is the simplest one;
# ``larkpost.db.search.tokenize`` prepares the words.
_FTS5 = "fts5(title, authors, abstract, content='', tokenize='ascii')"
_VECTORS = (
    "(paper_id BIGINT CONSTRAINT pk_search PRIMARY KEY"
    " CONSTRAINT fk_search_paper_id_paper REFERENCES paper ON DELETE CASCADE,"
    " words TSVECTOR NOT NULL)"
)
_PARTS = ("rowid", "title", "authors", "abstract")
_LITE = table(NAME, *map(column, _PARTS))
_ORDERS = table(NAME, *map(column, (NAME, *_PARTS)))  # FTS5 takes commands in this column
_PG = table(NAME, column("paper_id", BigInteger), column("words", TSVECTOR))
_WEIGHTS = (8.0, 4.0, 1.0)  # weights of a word in title, authors, abstract
_SHARES = "'{0,0.125,0.5,1}'::float4[]"  # the same for PostgreSQL: of labels D, C, B, A


def create(connection: Connection) -> None:
    """Make the index, empty."""
    if _lite(connection):
        connection.exec_driver_sql(f"CREATE VIRTUAL TABLE {NAME} USING {_FTS5}")
        return
    connection.exec_driver_sql(f"CREATE TABLE {NAME} {_VECTORS}")
    # A query for title or author reads the vectors, and fetching them from another place would take
    # most of its time.
    connection.exec_driver_sql(f"ALTER TABLE {NAME} ALTER words SET STORAGE MAIN")
    connection.exec_driver_sql(f"CREATE INDEX ix_search_words ON {NAME} USING gin (words)")


def fill(connection: Connection) -> None:
    """Write every paper into an empty index.

    A migration calls this too, at a step that did not distinguish private papers yet: it removes
    them later.
    """
    paper = schema.paper.c
    chosen = select(paper.id, paper.title, paper.authors, paper.abstract).order_by(paper.id)
    for rows in batches(connection.execute(chosen, execution_options={"yield_per": 1_000})):
        found = [(row.id, index_document(row.title, row.authors, row.abstract)) for row in rows]
        _insert(connection, found)
    merge_parts(connection)


def write(connection: Connection, papers: Iterable[Paper]) -> None:
    """Write papers that are not yet in the index."""
    _insert(connection, [(paper.id, document(paper)) for paper in papers])


def rewrite(connection: Connection, changes: Iterable[tuple[Paper, Paper]]) -> None:
    """Rewrite papers, each given as before and after; those with the same words are skipped."""
    replace(connection, ((new.id, document(old), document(new)) for old, new in changes))


def replace(connection: Connection, laid: Iterable[tuple[int, Document, Document]]) -> None:
    """Replace papers, each given by its id, its old words and its new words."""
    differ = [(number, old, new) for number, old, new in laid if old != new]
    if not _lite(connection):
        _replace(connection, [(number, new) for number, _, new in differ])
        return
    if differ:  # a row is deleted by repeating its content
        gone = [{NAME: "delete", **_row(number, old)} for number, old, _ in differ]
        connection.execute(insert(_ORDERS), gone)
    _insert(connection, [(number, new) for number, _, new in differ])


def remove(connection: Connection, gone: Iterable[tuple[int, Document]]) -> None:
    """Remove papers from the index, each given by its id and its words.

    SQLite keeps the words themselves on the disk until ``merge_parts``.
    """
    rows = list(gone)
    if not rows:
        return
    if not _lite(connection):
        write_among(connection, delete(_PG), _PG.c.paper_id, (number for number, _ in rows))
        return
    orders = [{NAME: "delete", **_row(number, laid)} for number, laid in rows]
    connection.execute(insert(_ORDERS), orders)


def merge_parts(connection: Connection) -> None:
    """Merge the index into one part: smaller, faster, and without removed words."""
    if _lite(connection):
        connection.execute(insert(_ORDERS), {NAME: "optimize"})


def merge_rarely(connection: Connection) -> None:
    """Prepare the index for many papers in several transactions; ``merge_often`` ends this.

    FTS5 then collects the words of a whole transaction before it writes them, and merges eight
    parts into one instead of four: a fifth less work. With 16 parts, some transactions would merge
    them all and hold the write lock for 0.3 s. If this is never ended, searches read a few more
    parts.
    """
    _set_options(connection, automerge=8, hashsize=4 * 1024 * 1024)


def merge_often(connection: Connection) -> None:
    """Set FTS5's own numbers again."""
    _set_options(connection, automerge=4, hashsize=1024 * 1024)


def _set_options(connection: Connection, **options: int) -> None:
    if _lite(connection):
        statement = f"INSERT INTO {NAME} ({NAME}, rank) VALUES (?, ?)"  # noqa: S608 - our name
        connection.exec_driver_sql(statement, list(options.items()))


def hits(connection: Connection, terms: Sequence[SearchTerm], *, some: bool = False) -> Select[Any]:
    """Select ``id`` and ``relevance`` (more is better) of papers with all terms, or with some.

    Relevance is BM25 on SQLite, ``ts_rank`` on PostgreSQL, with the same weights of the parts.
    """
    condition = _condition(connection, terms, some=some)
    if _lite(connection):
        score = -func.bm25(literal_column(NAME, Text), *_WEIGHTS)
        return select(_LITE.c.rowid.label("id"), score.label("relevance")).where(condition)
    question = _question(terms, some=some)
    rank = func.ts_rank(literal_column(_SHARES), _PG.c.words, question, 1)  # 1: by length
    return select(_PG.c.paper_id.label("id"), rank.label("relevance")).where(condition)


def matches(
    connection: Connection, terms: Sequence[SearchTerm], *, some: bool = False
) -> Select[Any]:
    """Select only the ids of papers with all terms, or with some, without their relevance."""
    number = _LITE.c.rowid if _lite(connection) else _PG.c.paper_id
    return select(number.label("id")).where(_condition(connection, terms, some=some))


def without(connection: Connection, terms: Sequence[SearchTerm]) -> ColumnElement[bool]:
    """Leave out the papers that have one of these terms.

    In one query of the index: with one for each of 15 terms, PostgreSQL took 5 seconds at 10,000
    papers. PostgreSQL joins ``NOT EXISTS``, whatever its size, and a large ``NOT IN`` only if it
    fits into ``work_mem``; SQLite would query the index once per paper for ``NOT EXISTS``.
    """
    if _lite(connection):
        return schema.paper.c.id.not_in(matches(connection, terms, some=True))
    mine = _PG.c.paper_id == schema.paper.c.id
    return ~exists().where(mine, _condition(connection, terms, some=True))


def _condition(
    connection: Connection, terms: Sequence[SearchTerm], *, some: bool = False
) -> ColumnElement[bool]:
    if _lite(connection):
        asked = (" OR " if some else " AND ").join(_match(term) for term in terms)
        return literal_column(NAME, Text).op("MATCH", is_comparison=True)(asked)
    return _PG.c.words.op("@@", is_comparison=True)(_question(terms, some=some))


def _question(terms: Sequence[SearchTerm], *, some: bool) -> ColumnElement[Any]:
    return cast(literal((" | " if some else " & ").join(map(_tsquery, terms))), TSQUERY)


def _lite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _row(number: int, laid: Document) -> dict[str, Any]:
    return {"rowid": number, **asdict(laid)}


def _insert(connection: Connection, documents: Sequence[tuple[int, Document]]) -> None:
    if not documents:
        return
    if _lite(connection):
        # As tuples to the driver: SQLAlchemy's parameters cost more than a row of the index.
        statement = f"INSERT INTO {NAME} ({', '.join(_PARTS)}) VALUES (?, ?, ?, ?)"  # noqa: S608
        rows = [(number, one.title, one.authors, one.abstract) for number, one in documents]
        connection.exec_driver_sql(statement, rows)
        return
    vectors = [{"paper_id": number, "words": _vector(laid)} for number, laid in documents]
    connection.execute(insert(_PG), vectors)


def _replace(connection: Connection, documents: Sequence[tuple[int, Document]]) -> None:
    for number, laid in documents:
        changed = update(_PG).where(_PG.c.paper_id == number)
        connection.execute(changed.values(words=_vector(laid)))


def _vector(laid: Document) -> str:
    """Convert a document to PostgreSQL's form: ``'word':1A,5C``, with a gap between the parts."""
    places: dict[str, list[str]] = {}
    at = 0
    for part, weight in ((laid.title, "A"), (laid.authors, "B"), (laid.abstract, "C")):
        for at, word in enumerate(part.split(), at + 2):  # noqa: B020 - counts on
            if word != BREAK:
                places.setdefault(word, []).append(f"{at}{weight}")
    return " ".join(f"'{word}':{','.join(where)}" for word, where in places.items())


def _match(term: SearchTerm) -> str:
    """Convert a term to FTS5's syntax; words are letters and digits, so nothing needs escaping."""
    named = f'authors : "{" ".join(term.spelt)}"'
    if not term.stems:
        return f"({named})"
    return f'({{title abstract}} : "{" ".join(term.stems)}" OR {named})'


def _tsquery(term: SearchTerm) -> str:
    """Convert a term to PostgreSQL's syntax."""
    named = " <-> ".join(f"'{word}':B" for word in term.spelt)
    told = " <-> ".join(f"'{word}':AC" for word in term.stems)
    return f"(({told}) | ({named}))" if told else f"({named})"
