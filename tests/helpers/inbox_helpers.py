"""An inbox with its three folders, a dump in it, and the sweep that reads it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.inbox import sweep
from larkpost.packaged_files import shipped_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from larkpost.ingest.inbox import Taken
    from larkpost.interfaces import DumpFormat

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
SAMPLE = next(iter(sorted(shipped_path("seeds").glob("*.txt")))).read_bytes()
ABSTRACT = (
    "We light one expert at a time and ask the next only when the first is unsure. On six public "
    "benchmarks the router answers as well as a dense model of the same size, with a third of the "
    "arithmetic. The weights, the code and the logs of every run are public."
)
PAPER = f"Daily Papers\n\nAug 7\n\nA Title\n\n{ABSTRACT}\n\n"


@dataclass(frozen=True)
class Folders:
    """The three folders of an inbox."""

    inbox: Path
    done: Path
    bad: Path


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    return Folders(inbox, inbox / "done", inbox / "bad")


@pytest.fixture
def file_store(sqlite_url: str) -> Iterator[Store]:
    store = Store(sqlite_url)
    yield store
    store.close()


def put(folders: Folders, name: str, text: str | bytes, *, age: float = 3_600) -> Path:
    file = folders.inbox / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    written = NOW.timestamp() - age
    os.utime(file, (written, written))
    return file


def run(
    store: Store,
    folders: Folders,
    *,
    now: datetime = NOW,
    dump_formats: Sequence[DumpFormat] = DUMP_FORMATS,
) -> list[Taken]:
    return sweep(store, dump_formats, folders, stable_seconds=5, now=now)


def titles(store: Store) -> list[str]:
    with store.read() as connection:
        return [paper.title for paper in papers.iterate(connection)]
