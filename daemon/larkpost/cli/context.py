"""The global options of one call of the command line, and the program made from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from larkpost.cli.output import put, put_json

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Reader
    from larkpost.settings import Settings

# Short commands log only problems; the daemon logs its work.
LEVELS = ("error", "warning", "info", "debug")


class CliContext:
    """The global options; settings and program are made when a command first needs them.

    ``loudness``: one more for each -v, one less for each -q.
    """

    def __init__(
        self, home: Path | None = None, config: Path | None = None, loudness: int = 0
    ) -> None:
        self.home = home
        self.config = config
        self.loudness = loudness
        self.now = datetime.now(UTC)

    def settings(
        self, flags: Mapping[str, object] | None = None, *, daemon: bool = False
    ) -> Settings:
        """Read the settings and set up the log; raises SettingsError."""
        from larkpost.settings import load

        settings = load(home=self.home, config=self.config, flags=flags)
        self.log(settings, daemon=daemon)
        return settings

    def program(
        self,
        flags: Mapping[str, object] | None = None,
        *,
        daemon: bool = False,
        new_key: bool = False,
    ) -> Program:
        """Build the program on a home, creating the home if it is missing."""
        from larkpost.bootstrap import build

        program = build(self.settings(flags, daemon=daemon))
        program.prepare(new_key=new_key)
        return program

    def rebuild(self, before: Program, flags: Mapping[str, object]) -> Program:
        """Rebuild a daemon's program with the current settings; raises SettingsError."""
        from larkpost.settings import load

        settings = load(home=self.home, config=self.config, flags=flags)
        program = before.with_settings(settings)
        self.log(settings, daemon=True)
        return program

    def reader(self, program: Program, name: str) -> Reader:
        """Find a reader by address, or by uid; raises UnknownReader."""
        from larkpost.db import readers

        with program.store.read() as connection:
            if "@" in name:
                return readers.by_address(connection, name)
            return readers.by_uid(connection, name)

    def open_reader(self, name: str) -> tuple[Program, Reader]:
        """Build the program, and find the reader of a command."""
        program = self.program()
        return program, self.reader(program, name)

    def report(self, record: Mapping[str, object], text: str, *, as_json: bool) -> None:
        """Print a command's result: as JSON, or for people like ``say``."""
        if as_json:
            put_json(record)
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """Print a command's result for people; nothing with --quiet, because cron mails output."""
        if self.loudness >= 0:
            put(text)

    def log(self, settings: Settings, *, daemon: bool = False) -> None:
        """Set up the log: by the settings for the daemon, with few lines for a command."""
        from larkpost import logs
        from larkpost.log_events import LogEvent

        chosen = daemon or "log.level" in settings.origins
        base = LEVELS.index(settings.log.level) if chosen else LEVELS.index("warning")
        level: Any = LEVELS[min(max(base + self.loudness, 0), len(LEVELS) - 1)]
        logs.configure(level, settings.log.format, hide=settings.passwords)
        for remark in settings.remarks:
            logs.get_logger("larkpost.settings").warning(LogEvent.SETTINGS_WARNED, warning=remark)


pass_call = click.make_pass_decorator(CliContext, ensure=True)
