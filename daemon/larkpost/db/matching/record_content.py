"""A record of a dump as JSON, and back: as it is kept beside the paper it became part of."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from typing import Any

from larkpost.domain import Identifier, PaperRecord

_MOMENTS = frozenset(("first_seen", "arrived", "updated"))
_LISTS = frozenset(("authors", "categories", "links"))


def write_content(record: PaperRecord) -> dict[str, Any]:
    """Give a record as an object of JSON, without what it does not tell."""
    told = ((one.name, getattr(record, one.name)) for one in fields(record))
    return {name: _plain(name, value) for name, value in told if value not in (None, "", (), False)}


def read_content(content: dict[str, Any]) -> PaperRecord:
    """Read what ``write_content`` gave; keys of a later program are passed over."""
    known = {one.name for one in fields(PaperRecord)}
    return PaperRecord(**{key: _value(key, one) for key, one in content.items() if key in known})


def _plain(name: str, value: Any) -> Any:
    if name == "identifiers":
        return [[one.scheme, one.value] for one in value]
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _value(name: str, plain: Any) -> Any:
    if name == "identifiers":
        return tuple(Identifier(scheme, value) for scheme, value in plain)
    if name == "published":
        return date.fromisoformat(plain)
    if name in _MOMENTS:
        return datetime.fromisoformat(plain)
    return tuple(plain) if isinstance(plain, list) else plain
