"""Reads dumps by the format that recognises them, as `larkpost ingest` does, without a store."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from larkpost.domain import DumpDate, PaperRecord
from larkpost.formats.file_types import refuse_what_is_no_dump
from larkpost.formats.registry import DUMP_FORMATS

if TYPE_CHECKING:
    from larkpost.domain import Record

DUMPS = Path(__file__).parents[2] / "dumps"
TODAY = date(2026, 11, 26)
_HEAD = 64 * 1024


def sample_dump(name: str) -> bytes:
    """Read a sample dump, such as ``mail/hf-digest.eml``."""
    return (DUMPS / name).read_bytes()


def format_of(dump: bytes) -> str:
    """Return the name of the format that recognises a dump; empty for none."""
    refuse_what_is_no_dump(dump[:_HEAD], "dump")
    return next((one.name for one in DUMP_FORMATS if one.recognises(dump[:_HEAD], "dump")), "")


def read_records(dump: bytes | str, near: date = TODAY) -> list[Record]:
    """Read the records of a dump by the format that recognises it."""
    raw = dump.encode() if isinstance(dump, str) else dump
    name = format_of(raw)
    chosen = next(one for one in DUMP_FORMATS if one.name == name)
    return list(chosen.read(BytesIO(raw), near))


def papers_of(dump: bytes | str, near: date = TODAY) -> list[PaperRecord]:
    """Read the papers of a dump."""
    return [one for one in read_records(dump, near) if isinstance(one, PaperRecord)]


def days_of(dump: bytes | str, near: date = TODAY) -> list[date]:
    """Read the days of capture that a dump contains."""
    return [one.day for one in read_records(dump, near) if isinstance(one, DumpDate)]


def names_of(paper: PaperRecord) -> list[str]:
    """Format the identifiers of a paper, as in ``arxiv:2608.01001``."""
    return [str(name) for name in paper.identifiers]
