"""Translates the errors of database drivers into our own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from larkpost.disk_space import is_at_limit, lacks_room, no_room
from larkpost.errors import Busy, LarkpostError, StoreError, TryAgainLater, UnknownReader
from larkpost.masking import mask_text

_RESTORE = "do not change the file; restore a backup, and run larkpost doctor"
_BROKEN = "do not change the file; check the disk, and run larkpost doctor"
_MAY_BE_ROOM = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM}
_MAY_BE_LIMIT = _MAY_BE_ROOM | {sqlite3.SQLITE_FULL}
_VALUES = re.compile(r"\n(?:DETAIL|CONTEXT):")
_OF_THUMBS = {"fk_vote_paper_id_paper", "fk_forgotten_vote_paper_id_paper"}
_SERVER = "check that the server runs and that database.url is right"


@contextmanager
def translate_errors(name: str, hide: Iterable[str] = ()) -> Iterator[None]:
    """Translate the driver's errors about the database ``name`` into our own.

    ``hide`` are the passwords in its URL, which no message repeats. Nor do messages, which are
    logged, repeat values of a statement: addresses, feed keys, titles on readers' lists.
    """
    try:
        yield
    except DBAPIError as error:
        ours = (translate(one, name, hide) for one in _with_earlier(error))
        if (first := next(filter(None, ours), None)) is None:
            _leave_out_values(error)
            raise
        raise first from error
    except PoolExhausted as error:
        raise Busy(f"every connection to {name} is in use", hint="try again") from error


def _leave_out_values(error: DBAPIError) -> None:
    """Cut an error's message before PostgreSQL's details, such as "Key (address)=(…) exists".

    The engines hide the parameters of statements themselves.
    """
    error.args = tuple(_VALUES.split(str(told), maxsplit=1)[0] for told in error.args)


def _with_earlier(error: BaseException | None) -> Iterator[DBAPIError]:
    """Yield an error of the driver, then its context errors.

    On a full disk SQLite rolls back, and a later cleanup finds a table missing (Alembic's does).
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, DBAPIError):
            yield error
        error = error.__context__


def is_interruption(error: DBAPIError) -> bool:
    """Return whether a statement was aborted because of ``larkpost.db.engine.time_limit``."""
    lite = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
    return lite or getattr(error.orig, "sqlstate", None) == "57014"


def translate(error: DBAPIError, name: str, hide: Iterable[str] = ()) -> LarkpostError | None:
    """Choose the error to raise in place of a driver's, about the database ``name``.

    None if the error concerns the statement, not the database.
    """
    if isinstance(error.orig, sqlite3.Error):
        return translate_sqlite(error.orig, name)
    words = mask_text(" ".join(str(error.orig).split()), hide)
    return _postgres(error.orig, words, name)


def translate_sqlite(error: sqlite3.Error, name: str) -> LarkpostError | None:
    """Choose by the primary result code (https://www.sqlite.org/rescode.html).

    A full disk has its own error only when SQLite extends the database or its journal. For other
    files, or a used-up quota, SQLite reports a disk or open error.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _MAY_BE_LIMIT and is_at_limit(Path(name)):
        return no_room(name, error, limited=True)
    if code in _MAY_BE_ROOM and lacks_room(Path(name).parent):
        return no_room(name, error)
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Busy(f"{name} is locked by another process", hint="try again in a moment")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreError(f"{name} is damaged, or is not a database ({error})", hint=_RESTORE)
        case sqlite3.SQLITE_READONLY:
            return StoreError(
                f"{name} cannot be written: file or disk is read-only ({error})",
                hint="check who owns the file and its folder, and how the disk is mounted",
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreError(
                f"{name} cannot be opened ({error})",
                hint="check that its folder is there and that you may write in it",
            )
        case sqlite3.SQLITE_FULL:
            return no_room(name, error)
        case sqlite3.SQLITE_IOERR:
            return StoreError(f"the disk failed at {name} ({error})", hint=_BROKEN)
    return None


def _constraint(error: BaseException | None) -> str:
    """Name the constraint that PostgreSQL's error is about."""
    return getattr(getattr(error, "diag", None), "constraint_name", None) or ""


def _postgres(error: BaseException | None, told: str, name: str) -> LarkpostError | None:
    """Choose by SQLSTATE code (PostgreSQL's manual, appendix A); no code means no connection."""
    match state := getattr(error, "sqlstate", None):
        case "40001" | "40P01" | "55P03" | "57014":
            return Busy(f"{name} is locked by another process ({told})", hint="try again")
        case "53100":
            return no_room(name, told)
        case "25006":
            return StoreError(f"{name} cannot be written: it is read-only ({told})", hint=_SERVER)
        case "23503" if _constraint(error).endswith("_reader"):
            return UnknownReader("this reader was removed meanwhile")
        case "23503" if _constraint(error) in _OF_THUMBS:
            return Busy("this paper was merged into another one meanwhile", hint="try again")
        case "XX001" | "XX002":
            return StoreError(f"{name} is damaged ({told})", hint="restore a backup")
    if state is None and type(error).__name__ == "OperationalError":
        return TryAgainLater(f"{name} does not answer ({told})", hint=_SERVER)
    if state is not None and state[:2] in {"08", "53", "57"}:
        return TryAgainLater(f"{name} does not answer ({told})", hint=_SERVER)
    return None
