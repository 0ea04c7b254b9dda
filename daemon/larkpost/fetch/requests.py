"""Plans the requests of a source: addresses by its kind, and the missing days of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from larkpost.fetch.calendars import end_of_list_day, is_list_day
from larkpost.fetch.missed_announcements import missed_requests
from larkpost.fetch.page_request import MISSING_DAYS, BaseUrls, PageRequest
from larkpost.settings.polled_sources import PolledSource, SourceKind

if TYPE_CHECKING:
    from larkpost.db.polling.polled_sources import PageState

_LIST_PAGE = 100  # papers of a list per request
_GRACE = timedelta(days=1)  # time after its end in which a day may still grow
_AT_LAST = timedelta(days=3)  # time after its end at which a day is final in any case
_INTERVALS = {
    SourceKind.HF_DAILY: timedelta(hours=1),
    SourceKind.HF_TRENDING: timedelta(hours=6),
    SourceKind.ARXIV: timedelta(hours=2),
    SourceKind.FEED: timedelta(hours=1),
}


def interval_of(source: PolledSource) -> timedelta:
    """Return the time between two polls of a source."""
    if source.interval_minutes is not None:
        return timedelta(minutes=source.interval_minutes)
    return _INTERVALS[source.kind]


def plan_requests(
    source: PolledSource, pages: Mapping[str, PageState], bases: BaseUrls, *, now: datetime
) -> list[PageRequest]:
    """List the requests to a source that are due now, the newest day first.

    For a daily list these are the last fourteen days that are missing or still growing; for arXiv
    its feed, and the announcements of the last fourteen days that the feed no longer had.
    """
    name = source.name
    match source.kind:
        case SourceKind.HF_DAILY:
            return list(_days_to_ask(source, pages, bases, now))
        case SourceKind.HF_TRENDING:
            url = f"{bases.hugging_face}/api/daily_papers?sort=trending&limit={_LIST_PAGE}"
            return [PageRequest(url, name, dump_format="huggingface-api")]
        case SourceKind.ARXIV:
            categories = quote(source.address.partition(":")[2], safe="+.-")
            feed = PageRequest(f"{bases.arxiv}/atom/{categories}", name)
            seen = pages[feed.url].checked_at if feed.url in pages else None
            api = bases.arxiv_api
            return [feed, *missed_requests(source, pages, api, seen=seen, now=now)]
        case SourceKind.FEED:
            return [PageRequest(source.address, name)]


def day_request(source: PolledSource, bases: BaseUrls, day: date) -> PageRequest:
    """Make the request for one day of the daily list."""
    url = f"{bases.hugging_face}/api/daily_papers?date={day}&limit={_LIST_PAGE}"
    label = f"{source.name} {day}"
    return PageRequest(url, label, day, "huggingface-api", _LIST_PAGE, "&p={page}")


def _days_to_ask(
    source: PolledSource, pages: Mapping[str, PageState], bases: BaseUrls, now: datetime
) -> Iterator[PageRequest]:
    today = now.astimezone(UTC).date()
    for ago in range(MISSING_DAYS):
        day = today - timedelta(days=ago)
        request = day_request(source, bases, day)
        if not is_list_day(day) and now < end_of_list_day(day):
            continue  # a weekend has no list: one request after its end
        known = pages.get(request.url)
        if known is None or not has_settled(known, day):
            yield request


def has_settled(page: PageState, day: date) -> bool:
    """Return whether a day is final: unchanged for a day after its end, or long over."""
    end = end_of_list_day(day)
    if page.checked_at >= end and not page.papers and not is_list_day(day):
        return True
    quiet = page.checked_at - page.grown_at >= _GRACE
    return (page.checked_at >= end + _GRACE and quiet) or page.checked_at >= end + _AT_LAST
