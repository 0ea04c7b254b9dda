"""Stores polled sources: the health of each, and the state of its pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from larkpost.db import schema, upsert_statement
from larkpost.settings.polled_sources import PolledSource

_source, _page = schema.polled_source, schema.polled_page


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of a source; the columns are explained in ``db.schema``."""

    source: PolledSource
    added_at: datetime
    next_poll_at: datetime
    last_poll_at: datetime | None = None
    last_answer_at: datetime | None = None
    watched_since: datetime | None = None
    last_news_at: datetime | None = None
    news_count: int = 0
    longest_gap: float = 0.0
    papers: int = 0
    failures: int = 0
    problem: str | None = None
    problem_text: str = ""
    problem_hint: str = ""
    problem_since: datetime | None = None
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class PageState:
    """The state of one address of a source."""

    source: str
    url: str
    day: date | None
    etag: str
    last_modified: str
    trusted: bool
    digest: str
    dump_id: int | None
    papers: int
    checked_at: datetime
    whole_at: datetime
    grown_at: datetime
    moved_to: str = ""


_OF_SOURCE = tuple(field.name for field in fields(PolledSource))
_OF_STATE = tuple(field.name for field in fields(SourceState) if field.name != "source")
_OF_PAGE = tuple(field.name for field in fields(PageState))


def list_states(connection: Connection) -> list[SourceState]:
    """Read the states of all sources that were ever polled or added, by name."""
    rows = connection.execute(select(_source).order_by(_source.c.name))
    return [_state(row) for row in rows]


def save(connection: Connection, state: SourceState) -> None:
    """Store the state of a source."""
    values = {name: getattr(state, name) for name in _OF_STATE}
    values |= {name: getattr(state.source, name) for name in _OF_SOURCE}
    statement = upsert_statement.insert(connection, _source).values(values)
    new = {name: statement.excluded[name] for name in values if name != "name"}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=new))


def update_state(connection: Connection, state: SourceState) -> bool:
    """Store the state of a source unless it was removed meanwhile; returns whether it exists.

    Its address and options are not written, because somebody may have changed them meanwhile.
    """
    values = {name: getattr(state, name) for name in _OF_STATE if name != "added_at"}
    mine = _source.c.name == state.source.name
    is_same = _source.c.address == state.source.address
    return connection.execute(update(_source).where(mine, is_same).values(values)).rowcount > 0


def remove(connection: Connection, names: Collection[str]) -> int:
    """Delete sources with all their data; returns their number."""
    return connection.execute(delete(_source).where(_source.c.name.in_(names))).rowcount


def make_due(connection: Connection, name: str, now: datetime) -> None:
    """Make a source due at once."""
    mine = _source.c.name == name
    connection.execute(
        update(_source).where(mine, _source.c.next_poll_at > now).values(next_poll_at=now)
    )


def put_off(connection: Connection, names: Collection[str], until: datetime) -> None:
    """Postpone the poll of sources to ``until`` at the earliest."""
    sooner = (_source.c.name.in_(names), _source.c.next_poll_at < until)
    connection.execute(update(_source).where(*sooner).values(next_poll_at=until))


def pages(connection: Connection, source: str) -> dict[str, PageState]:
    """Read the states of a source's addresses, by address."""
    rows = connection.execute(select(_page).where(_page.c.source == source))
    return {row.url: PageState(**row._mapping) for row in rows}


def save_page(connection: Connection, page: PageState) -> None:
    """Store the state of an address; does nothing if its source was removed meanwhile."""
    if (
        connection.execute(select(_source.c.name).where(_source.c.name == page.source)).first()
        is None
    ):
        return
    values = {name: getattr(page, name) for name in _OF_PAGE}
    statement = upsert_statement.insert(connection, _page).values(values)
    new = {name: statement.excluded[name] for name in values if name not in ("source", "url")}
    connection.execute(statement.on_conflict_do_update(index_elements=["source", "url"], set_=new))


def forget_pages(connection: Connection, source: str, urls: Iterable[str]) -> None:
    """Delete addresses of a source."""
    connection.execute(delete(_page).where(_page.c.source == source, _page.c.url.in_(list(urls))))


def _state(row: Row[Any]) -> SourceState:
    values = dict(row._mapping)
    source = PolledSource(**{name: values.pop(name) for name in _OF_SOURCE})
    return SourceState(source, **values)
