"""Reads a file of records line by line, and counts the imported ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from larkpost.domain import PaperRecord
from larkpost.errors import LarkpostError, UsageError
from larkpost.portability.exchange_record import ExchangeRecord, read_record


@dataclass(slots=True)
class ImportReport:
    """The result for a file: lines imported, lines refused with the reason, unknown keys.

    ``remarks`` are warnings about imported lines. ``guests`` are papers that an older Larkpost
    exported as imported by readers: only the thumbs tell which readers.
    """

    taken: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    unknown_keys: set[str] = field(default_factory=set)
    remarks: list[tuple[int, str]] = field(default_factory=list)
    guests: list[PaperRecord] = field(default_factory=list)


def read_lines(path: Path, kind: str, tally: ImportReport) -> Iterator[tuple[int, ExchangeRecord]]:
    """Yield the objects of a file by line number; unknown keys are left out and reported.

    Lines of a reader's own export have a ``kind``; lines of another kind are skipped.
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
    """Count the line as imported, or store the reason of its refusal and continue."""
    try:
        yield
    except KeyError as error:
        tally.refused.append((number, f"it has no {error}"))
    except (LarkpostError, ValueError, TypeError, OverflowError) as error:
        tally.refused.append((number, str(error)))
    else:
        tally.taken += 1
