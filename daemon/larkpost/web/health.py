"""Whether all is well, for whoever watches the daemon: database, tick, disk, latest troubles."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from larkpost.errors import LarkpostError
from larkpost.flows.status import quiet
from larkpost.store import events

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.flows.status import Reason
    from larkpost.web.guard import Site

LEAST_FREE_BYTES = 100 * 1024 * 1024
LONGEST_TICK = timedelta(minutes=30)


@dataclass(slots=True)
class Pulse:
    """How the tick of this process does; the scheduler's thread writes it, /healthz reads it.

    ``period`` is the time from one tick to the next, ``beat`` the last one that ended well,
    ``running`` when the one under way began.
    """

    period: timedelta
    started: datetime
    beat: datetime | None = None
    running: datetime | None = None

    def beats(self, now: datetime) -> bool:
        """Say whether a tick ended well within the last two periods, or is at work not too long."""
        if self.running is not None:
            return now - self.running <= LONGEST_TICK
        return now - (self.beat or self.started) <= 2 * self.period

    def age(self, now: datetime) -> float | None:
        """Give the seconds since the last tick that ended well."""
        return None if self.beat is None else round((now - self.beat).total_seconds(), 1)


def healthz(site: Site, _request: Request, _form: FormData) -> Response:
    """Answer ``/healthz`` in JSON: 200 while everything works, 503 when something does not.

    ``troubles`` names the kinds of work whose latest run failed (a mail server that is away);
    they make the status ``degraded`` without turning the daemon red; ``quiet`` why a morning may
    bring nothing. Nothing personal is told.
    """
    now = site.clock()
    checks: dict[str, dict[str, Any]] = {"disk": _disk(site), "database": {"ok": True}}
    troubles: list[dict[str, str]] = []
    reasons: tuple[Reason, ...] = ()
    try:
        with site.program.store.read() as connection:
            latest = events.latest(connection)
            reasons = quiet(connection, now=now, window=site.program.window)
        troubles = [
            {"kind": event.kind, "at": event.at.isoformat()}
            for event in latest.values()
            if not event.ok
        ]
    except LarkpostError:
        checks["database"] = {"ok": False}
    if site.pulse is not None:
        checks["tick"] = {"ok": site.pulse.beats(now), "seconds_ago": site.pulse.age(now)}
    well = all(check["ok"] for check in checks.values())
    status = "failing" if not well else "degraded" if troubles else "ok"
    return JSONResponse(
        {
            "status": status,
            "checks": checks,
            "troubles": troubles,
            "quiet": [str(reason.kind) for reason in reasons],
        },
        200 if well else 503,
    )


def _disk(site: Site) -> dict[str, Any]:
    try:
        free = shutil.disk_usage(site.program.settings.places.data).free
    except OSError:
        return {"ok": False}
    return {"ok": free >= LEAST_FREE_BYTES, "free_bytes": free}
