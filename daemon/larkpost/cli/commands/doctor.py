"""The command that checks everything Larkpost depends on, and names remedies."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import hint_line, json_option, printable, put, put_json
from larkpost.errors import LarkpostError, NoRoom

if TYPE_CHECKING:
    from larkpost.bootstrap import Program

SCARCE = 200 * 1024 * 1024  # bytes
MARKS = {"ok": "ok  ", "warning": "WARN", "fault": "FAIL"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A checked item, its state, and what to do about it."""

    what: str
    state: Literal["ok", "warning", "fault"]
    detail: str
    hint: str = ""


@click.command(short_help="Check everything Larkpost needs.")
@json_option
@pass_call
def doctor(call: CliContext, as_json: bool) -> int:
    """Check settings, folders, database, keys, shipped files, mail; exit code 1 on a fault.

    Whatever `serve` and `deliver` would refuse is a fault here. Changes nothing but making the home
    where there is none.
    """
    findings = [_without_passwords(finding) for finding in _examine(call)]
    for finding in findings:
        if as_json:
            put_json(asdict(finding))
            continue
        if finding.state == "ok" and call.loudness < 0:
            continue
        put(f"{MARKS[finding.state]} {finding.what}: {printable(finding.detail)}")
        if finding.hint:
            put(f"   {hint_line(finding.hint)}")
    return 1 if any(finding.state == "fault" for finding in findings) else 0


def _without_passwords(finding: Finding) -> Finding:
    from larkpost.logs import without_passwords

    safe, hint = map(without_passwords, (finding.detail, finding.hint))
    return replace(finding, detail=safe, hint=hint)


def _examine(call: CliContext) -> Iterator[Finding]:
    yield from _each(
        ("python", _python), ("shipped files", _shipped_files), ("scikit-learn", _numbers)
    )
    settings = call.settings()
    for remark in settings.remarks:
        yield Finding("settings", "warning", remark)
    yield Finding("settings", "ok", f"{settings.places.config}, {len(settings.origins)} set")
    from larkpost.bootstrap import build

    try:
        program = build(settings)
        _ = program.store
    except LarkpostError as error:  # the driver of the database is missing
        yield Finding("database", "fault", str(error), error.hint)
        return
    checks: dict[str, Callable[[Program], Iterator[Finding]]] = {
        "home": _home,
        "database": _database,
        "key": _key,
        "disk": _disk,
        "sender": _sender,
        "inbound mail": _inbound_mail,
        "signing": _signing,
        "pages": _pages,
        "web": _listening,
        "readers": _readers,
        "mail": _mail,
        "addresses": _address,
    }
    yield from _each(*((what, partial(check, program)) for what, check in checks.items()))


def _each(*checks: tuple[str, Callable[[], Iterator[Finding]]]) -> Iterator[Finding]:
    """Run checks; one that raises becomes a finding, and the next one runs."""
    for what, check in checks:
        try:
            yield from check()
        except Exception as error:  # a bug of ours becomes one more finding
            kind = "" if isinstance(error, LarkpostError) else f"{type(error).__name__}: "
            yield Finding(what, "fault", f"{kind}{error}", getattr(error, "hint", ""))


def _python() -> Iterator[Finding]:
    import sqlite3

    yield Finding("python", "ok", f"{sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")


def _shipped_files() -> Iterator[Finding]:
    from zoneinfo import ZoneInfo

    from larkpost.packaged_files import shipped_path

    for name in ("templates", "config/default.toml", "seeds"):
        shipped_path(name)
    ZoneInfo("Europe/Berlin")
    yield Finding("shipped files", "ok", "templates, settings, sample dump, time zones")


def _numbers() -> Iterator[Finding]:
    from importlib.metadata import version

    yield Finding("scikit-learn", "ok", f"{version('scikit-learn')}, numpy {version('numpy')}")


def _database(program: Program) -> Iterator[Finding]:
    from larkpost.db import backups, migrations

    migrations.check(program.store)
    faults = backups.faults(program.store)
    where = program.store.name if program.store.file is None else program.settings.database.url
    if faults:
        yield Finding(
            "database", "fault", f"{where}: {'; '.join(faults[:3])}",
            "stop Larkpost, copy the file to a safe place, and restore a backup",
        )  # fmt: skip
    else:
        yield Finding("database", "ok", where)


def _key(program: Program) -> Iterator[Finding]:
    secret = program.places.secret
    _ = program.tokens  # raises the error that prevents every command from making links
    if secret.stat().st_mode & 0o077:
        yield Finding(
            "key", "fault", f"others on this machine can read {secret}",
            f"chmod 600 {secret}; who has read it can forge links",
        )  # fmt: skip
    else:
        yield Finding("key", "ok", f"{secret}, readable only by you")


def _home(program: Program) -> Iterator[Finding]:
    """Do the first step of every command."""
    program.prepare()
    yield Finding("home", "ok", str(program.places.data))
    yield from _open_to_others(program)


def _open_to_others(program: Program) -> Iterator[Finding]:
    """List our files and folders that other users of this machine can read or change."""
    from larkpost.safe_files import others_may_write

    places, file = program.places, program.store.file
    folders = {places.data: "chmod go-w"} | ({file.parent: "chmod go-w"} if file else {})
    for folder, remedy in folders.items():
        if others_may_write(folder):
            yield Finding(
                "permissions", "warning", f"other users of this machine may write in {folder}",
                f"{remedy} {folder}; whoever can write there can replace the files of Larkpost",
            )  # fmt: skip
    if others_may_write(places.inbox):
        yield Finding(
            "permissions", "warning",
            f"other users of this machine may put dumps into {places.inbox}",
            f"chmod go-w {places.inbox}, unless they may choose the papers of all readers",
        )  # fmt: skip
    for one in (file, file and file.with_name(f"{file.name}-wal")):
        if one and one.exists() and one.stat().st_mode & 0o077:
            yield Finding(
                "permissions", "warning", f"others on this machine can read the database {one}",
                f"chmod 600 {one}; it holds addresses and feed keys",
            )  # fmt: skip


# The renderer of emails; `serve` builds it before it starts.


def _sender(program: Program) -> Iterator[Finding]:
    _ = program.renderer
    yield Finding("sender", "ok", f"emails come from {program.settings.mail.sender}")


def _inbound_mail(program: Program) -> Iterator[Finding]:
    _ = program.mailboxes
    address = program.settings.inbound.address
    looked = (
        f"email to {address} is read from {program.inbound_folder}"
        if address
        else "not read: inbound.address is not set"
    )
    yield Finding("inbound mail", "ok", looked)
    if digests := program.digests:
        where = digests.folder or program.inbound_folder
        senders = ", ".join(digests.senders.allowed)
        read = f"emails from {senders} are read for papers in {where}"
        if digests.senders.authserv_id:
            yield Finding("digests", "ok", read)
        else:
            hint = "set inbound.digest_authserv_id, because anybody can forge the From header"
            yield Finding("digests", "warning", read, hint)


def _signing(program: Program) -> Iterator[Finding]:
    _ = program.signature
    selector = program.settings.dkim.selector
    how = f"emails are signed as {selector}" if selector else "left to the mail server"
    yield Finding("signing", "ok", how)


def _pages(program: Program) -> Iterator[Finding]:
    from larkpost.web import app

    app(program, pulses={})
    yield Finding("pages", "ok", "the templates of all pages can be read")


def _listening(program: Program) -> Iterator[Finding]:
    """Listen on the address of `serve`, unless the daemon already does."""
    from datetime import UTC, datetime

    from larkpost.db.coordination import leases
    from larkpost.serve import check_listening
    from larkpost.settings.addresses import UNIX

    web = program.settings.web
    where = web.host if web.host.startswith(UNIX) else f"{web.host} port {web.port}"
    with program.store.read() as connection:
        daemon = leases.holder(connection, "daemon", now=datetime.now(UTC))
    if daemon:
        yield Finding("web", "ok", f"the daemon is running: {daemon}")
        return
    check_listening(web.host, web.port, mode=web.socket_mode, home=program.places.data)
    yield Finding("web", "ok", f"`larkpost serve` can listen on {where}")


def _readers(program: Program) -> Iterator[Finding]:
    from larkpost.db import readers
    from larkpost.schedule import is_available

    with program.store.read() as connection:
        zones = {one.zone for one in readers.all(connection)}
    if unknown := sorted(zone for zone in zones if not is_available(zone)):
        yield Finding(
            "readers", "warning", f"this machine does not know the time zones {', '.join(unknown)}",
            "run larkpost reader list to see whose they are, and reader set EMAIL --zone ZONE",
        )  # fmt: skip


def _disk(program: Program) -> Iterator[Finding]:
    from larkpost.disk_space import check_room

    file = program.store.file
    folders = {program.places.data, program.places.inbox, *((file.parent,) if file else ())}
    for folder in sorted(folders):
        try:
            check_room(folder)
        except NoRoom as error:
            yield Finding("disk", "fault", str(error), error.hint)
        except OSError:
            continue  # permissions and mounts are checked below
    free = shutil.disk_usage(program.places.data).free
    state: Literal["ok", "warning"] = "ok" if free > SCARCE else "warning"
    yield Finding("disk", state, f"{free / 1e9:.1f} GB free at {program.places.data}")
    yield from _not_writable(program)


def _not_writable(program: Program) -> Iterator[Finding]:
    for place in (program.places.data, program.places.inbox, program.store.file):
        if place is not None and not os.access(place, os.W_OK):
            what = "folder" if place.is_dir() else "database"
            hint = "check its owner and permissions, and whether the disk is mounted read-only"
            yield Finding(what, "fault", f"cannot write to {place}", hint)


def _mail(program: Program) -> Iterator[Finding]:
    import socket

    settings = program.settings
    if settings.mail.transport == "maildir":
        yield _maildir(program)
        return
    where = f"{settings.smtp.host}:{settings.smtp.port}"
    try:
        socket.create_connection((settings.smtp.host, settings.smtp.port), timeout=5).close()
    except OSError as error:
        yield Finding(
            "mail", "fault", f"no mail server answers at {where}: {error}",
            "check smtp.host and smtp.port, and that the server runs",
        )  # fmt: skip
        return
    if settings.smtp.security == "none" and settings.smtp.username:
        yield Finding(
            "mail", "warning", f"the password is sent to {where} unencrypted",
            "set smtp.security to starttls or tls",
        )  # fmt: skip
    with (
        program.open_plain_transport() as transport
    ):  # greets, encrypts and logs in, as before a message
        transport.ready()
    yield Finding("mail", "ok", f"{where} is ready to accept emails")


def _maildir(program: Program) -> Finding:
    folder = program.places.maildir
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        hint = "check its owner and permissions, or set mail.maildir to another folder"
        return Finding("mail", "fault", f"emails cannot be written to {folder}", hint)
    return Finding("mail", "ok", f"emails go into the folder {folder}")


def _address(program: Program) -> Iterator[Finding]:
    from larkpost.settings.reachability import unreachable

    warnings = list(unreachable(program.settings))
    for warning, hint in warnings:
        yield Finding("addresses", "warning", warning, hint)
    if not warnings:
        yield Finding("links", "ok", f"links start with {program.settings.site.base_url}")


COMMANDS = (doctor,)
