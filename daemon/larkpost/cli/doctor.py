"""The command that looks at everything Larkpost stands on, and says what ails it."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import click

from larkpost.cli.call import Call, pass_call
from larkpost.cli.output import json_option, put, put_json, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from larkpost.program import Program

SCARCE = 200 * 1024 * 1024  # bytes
MARKS = {"ok": "ok  ", "warning": "WARN", "fault": "FAIL"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    what: str
    state: Literal["ok", "warning", "fault"]
    detail: str
    hint: str = ""


@click.command(short_help="Check everything Larkpost stands on.")
@json_option
@pass_call
def doctor(call: Call, as_json: bool) -> int:
    """Check settings, folders, database, key, shipped files, mail; exit code 1 on a fault.

    Changes nothing but making the home where there is none.
    """
    findings = list(_examined(call))
    for finding in findings:
        if as_json:
            put_json(asdict(finding))
            continue
        if finding.state == "ok" and call.loudness < 0:
            continue
        put(f"{MARKS[finding.state]} {finding.what}: {shown(finding.detail)}")
        if finding.hint:
            put(f"     {shown(finding.hint)}")
    return 1 if any(finding.state == "fault" for finding in findings) else 0


def _examined(call: Call) -> Iterator[Finding]:
    yield from _each(_python, _shipped_files, _numbers)
    settings = call.settings()
    for remark in settings.remarks:
        yield Finding("settings", "warning", remark)
    yield Finding("settings", "ok", f"{settings.places.config}, {len(settings.origins)} set")
    program = call.program()
    checks: tuple[Callable[[Program], Iterator[Finding]], ...] = (
        _database, _key, _disk, _mail, _address,
    )  # fmt: skip
    yield from _each(*((lambda check=check: check(program)) for check in checks))


def _each(*checks: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Run checks; one that raises is a finding of its own, and the next one runs."""
    for check in checks:
        try:
            yield from check()
        except Exception as error:
            yield Finding(type(error).__name__, "fault", str(error), getattr(error, "hint", ""))


def _python() -> Iterator[Finding]:
    import sqlite3

    yield Finding("python", "ok", f"{sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")


def _shipped_files() -> Iterator[Finding]:
    from zoneinfo import ZoneInfo

    from larkpost.resources import shipped

    for name in ("templates", "config/default.toml", "seeds"):
        shipped(name)
    ZoneInfo("Europe/Berlin")
    yield Finding("shipped files", "ok", "templates, settings, sample dump, time zones")


def _numbers() -> Iterator[Finding]:
    from importlib.metadata import version

    yield Finding("scikit-learn", "ok", f"{version('scikit-learn')}, numpy {version('numpy')}")


def _database(program: Program) -> Iterator[Finding]:
    from larkpost.logs import masked
    from larkpost.store import backups, migrations

    migrations.check(program.store)
    faults = backups.faults(program.store)
    where = masked(program.settings.database.url)
    if faults:
        yield Finding(
            "database", "fault", f"{where}: {'; '.join(faults[:3])}",
            "Stop Larkpost, keep a copy of the file, and go back to a backup.",
        )  # fmt: skip
    else:
        yield Finding("database", "ok", where)


def _key(program: Program) -> Iterator[Finding]:
    secret = program.places.secret
    if secret.stat().st_mode & 0o077:
        yield Finding(
            "key", "fault", f"others on this machine can read {secret}",
            f"chmod 600 {secret}; who has read it can forge links",
        )  # fmt: skip
    else:
        yield Finding("key", "ok", f"{secret}, readable by you alone")


def _disk(program: Program) -> Iterator[Finding]:
    free = shutil.disk_usage(program.places.data).free
    state: Literal["ok", "warning"] = "ok" if free > SCARCE else "warning"
    yield Finding("disk", state, f"{free / 1e9:.1f} GB free at {program.places.data}")
    for place in (program.places.data, program.places.inbox, program.store.file):
        if place is not None and not os.access(place, os.W_OK):
            what = "folder" if place.is_dir() else "database"
            hint = "Check its owner and rights, and whether the disk is mounted read-only."
            yield Finding(what, "fault", f"cannot write to {place}", hint)


def _mail(program: Program) -> Iterator[Finding]:
    import socket

    settings = program.settings
    if settings.mail.transport == "maildir":
        yield Finding("mail", "ok", f"letters go into the folder {program.places.maildir}")
        return
    where = f"{settings.smtp.host}:{settings.smtp.port}"
    try:
        socket.create_connection((settings.smtp.host, settings.smtp.port), timeout=5).close()
    except OSError as error:
        yield Finding(
            "mail", "fault", f"no mail server answers at {where}: {error}",
            "Check smtp.host and smtp.port, and that the server runs.",
        )  # fmt: skip
        return
    if settings.smtp.security == "none" and settings.smtp.username:
        yield Finding(
            "mail", "warning", f"the password goes to {where} in the clear",
            "Set smtp.security to starttls or tls.",
        )  # fmt: skip
    yield Finding("mail", "ok", f"a server answers at {where}")


def _address(program: Program) -> Iterator[Finding]:
    from larkpost.settings.reachability import unreachable

    warnings = list(unreachable(program.settings))
    for warning, hint in warnings:
        yield Finding("addresses", "warning", warning, hint)
    if not warnings:
        yield Finding("links", "ok", f"links start with {program.settings.site.base_url}")


COMMANDS = (doctor,)
