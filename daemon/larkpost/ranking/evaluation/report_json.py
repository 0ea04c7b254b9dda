"""Writes a replay's report as JSON, and reads it back unchanged."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter

from larkpost.ranking.evaluation.replay import ReplayReport


@cache
def _format() -> TypeAdapter[ReplayReport]:
    return TypeAdapter(ReplayReport)


def report_to_json(report: ReplayReport) -> bytes:
    """Return the report as JSON; its numbers keep every digit."""
    return _format().dump_json(report)


def report_from_json(body: bytes) -> ReplayReport:
    """Read a report; raises ValueError if the bytes are none."""
    return _format().validate_json(body)
