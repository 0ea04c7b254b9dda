"""Copies a running SQLite database, and checks its integrity."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from larkpost.disk_space import is_at_limit, is_no_room, lacks_room, no_room
from larkpost.errors import StoreError
from larkpost.safe_files import draft_file, put_in_place, remove_stale_drafts

if TYPE_CHECKING:
    from larkpost.db.engine import Store


def copy(file: Path, target: Path) -> None:
    """Write a consistent copy of a database while others may write to it.

    The copy appears under its name only when it is complete and flushed. Raises StoreError, and
    NoRoom if the disk is full; then no part of it stays.
    """
    remove_stale_drafts(target.parent)
    limited = False
    try:
        with draft_file(target) as draft:  # it contains the data of the database
            try:
                _copy_into(draft, file)
            except (sqlite3.Error, OSError):
                limited = is_at_limit(draft)
                raise
            put_in_place(draft, target)
    except (sqlite3.Error, OSError) as error:
        if limited or is_no_room(error) or _is_full(error) or lacks_room(target.parent):
            raise no_room(f"the copy {target}", error, limited=limited) from error
        raise StoreError(
            f"{file} could not be copied to {target} ({error})",
            hint="check that you may write in the folder",
        ) from error


def _copy_into(draft: Path, file: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(draft)) as copied,
        ):
            source.backup(copied)
    finally:  # a journal of the copy must not use the remaining space
        for end in ("-journal", "-wal"):
            draft.with_name(f"{draft.name}{end}").unlink(missing_ok=True)


def _is_full(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def faults(store: Store, limit: int = 20) -> list[str]:
    """List the faults that SQLite finds in its file; empty if it is intact.

    Reads the whole file. PostgreSQL has its own tools (amcheck), so it is not checked.
    """
    if store.file is None:
        return []
    try:
        with store.read() as connection:
            found = connection.exec_driver_sql(f"PRAGMA integrity_check({limit})").scalars().all()
    except StoreError as error:
        return [str(error)]
    return [line for line in found if line != "ok"]
