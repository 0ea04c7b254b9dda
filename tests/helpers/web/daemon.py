"""The real daemon with a clock that tests can set, and a mail server that records its mail."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.request import urlopen

import libfaketime  # type: ignore[import-untyped]  # it ships no types
from aiosmtpd.controller import Controller
from tests.helpers.cli_helpers import PROGRAM
from tests.helpers.mail.smtp_server import free_port
from tests.helpers.polling import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, Session

Found = TypeVar("Found")


class Postbox:
    """Accepts messages by SMTP and records them, newest last."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Accept a message."""
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """List the messages to an address."""
        return [
            newsletter
            for newsletter in self.messages
            if newsletter["To"].addresses[0].addr_spec == address
        ]


@dataclass
class Daemon:
    """A running ``larkpost serve``: its address, its home, and its mail."""

    url: str
    home: Path
    postbox: Postbox
    environ: dict[str, str] = field(repr=False)

    def set_days_ahead(self, days: int) -> None:
        """Set the daemon's clock so many days ahead of ours.

        The file is replaced in one step: libfaketime would end a process that reads half of it.
        """
        draft = self.clock.with_name("clock.new")
        draft.write_text(f"+{days}d\n")
        draft.replace(self.clock)

    def is_well(self) -> bool:
        """Return whether it responds and has ticked recently, by its own clock."""
        try:
            with urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 - our own daemon
                return bool(answer.status == 200)
        except OSError:
            return False

    def has_settled(self) -> bool:
        """Return whether it has recorded the outcome of every message that it sent.

        If the clock jumps by days before that, a message is in doubt, and is sent once more.
        """
        address = f"file:{self.home / 'larkpost.db'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            (messages,) = database.execute(
                "SELECT count(*) FROM delivery WHERE state = 'sending'"
            ).fetchone()
            (notices,) = database.execute(
                "SELECT count(*) FROM delivery WHERE kind = 'confirmation'"
            ).fetchone()
        return not messages and not notices

    @property
    def clock(self) -> Path:
        """The file that sets its clock."""
        return self.home / "clock"


@contextmanager
def serving(folder: Path) -> Iterator[Daemon]:
    """Run a daemon with an empty home, and end it by SIGTERM."""
    postbox = Postbox()
    mail_port = free_port()
    mail = Controller(postbox, hostname="127.0.0.1", port=mail_port, server_hostname="mail.test")
    mail.start()
    try:
        daemon = _daemon(folder, postbox, mail_port)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [PROGRAM, "--home", str(daemon.home), "serve"], env=daemon.environ, stderr=log
            )
            try:
                eventually(daemon.is_well, log=folder / "log")
                yield daemon
            finally:
                process.terminate()
                assert process.wait(20) == 0, (folder / "log").read_text()
    finally:
        mail.stop()


def _daemon(folder: Path, postbox: Postbox, mail_port: int) -> Daemon:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    home = folder / "home"
    home.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LD_PRELOAD": _faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(home / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "LARKPOST_WEB__PORT": str(port),
        "LARKPOST_SITE__BASE_URL": url,
        "LARKPOST_SITE__TITLE": "The Morning Lark",
        "LARKPOST_MAIL__TRANSPORT": "smtp",
        "LARKPOST_MAIL__SENDER": "The Morning Lark <lark@paper.example.org>",
        "LARKPOST_SMTP__HOST": "127.0.0.1",
        "LARKPOST_SMTP__PORT": str(mail_port),
        "LARKPOST_SMTP__SECURITY": "none",
        "LARKPOST_INBOX__STABLE_SECONDS": "0",
        "LARKPOST_SCHEDULER__INTERVAL_SECONDS": "0.5",
    }
    daemon = Daemon(url, home, postbox, environ)
    daemon.set_days_ahead(0)
    return daemon


def eventually(look: Callable[[], Found | None], *, log: Path | None = None) -> Found:
    """Wait until a function returns a true value, and return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"it never came; {log.read_text() if log else ''}")


def _faketime() -> str:
    """Find the library that changes the clock of a process."""
    folder = Path(libfaketime.__file__).parent
    return str(next(folder.rglob("libfaketime.so*")))
