"""Converts a record to JSON and back, for the merge log and for other processes."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from typing import Any

from larkpost.domain import Identifier, PaperRecord


def write_content(record: PaperRecord) -> dict[str, Any]:
    """Convert a record to a JSON object, without its empty fields."""
    told = ((one.name, getattr(record, one.name)) for one in fields(record))
    return {name: _plain(value) for name, value in told if value not in (None, "", (), False)}


def read_content(content: dict[str, Any]) -> PaperRecord:
    """Convert a result of ``write_content`` back; keys of a later program are ignored."""
    known = {one.name for one in fields(PaperRecord)}
    return PaperRecord(**{key: _value(one) for key, one in content.items() if key in known})


def _plain(value: Any) -> Any:
    match value:
        case tuple():
            return [_plain(one) for one in value]
        case Identifier():
            return {"scheme": value.scheme, "value": value.value}
        case datetime():  # before date: a datetime is one, too
            return {"moment": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
    return value


def _value(plain: Any) -> Any:
    match plain:
        case list():
            return tuple(_value(one) for one in plain)
        case {"scheme": str(scheme), "value": str(value)}:
            return Identifier(scheme, value)
        case {"moment": str(moment)}:
            return datetime.fromisoformat(moment)
        case {"day": str(day)}:
            return date.fromisoformat(day)
    return plain
