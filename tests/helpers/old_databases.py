"""Makes a store of an older version, to be migrated, and the rows in it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, Table, insert

from larkpost.db import migrations
from larkpost.db.engine import Store
from larkpost.db.migrations import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    import pytest
    from sqlalchemy import Connection

AT = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@contextmanager
def left_at(revision: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store migrated up to ``revision``, on the fixture's kind of database."""
    file = tmp_path / "old.db"
    lite = request.param == "sqlite"
    store = Store(f"sqlite:///{file}" if lite else request.getfixturevalue("empty_postgres"))
    if lite:
        migrations.make_file(file)
    config = Config()
    config.set_main_option("script_location", str(STEPS.folder))
    with store.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    yield store
    store.close()


class Before:
    """Writes rows of readers and their data, as an older version did."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.tables = MetaData()

    def _insert(self, name: str, /, **values: Any) -> None:
        table = Table(name, self.tables, autoload_with=self.connection)
        for column in table.columns:  # both databases read a time without a zone as UTC
            if isinstance(values.get(column.name), datetime) and (
                self.connection.dialect.name == "sqlite"
            ):
                values[column.name] = values[column.name].replace(tzinfo=None)
        self.connection.execute(insert(table).values(**values))

    def reader(self, number: int, address: str | None, **values: Any) -> None:
        usual = {
            "uid": f"uid-{number}", "name": "", "status": "active", "zone": "UTC", "at": time(6),
            "days": 127, "size": 10, "threshold": 0.0, "weekly": False, "next_slot": AT,
            "feed_key": f"key-{number}", "created": AT - 10 * DAY, "relinked": 0,
            "quiet_mail": False,
        }  # fmt: skip
        self._insert("reader", id=number, address=address, **usual | values)

    def interest(self, number: int, reader: int, name: str, *words: str) -> None:
        self._insert("interest", id=number, reader_id=reader, name=name, words=list(words), quota=1)

    def paper(self, number: int) -> None:
        self._insert(
            "paper", id=number, uid=f"paper-{number}", scheme="arxiv", value=str(number),
            title=f"Title {number}", abstract="", authors=[], categories=[], first_seen=AT,
            arrived=AT, updated=AT, title_key=str(number),
        )  # fmt: skip

    def vote(self, reader: int, paper: int, thumb: int, at: datetime, interest: int) -> None:
        self._insert(
            "vote", reader_id=reader, paper_id=paper, thumb=thumb, at=at, via="cli",
            interest_id=interest,
        )  # fmt: skip

    def edition(self, number: int, reader: int, day: date, paper: int, state: str) -> None:
        self._insert(
            "edition", id=number, reader_id=reader, date=day, published_at=AT, note="",
            considered=1,
        )  # fmt: skip
        self._insert(
            "pick", edition_id=number, position=1, paper_id=paper, score=1.0, probability=0.5,
            propensity=1.0, explored=False, interest="", because=[], against=[],
        )  # fmt: skip
        self._insert(
            "delivery", edition_id=number, reader_id=reader, state=state, day=day, attempts=0,
            doubts=0, message_id=f"<{number}@x>", next_try=AT, reply="",
        )  # fmt: skip
