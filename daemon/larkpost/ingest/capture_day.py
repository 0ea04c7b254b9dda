"""Chooses the day near which a dump was taken that does not say, or leaves out the year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - ``date`` is the name of an argument
from datetime import datetime
from typing import TYPE_CHECKING

from larkpost.formats.dates import GRACE, in_name

if TYPE_CHECKING:
    from larkpost.ingest.archives import DumpMember

# Archives and file systems that keep no time put 1970, 1980 or 2000 in its place; the page that is
# read here is of 2023.
_FIRST_CREDIBLE = Date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class CaptureHint:
    """A day near which a dump was taken, and how that is known."""

    day: Date
    how: str


def capture_hint(member: DumpMember, date: Date | None, now: datetime) -> CaptureHint:
    """Choose the day told by the caller, else the one in the file's name, else the file's time.

    The last two count as evidence only where they are not yet to come.
    """
    today = now.date()
    if date is not None:
        return CaptureHint(date, "as given")
    named = in_name(member.file_name)
    if named and named <= today + GRACE:
        return CaptureHint(min(named, today), "from the name of the file")
    modified = member.modified.date() if member.modified else None
    if modified and _FIRST_CREDIBLE <= modified <= today:
        return CaptureHint(modified, "from the time of the file")
    return CaptureHint(today, "today, for want of any date")
