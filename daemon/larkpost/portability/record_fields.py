"""Reads the fields of a record of the exchange format; errors name the impossible value."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

from larkpost.domain import Status, Thumb
from larkpost.errors import LarkpostError, UsageError
from larkpost.portability.exchange_record import ExchangeRecord
from larkpost.settings import read_days
from larkpost.text.normalize import one_line

Value = TypeVar("Value")

LONGEST_SHOWN = 80  # characters of a wrong value
LARGEST = 2**31 - 1  # of a whole number: an INTEGER of PostgreSQL

_THUMBS = " or ".join(str(int(thumb)) for thumb in Thumb)


def read_field(
    line: Mapping[str, Any], key: str, read: Callable[[Any], Value], allowed: str
) -> Value:
    """Read a field; raises KeyError if it is missing, and UsageError with the allowed values."""
    value = line[key]
    try:
        return read(value)
    except LarkpostError:
        raise
    except (ValueError, TypeError, OverflowError, AttributeError):
        shown = one_line(json.dumps(value, ensure_ascii=False))[:LONGEST_SHOWN]
        raise UsageError(f"“{spelling(line, key)}” is {shown}, but must be {allowed}") from None


def read_moment(line: Mapping[str, Any], key: str) -> datetime:
    """Read an ISO 8601 time, in UTC if it names no zone."""
    return read_field(line, key, _moment, "a moment such as 2026-08-07T06:30:00Z")


def _moment(text: str) -> datetime:
    """Parse a time; raises OverflowError if it is before the year 1 or after 9999 in UTC."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_day(line: Mapping[str, Any], key: str) -> date:
    """Read an ISO 8601 date."""
    return read_field(line, key, date.fromisoformat, "a day such as 2026-08-07")


def read_time(line: Mapping[str, Any], key: str) -> time:
    """Read a time of day."""
    return read_field(line, key, time.fromisoformat, "a time such as 06:30")


def read_whole(line: Mapping[str, Any], key: str) -> int:
    """Read a whole number that the database can store, also as the number of a row."""
    return read_field(line, key, _whole, f"a whole number of at most {LARGEST:,}")


def _whole(value: Any) -> int:
    number = int(value)
    if abs(number) > LARGEST:
        raise OverflowError
    return number


def read_number(line: Mapping[str, Any], key: str) -> float:
    """Read a number, which may have a fraction."""
    return read_field(line, key, float, "a number")


def read_status(line: Mapping[str, Any], key: str) -> Status:
    """Read a reader's status."""
    return read_field(line, key, Status, f"one of {', '.join(map(str, Status))}")


def read_thumb(line: Mapping[str, Any], key: str) -> Thumb:
    """Read a thumb: up or down, as a number."""
    return read_field(line, key, lambda value: Thumb(int(value)), _THUMBS)


def read_weekdays(line: Mapping[str, Any], key: str) -> frozenset[int]:
    """Read days of the week (Monday = 0)."""
    return read_field(line, key, read_days, 'weekdays such as "mon-fri" or ["mon", "sat"]')


def read_flag(line: Mapping[str, Any], key: str) -> bool:
    """Read true or false; numbers are refused."""
    value = line[key]
    if not isinstance(value, bool):
        raise UsageError(f"“{spelling(line, key)}” is neither true nor false")
    return value


def read_objects(line: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Read a list of objects; records within a record get their current names, too."""
    found = line[key]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UsageError(f"“{spelling(line, key)}” is not a list of objects")
    return [line.within(key, one) for one in found] if isinstance(line, ExchangeRecord) else found


def spelling(line: Mapping[str, Any], key: str) -> str:
    """Return the name of a field in the record's file, so that people find it there."""
    return line.spelling(key) if isinstance(line, ExchangeRecord) else key
