"""Parses days in pages, files and addresses, and resolves those without a year ("Aug 7").

The day of a page can be in its text (``find_day``), in its metadata (``captured_day``), in an
address (``day_in_path``) or in the name of the file (``in_name``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EARLIEST = date(1991, 8, 14)  # the first paper on arXiv: no digest is older
_LATEST_YEAR = 2199
GRACE = timedelta(days=1)  # a page is read in one time zone and its file is dated in another
_LEAP = 8  # years: the longest interval between two days called 29 February

_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s+)?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_YEAR = r"(?P<year>\d{4,5})"
_COMMA_YEAR = rf"(?:,?\s+{_YEAR})?"
_EASTERN_WEEKDAY = (
    r"(?:[\s(\uff08]*(?:星期|周|週)?"
    r"[一二三四五六日天月火水木金土월화수목금토일](?:曜日|요일)?[)\uff09]?)?"
)
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_WEEKDAY}{_MONTH}\s*(?<=[\s.]){_DAY}{_COMMA_YEAR}",
        rf"{_WEEKDAY}(?:the\s+)?{_DAY}\s+(?:of\s+)?{_MONTH}{_COMMA_YEAR}",
        rf"{_WEEKDAY}(?P<year>\d{{4}})(?P<gap>[-/.])(?P<month>\d{{1,2}})(?P=gap)(?P<day>\d{{1,2}})",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?(?P<year>\d{{4}})",
        r"(?:(?P<year>\d{4})\s*[年년]\s*)?(?P<month>\d{1,2})\s*[月월]\s*(?P<day>\d{1,2})\s*[日号號일]"
        + _EASTERN_WEEKDAY,
    )
)
_LONGEST = 60  # characters; no written day is longer
_DAYS_AGO = {
    "today": 0, "今天": 0, "今日": 0, "오늘": 0,
    "yesterday": 1, "昨天": 1, "昨日": 1, "어제": 1,
}  # fmt: skip  # one row per day

_IN_NAME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20|21)\d\d)(?P<gap>[-_.]?)(?P<month>\d\d)(?P=gap)(?P<day>\d\d)(?!\d)"
)
_IN_PATH = re.compile(r"/papers/date/(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?![\w-])")
_CAPTURE = re.compile(
    r"[\s>#*_\"'-]{0,20}(?:last[ _-])?(?:retrieved|exported|captured?|saved|accessed|fetched"
    r"|crawled|downloaded|scraped|archived|clipped|created|timestamp|date)"
    r"(?:[ _-]?(?:at|on|time|date|day|utc|\(utc\))){0,3}[*_\"']{0,3}\s{0,4}[:=]?[*_\"'\s]{0,6}"
    r"(?P<value>[^\s].{3,59})",
    re.IGNORECASE,
)
# White space is matched from the start of a run, or a long run would take quadratic time.
_CLOCK = re.compile(
    r"(?:T|(?:,|(?<!\s))\s+(?:at\s+)?)(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?!\d)"
    r"(?::\d\d(?:[.,]\d{1,9})?)?\s?(?P<half>[ap])?(?:\.?m\b)?\s?(?:UTC|GMT)?"
    r"(?:(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))?",
    re.IGNORECASE,
)
_BY_WHOM = re.compile(r"(?<!\s)\s+(?:from|by|with|via|using|\()")


@dataclass(frozen=True, slots=True)
class PartialDay:
    """A day as it is written: its year may be missing, and it may be invalid.

    ``days_ago`` counts back from the day of reading for "Today" and "Yesterday", which have neither
    month nor day (0).
    """

    month: int = 0
    day: int = 0
    year: int | None = None
    days_ago: int | None = None

    def resolve(self, bound: date) -> date | None:
        """Resolve the day on a page that is not newer than ``bound``; None for an invalid day.

        A written year is used whatever the bound is; see ``latest_before`` for days without a year.
        """
        if self.days_ago is not None:
            return bound - timedelta(days=self.days_ago)
        if self.year is not None:
            return day_of(self.year, self.month, self.day)
        return latest_before(self.month, self.day, bound)


def latest_before(month: int, day: int, bound: date) -> date | None:
    """Find the latest day with this month and day, up to a day after ``bound``, else None.

    A page is never newer than its file or today, so no later day can be meant; the extra day is for
    time zones. 29 February is the last one before the bound.
    """
    latest = min(bound, date.max - GRACE) + GRACE
    years = range(latest.year, latest.year - _LEAP - 1, -1)
    possible = (made for year in years if (made := day_of(year, month, day)))
    return next((made for made in possible if made <= latest), None)


def day_of(year: int, month: int, day: int) -> date | None:
    """Make a date; None for invalid ones such as 31 April, and for years without digests."""
    if not EARLIEST.year <= year <= _LATEST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def find_day(text: str) -> PartialDay | None:
    """Parse a line that is only a day; None if there are other words.

    English, with or without the day of the week and the year, in either order ("Aug 7", "Friday, 7
    August 2026"); year, month, day with ``-``, ``/`` or ``.``; day, month, year with ``.``;
    Chinese, Japanese and Korean; "Today" and "Yesterday". 08/07/2026 is not read, because it is one
    day in Europe and another in America.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    if (ago := _DAYS_AGO.get(text.casefold().rstrip("."))) is not None:
        return PartialDay(days_ago=ago)
    match = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if match is None:
        return None
    parts = match.groupdict()
    month = month_number(parts["name"]) if parts.get("name") else int(parts["month"])
    return PartialDay(month, int(parts["day"]), int(parts["year"]) if parts["year"] else None)


def captured_day(text: str) -> date | None:
    """Parse a metadata line with the day of saving.

    ``retrieved: 2026-10-02``. None for other lines, or without a year. A time with a zone is
    converted to the day in UTC, because the page's own days are in UTC.
    """
    match = _CAPTURE.match(text)
    return _utc_day(match["value"]) if match else None


def _utc_day(value: str) -> date | None:
    clock = _CLOCK.search(value)
    words = value[: clock.start()] if clock else _BY_WHOM.split(value, maxsplit=1)[0]
    found = find_day(words.rstrip(" \t\"'`*_,.;"))
    day = day_of(found.year, found.month, found.day) if found and found.year else None
    if day is None or clock is None:
        return day
    return (datetime.combine(day, time()) + _since_midnight(clock)).date()


def _since_midnight(clock: re.Match[str]) -> timedelta:
    """Return a time of day, with its zone, as the time since midnight in UTC."""
    hour = int(clock["hour"])
    if clock["half"]:
        hour = hour % 12 + 12 * (clock["half"].lower() == "p")
    passed = timedelta(hours=hour, minutes=int(clock["minute"]))
    ahead = timedelta(hours=int(clock["hours"] or 0), minutes=int(clock["minutes"] or 0))
    return passed + ahead if clock["sign"] == "-" else passed - ahead


def day_in_path(url: str) -> date | None:
    """Find the day in the address of a daily list, ``/papers/date/2026-03-24``.

    On the page of a day, this is the link to the list of the day before.
    """
    match = _IN_PATH.search(url)
    return day_of(*map(int, match.group("year", "month", "day"))) if match else None


def in_name(filename: str) -> date | None:
    """Find a day such as 2026-08-07, 2026_08_07 or 20260807 in the name of a file."""
    found = (
        day_of(*map(int, m.group("year", "month", "day"))) for m in _IN_NAME.finditer(filename)
    )
    return next((made for made in found if made), None)


def month_number(word: str) -> int:
    """Read the English name of a month, whole or cut to three letters or more."""
    return MONTHS.index(word[:3].lower()) + 1
