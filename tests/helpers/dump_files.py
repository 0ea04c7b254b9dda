"""Reads dumps from files into a store, for the tests of ingest."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from larkpost.db import papers
from larkpost.domain import PaperRecord
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.ingest import ingest

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Record
    from larkpost.ingest.ingest import IngestReport

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
ABSTRACT = (
    "We light one expert at a time and ask the next only when the first is unsure. On six public "
    "benchmarks the router answers as well as a dense model of the same size, with a third of the "
    "arithmetic. The weights, the code and the logs of every run are public."
)


def page(day: str = "Aug 7", *titles: str) -> str:
    blocks = (f"{title}\n\n{title} matters. {ABSTRACT}" for title in titles or ("A Title",))
    return f"Daily Papers\n\n{day}\n\n" + "\n\n".join(blocks) + "\n"


def write(folder: Path, text: str | bytes, name: str = "page.txt") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(file, (NOW.timestamp(), NOW.timestamp()))
    return file


def read(store: Store, file: Path, **options: object) -> IngestReport:
    return ingest(store, DUMP_FORMATS, file, **{"now": NOW, **options})  # type: ignore[arg-type]  # options of many types


def everything(store: Store) -> list[Paper]:
    with store.read() as connection:
        return list(papers.iterate(connection))


def read_dump(name: str, dump_format: str) -> list[Record]:
    """Read a sample dump with the format that recognises it, which must have this name."""
    body = (Path(__file__).parents[1] / "dumps" / name).read_bytes()
    chosen = next(one for one in DUMP_FORMATS if one.recognises(body[:65_536], name))
    assert chosen.name == dump_format
    records = chosen.read(BytesIO(body), NOW.date())
    return [replace(one, line=0) if _is_at_a_line(one, name) else one for one in records]


def _is_at_a_line(record: Record, name: str) -> TypeGuard[PaperRecord]:
    """Whether the line of a record is not compared: in responses of arXiv."""
    return isinstance(record, PaperRecord) and name.startswith(("arxiv", "oai"))
