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


def redact(connection: Connection, texts: Collection[str]) -> None:
    """Replace these words by ``REDACTED`` in the facts of all jobs."""
    wanted = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True) if text)
    if not wanted:
        return
    pattern = re.compile(rf"(?<![\w.+-])(?:{wanted})(?![\w-]|\.\w)", re.IGNORECASE)
    for status in latest(connection).values():
        clean = _without(status.detail, pattern)
        if clean != status.detail:
            which = schema.job_status.c.kind == status.kind
            connection.execute(update(schema.job_status).where(which).values(detail=clean))


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(REDACTED, value)
    if isinstance(value, dict):
        return {_without(key, pattern): _without(one, pattern) for key, one in value.items()}
    return [_without(one, pattern) for one in value] if isinstance(value, list) else value


def latest(connection: Connection) -> dict[str, JobStatus]:
    """Read the last result of each kind of job, by kind."""
    rows = connection.execute(select(schema.job_status).order_by(schema.job_status.c.kind))
    return {row.kind: JobStatus(row.kind, row.at, row.ok, row.detail) for row in rows}
