"""A store as an older version left it, to be migrated."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

from larkpost.store import migrations
from larkpost.store.engine import Store
from larkpost.store.migrations import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


@contextmanager
def left_at(revision: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store migrated up to ``revision``, on the kind of database the fixture is for."""
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
