"""Writes a taste profile as lines of JSON, and reads it back unchanged."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from larkpost.ranking.evaluation.report_json import report_from_json, report_to_json
from larkpost.readers.taste_summary import TasteSummary

if TYPE_CHECKING:
    from larkpost.ranking import ReplayReport


@cache
def _format() -> TypeAdapter[TasteSummary]:
    return TypeAdapter(TasteSummary)


def profile_to_json(summary: TasteSummary, report: ReplayReport | None) -> bytes:
    """Return the summary as a line of JSON, and the report as another; numbers keep every digit."""
    lines = [_format().dump_json(summary), *([report_to_json(report)] if report else [])]
    return b"\n".join(lines)


def profile_from_json(body: bytes, *, replays: bool) -> tuple[TasteSummary, ReplayReport | None]:
    """Read a summary, and the report of its replay if it has one; raises ValueError."""
    summary, *reports = body.splitlines()
    if len(reports) != int(replays):
        raise ValueError(f"a taste profile of {len(reports) + 1} lines of JSON")
    return _format().validate_json(summary), report_from_json(reports[0]) if replays else None
