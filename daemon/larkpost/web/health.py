"""The health of the daemon, for monitoring: database, jobs, disk, latest failures."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from larkpost.db.coordination import job_status
from larkpost.editions.empty_day_reasons import EmptyDayReason, explain_empty_day
from larkpost.errors import LarkpostError

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from larkpost.web.site import SiteContext

LEAST_FREE_BYTES = 100 * 1024 * 1024


@dataclass(slots=True)
class Heartbeat:
    """The progress of one job; the scheduler's threads write it, /healthz reads it.

    ``period`` is the time from one run to the next, ``patience`` how long one may run without
    progress; ``beat`` is when one last made progress (a tick: when it succeeded), ``running`` when
    the current run began, ``ended`` when the last one ended; ``failed`` whether that one made no
    progress.
    """

    period: timedelta
    started: datetime
    patience: timedelta = timedelta(minutes=5)
    beat: datetime | None = None
    running: datetime | None = None
    ended: datetime | None = None
    failed: bool = False

    def begin(self, now: datetime) -> None:
        """Record that a run begins."""
        self.running = now

    def move(self, now: datetime) -> None:
        """Record progress of the current run."""
        self.beat = now

    def end(self, now: datetime) -> None:
        """Record the end of the current run, successful or not."""
        self.failed = self.beat is None or (self.running is not None and self.beat < self.running)
        self.running, self.ended = None, now

    def restart(self, now: datetime) -> None:
        """Count from ``now`` if the clock had been ahead; otherwise nothing would seem late."""
        self.started = min(self.started, now)
        self.beat, self.running, self.ended = (
            moment and min(moment, now) for moment in (self.beat, self.running, self.ended)
        )

    def is_alive(self, now: datetime) -> bool:
        """Return whether a run made progress within two periods, or has not run too long."""
        last = self.beat or self.started
        if self.running is None or self.failed:
            return now - last <= 2 * self.period
        return now - max(last, self.running) <= self._longest

    def is_stuck(self, now: datetime) -> bool:
        """Return whether the job is stuck: no run begins, or the current one hangs."""
        signs = (self.started, self.beat, self.running, self.ended)
        return now - max(sign for sign in signs if sign is not None) > self._longest

    def age(self, now: datetime) -> float | None:
        """Return the seconds since the last progress."""
        return None if self.beat is None else round((now - self.beat).total_seconds(), 1)

    @property
    def _longest(self) -> timedelta:
        return max(2 * self.period, self.patience)


def healthz(site: SiteContext, _request: Request, _form: FormData) -> Response:
    """Answer ``/healthz`` in JSON: 200 while everything works, 503 when something does not.

    ``troubles`` names the jobs whose latest run failed (for example because the mail server is
    unavailable); they make the status ``degraded`` without turning the daemon red;
    ``explain_empty_day`` says why a day may be empty. No personal data is shown.
    """
    now = site.clock()
    checks: dict[str, dict[str, Any]] = {"disk": _disk(site), "database": {"ok": True}}
    troubles: list[dict[str, str]] = []
    reasons: tuple[EmptyDayReason, ...] = ()
    try:
        with site.program.store.read() as connection:
            latest = job_status.latest(connection)
            reasons = explain_empty_day(connection, now=now, window=site.program.window)
        troubles = [
            {"kind": event.kind, "at": event.at.isoformat()}
            for event in latest.values()
            if not event.ok
        ]
    except LarkpostError:
        checks["database"] = {"ok": False}
    for name, pulse in site.pulses.items():
        checks[name] = {"ok": pulse.is_alive(now), "seconds_ago": pulse.age(now)}
    well = all(check["ok"] for check in checks.values())
    status = "failing" if not well else "degraded" if troubles else "ok"
    return JSONResponse(
        {
            "status": status,
            "checks": checks,
            "errors": troubles,
            "empty_day": [str(reason.kind) for reason in reasons],
        },
        200 if well else 503,
    )


def _disk(site: SiteContext) -> dict[str, Any]:
    try:
        free = shutil.disk_usage(site.program.settings.places.data).free
    except OSError:
        return {"ok": False}
    return {"ok": free >= LEAST_FREE_BYTES, "free_bytes": free}
