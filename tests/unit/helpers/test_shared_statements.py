"""Tests that what one engine compiled serves another of its kind, with the other's own values."""

from __future__ import annotations

from sqlalchemy import create_engine, event, literal, select
from tests.helpers.speed.shared_statements import SharedStatements


def test_two_engines_share_a_statement_and_not_its_values() -> None:
    compiled = []
    for value in ("one", "two"):
        engine = create_engine("sqlite://")

        @event.listens_for(engine, "before_cursor_execute", retval=False)
        def look(*facts: object) -> None:
            compiled.append(facts[4].compiled)  # type: ignore[attr-defined]  # the context

        with engine.connect() as connection:
            found = connection.execute(select(literal(value).label("a_word"))).scalar_one()
        engine.dispose()
        assert found == value

    assert compiled[0] is compiled[1]


def test_a_statement_of_another_kind_of_database_is_not_shared() -> None:
    shared = SharedStatements()
    one, same, other = (
        create_engine(url).dialect
        for url in ("sqlite://", "sqlite:///b.db", "postgresql+psycopg://")
    )
    shared[one, "key"] = "SQL of SQLite"

    assert shared.get((same, "key")) == "SQL of SQLite"
    assert shared.get((other, "key")) is None
