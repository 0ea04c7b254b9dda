"""A program with an inbox and a Maildir, for tests of ticks."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from larkpost.bootstrap import Program, build
from larkpost.packaged_files import shipped_path
from larkpost.scheduler.status import read_status
from larkpost.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.editions.empty_day_reasons import EmptyDay


NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)


MORNING = datetime(2026, 8, 8, 6, 0, 1, tzinfo=UTC)


SAMPLE = "000_48a0d66eb2c74da9.txt"


def make_program(tmp_path: Path) -> Program:
    """Build the program on a new home, whose inbox reads files at once."""
    program = build(load(home=tmp_path / "home", flags={"inbox.stable_seconds": 0}, environ={}))
    program.prepare()
    return program


def drop_sample(program: Program) -> None:
    shutil.copyfile(shipped_path("seeds") / SAMPLE, program.places.inbox / SAMPLE)


def reasons(program: Program, now: datetime = MORNING) -> set[EmptyDay]:
    with program.store.read() as connection:
        now_stands = read_status(connection, now=now, window=program.window)
    return {reason.kind for reason in now_stands.empty_day}


def messages(program: Program) -> list[Path]:
    return [path for path in program.places.maildir.rglob("*") if path.is_file()]
