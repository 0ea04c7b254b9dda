"""The files refused since a dump was last read: which, why, what to try, and where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from larkpost.db.coordination import job_status

if TYPE_CHECKING:
    from larkpost.db.coordination.job_status import JobStatus
    from larkpost.db.engine import Connection

MOST_REFUSALS = 20  # that are remembered
_MAIL = "digest mail"  # the event that keeps those of mails


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file in which nothing could be read; ``place`` is its path, or empty."""

    file: str
    reason: str
    hint: str
    place: str
    at: datetime

    @property
    def record(self) -> dict[str, Any]:
        """Its form in JSON, in which the event of the inbox keeps it."""
        return asdict(self) | {"at": self.at.isoformat()}


def refusals_since(newest_read: datetime | None, now: datetime) -> datetime | None:
    """Give the moment from which refusals are told: the last dump that was read, or a day ago.

    Polled sources are read all day: the last dump alone says nothing about a file put in by hand.
    """
    return None if newest_read is None else min(newest_read, now - timedelta(days=1))


def inbox_refusals(happened: Mapping[str, JobStatus], since: datetime | None) -> list[Refusal]:
    """Read what the sweeps of the inbox refused ``since`` a moment, the latest last."""
    return _refusals(happened.get("inbox"), since)


def remember_mail_refusal(connection: Connection, refusal: Refusal, now: datetime) -> None:
    """Write down a mail of an allowed sender in which there was no paper."""
    earlier = _refusals(job_status.latest(connection).get(_MAIL), None)
    records = [one.record for one in (*earlier, refusal)][-MOST_REFUSALS:]
    job_status.record(connection, _MAIL, ok=True, now=now, refused=records)


def _refusals(event: JobStatus | None, since: datetime | None) -> list[Refusal]:
    records = event.detail.get("refused", ()) if event else ()
    refusals = (Refusal(**record | {"at": _moment(record["at"])}) for record in records)
    return [one for one in refusals if since is None or one.at >= since]


def all_refusals(happened: Mapping[str, JobStatus], since: datetime | None) -> list[Refusal]:
    """Read what was refused ``since`` a moment: files of the inbox, mails, and by a command."""
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
