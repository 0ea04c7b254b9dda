"""Stores the latest result of each kind of job, for status, healthz and the report."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from larkpost.db import schema, upsert_statement

REDACTED = "a reader who is gone"
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The last result of a job: time, success, and JSON facts."""

    kind: str
    at: datetime
    ok: bool
    detail: Mapping[str, Any] = field(default_factory=dict)


def record(connection: Connection, kind: str, *, ok: bool, now: datetime, **detail: object) -> None:
    """Record the result of a job, replacing the previous one."""
    statement = upsert_statement.insert(connection, schema.job_status).values(
        kind=kind, at=now, ok=ok, detail=detail
    )
    new = {name: statement.excluded[name] for name in ("at", "ok", "detail")}
    connection.execute(statement.on_conflict_do_update(index_elements=["kind"], set_=new))


def redact(connection: Connection, texts: Collection[str], *, names: Collection[str] = ()) -> None:
    """Replace words about a reader by ``REDACTED`` in the facts of all jobs.

    ``texts``, such as addresses, are replaced in every value and in names of files. ``names`` were
    chosen freely, so they are replaced in sentences only: a reader called "until" who deleted
    everything renamed a fact of the same name, and no mail went any more.
    """
    everywhere, in_sentences = _words(texts), _words((*texts, *names))
    if in_sentences is None:
        return
    for status in latest(connection).values():
        clean = _without(status.detail, everywhere, in_sentences)
        if clean != status.detail:
            which = schema.job_status.c.kind == status.kind
            connection.execute(update(schema.job_status).where(which).values(detail=clean))


def _words(texts: Collection[str]) -> re.Pattern[str] | None:
    """Make the pattern of these words; None if there are none."""
    wanted = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True) if text)
    if not wanted:
        return None
    return re.compile(rf"(?<![\w.+-])(?:{wanted})(?![\w-]|\.\w)", re.IGNORECASE)


def _without(value: Any, everywhere: re.Pattern[str] | None, in_sentences: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        pattern = in_sentences if _SPACE.search(value) else everywhere
        return _redacted(value, pattern) if pattern else value
    if isinstance(value, dict):
        return {
            # The names of facts are identifiers; other keys are names of files.
            key if key.isidentifier() or not everywhere else _redacted(key, everywhere): _without(
                one, everywhere, in_sentences
            )
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_without(one, everywhere, in_sentences) for one in value]
    return value


def _redacted(text: str, pattern: re.Pattern[str]) -> str:
    """Replace words between those that were redacted before.

    Readers called "a" and "reader" had their names replaced in ``REDACTED`` itself, which made each
    deletion half as long again: fifty of them made a gigabyte of a sentence.
    """
    return REDACTED.join(pattern.sub(REDACTED, part) for part in text.split(REDACTED))


def latest(connection: Connection) -> dict[str, JobStatus]:
    """Read the last result of each kind of job, by kind."""
    rows = connection.execute(select(schema.job_status).order_by(schema.job_status.c.kind))
    return {row.kind: JobStatus(row.kind, row.at, row.ok, row.detail) for row in rows}
