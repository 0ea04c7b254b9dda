"""Parses the fields of readers' forms, with errors in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from larkpost.errors import UsageError
from larkpost.text.time_zones import zone_names

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from larkpost.readers.subscriptions import Preferences
    from larkpost.settings import Settings

Read = TypeVar("Read")

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LARGEST_ID = 2**63 - 1  # the limit of the column
LONGEST_IDS = 4000  # characters of ids that a link or form carries at most


@cache
def zones() -> list[str]:
    """List the names of all time zones, as a form offers them."""
    return sorted(zone_names())


def read_wishes(form: FormData) -> Preferences:
    """Read zone, time, weekdays and number of papers; raises UsageError for invalid values."""
    return {
        "zone": text(form, "zone").strip(),
        "send_time": read("time", clock, text(form, "send_time")),
        "weekdays": frozenset(read("weekday", int, str(one)) for one in form.getlist("weekdays")),
        "papers_per_edition": read("number of papers", int, text(form, "papers_per_edition")),
    }


def read_preferences(form: FormData) -> dict[str, object]:
    """Return the typed values, so that a mistake in one field does not lose the others."""
    days = {int(str(one)) for one in form.getlist("weekdays") if str(one) in set("0123456")}
    typed: dict[str, object] = {
        name: text(form, name)
        for name in (
            "address",
            "name",
            "zone",
            "send_time",
            "papers_per_edition",
            "words",
            "threshold",
        )
    }
    ticked = {name: name in form for name in ("weekly", "notify_when_empty")}
    return typed | {"weekdays": days} | ticked


def opening_wishes(settings: Settings) -> dict[str, object]:
    """Return the initial values of the form for a new reader."""
    usual = settings.readers
    return {
        "address": "",
        "zone": usual.zone,
        "send_time": f"{usual.send_time:%H:%M}",
        "weekdays": set(usual.days),
        "papers_per_edition": usual.papers_per_edition,
        "words": "",
    }


def clock(text: str) -> time:
    """Read a time field: ``06:00``, from some browsers with seconds."""
    return datetime.strptime(text[:5], "%H:%M").time()  # noqa: DTZ007 - a time on the reader's wall


def text(form: FormData, name: str) -> str:
    """Read a field; empty if it was not sent, or is a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def number(form: FormData, name: str, what: str) -> int:
    """Read the number of a row; raises UsageError, also for an impossible number."""
    found = read(what, int, text(form, name))
    return found if 0 < found <= LARGEST_ID else 0


def read(what: str, convert: Callable[[str], Read], text: str) -> Read:
    """Convert a field; raises UsageError that says ``what`` it should have been."""
    try:
        return convert(text)
    except ValueError:
        raise UsageError(f"{text[:40]!r} is not a {what}", hint="please check it") from None


def read_ids(given: str) -> list[int]:
    """Read ids of papers joined by full stops; other parts are left out."""
    parts = given[:LONGEST_IDS].split(".")
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 19]
