"""Reads a file of records line by line, and counts what could be taken."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from larkpost.errors import LarkpostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def read_lines(
    path: Path, kind: str, keys: frozenset[str], tally: ImportReport
) -> Iterator[tuple[int, dict[str, Any]]]:
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
            if isinstance(line, dict) and line.get("kind", kind) != kind:
                continue
            if isinstance(line, dict):
                tally.unknown_keys |= line.keys() - keys
                yield number, line
            else:
                tally.refused.append((number, "not a JSON object"))


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
