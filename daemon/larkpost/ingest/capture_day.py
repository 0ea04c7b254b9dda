"""Chooses the approximate day of a dump that states no day, or no year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - ``date`` is the name of an argument
from datetime import datetime
from typing import TYPE_CHECKING

from larkpost.formats.dates import GRACE, in_name

if TYPE_CHECKING:
    from larkpost.ingest.archives import DumpMember

# Archives and file systems without times write 1970, 1980 or 2000; the papers page began in
# 2023.
_FIRST_CREDIBLE = Date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class CaptureHint:
    """The approximate day of a dump, and its source."""

    day: Date
    how: str


def capture_hint(member: DumpMember, date: Date | None, now: datetime) -> CaptureHint:
    """Return the day given by the caller, else the day in the file's name, else the file's time.

    The last two count as evidence only if they are not in the future.
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
    return CaptureHint(today, "today")
