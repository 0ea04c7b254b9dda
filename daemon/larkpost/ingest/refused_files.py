"""The files refused since a dump was last read, with reason, hint and path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from larkpost.db.coordination import job_status

if TYPE_CHECKING:
    from larkpost.db.coordination.job_status import JobStatus
    from larkpost.db.engine import Connection

MOST_REFUSALS = 20  # refusals that are stored
_MAIL = "digest mail"  # the event that stores the refusals of mails


@dataclass(frozen=True, slots=True)
class Refusal:
    """An unreadable file; ``place`` is its path, or empty."""

    file: str
    reason: str
    hint: str
    place: str
    at: datetime

    @property
    def record(self) -> dict[str, Any]:
        """Return the JSON form stored in the event of the inbox."""
        return asdict(self) | {"at": self.at.isoformat()}


def refusals_since(newest_read: datetime | None, now: datetime) -> datetime | None:
    """Return the time from which refusals are reported: the last dump, or a day ago.

    Sources are polled all day, so the last dump alone says nothing about files added by hand.
    """
    return None if newest_read is None else min(newest_read, now - timedelta(days=1))


def inbox_refusals(happened: Mapping[str, JobStatus], since: datetime | None) -> list[Refusal]:
    """Read the inbox refusals ``since`` a time, the latest last."""
    return _refusals(happened.get("inbox"), since)


def remember_mail_refusal(connection: Connection, refusal: Refusal, now: datetime) -> None:
    """Record that a mail from an allowed sender contained no paper."""
    earlier = _refusals(job_status.latest(connection).get(_MAIL), None)
    records = [one.record for one in (*earlier, refusal)][-MOST_REFUSALS:]
    job_status.record(connection, _MAIL, ok=True, now=now, refused=records)


def _refusals(event: JobStatus | None, since: datetime | None) -> list[Refusal]:
    records = event.detail.get("refused", ()) if event else ()
    refusals = (Refusal(**record | {"at": _moment(record["at"])}) for record in records)
    return [one for one in refusals if since is None or one.at >= since]


def all_refusals(happened: Mapping[str, JobStatus], since: datetime | None) -> list[Refusal]:
    """Read all refusals ``since`` a time: files of the inbox, mails, and files of commands."""
    refusals = [*inbox_refusals(happened, since), *_refusals(happened.get(_MAIL), since)]
    refusals.sort(key=lambda one: one.at)
    event = happened.get("ingest")
    if event is None or event.ok or (since is not None and event.at < since):
        return refusals
    name, problem, hint = (str(event.detail.get(key, "")) for key in ("name", "problem", "hint"))
    if name in {one.file for one in refusals}:
        return refusals
    return [*refusals, Refusal(name, problem, hint, "", event.at)]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
