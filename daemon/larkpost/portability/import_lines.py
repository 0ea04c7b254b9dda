"""Reads a file of records line by line, and counts what could be taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from larkpost.errors import LarkpostError, UsageError
from larkpost.portability.exchange_record import ExchangeRecord, read_record

if TYPE_CHECKING:
    from larkpost.domain import PaperRecord


@dataclass(slots=True)
class ImportReport:
    """What became of a file: lines taken, lines refused with the reason, keys nobody knows.

    ``remarks`` say of lines what was odd, and cost none. ``guests`` are papers that an older
    Larkpost exported as brought by readers: whose they are, only the thumbs tell.
    """

    taken: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    unknown_keys: set[str] = field(default_factory=set)
    remarks: list[tuple[int, str]] = field(default_factory=list)
    guests: list[PaperRecord] = field(default_factory=list)


def read_lines(path: Path, kind: str, tally: ImportReport) -> Iterator[tuple[int, ExchangeRecord]]:
    """Yield the objects of a file by line number; keys that nobody knows are left out and told.

    In a reader's own export lines say what ``kind`` they are; those of another are passed over.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                line = json.loads(text)
            except (ValueError, RecursionError) as error:
                tally.refused.append((number, f"not JSON: {error}"))
                continue
            if not isinstance(line, dict):
                tally.refused.append((number, "not a JSON object"))
            elif line.get("kind", kind) == kind:
                try:
                    record = read_record(kind, line)
                except UsageError as error:
                    tally.refused.append((number, str(error)))
                    continue
                tally.unknown_keys |= record.unknown_keys()
                yield number, record


@contextmanager
def refusing(number: int, tally: ImportReport) -> Iterator[None]:
    """Count the line as taken, or keep the reason why it was not; the next one goes on."""
    try:
        yield
    except KeyError as error:
        tally.refused.append((number, f"it has no {error}"))
    except (LarkpostError, ValueError, TypeError, OverflowError) as error:
        tally.refused.append((number, str(error)))
    else:
        tally.taken += 1
