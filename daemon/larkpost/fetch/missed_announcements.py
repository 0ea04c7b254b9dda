"""Requests arXiv's API for the announcements that its feed no longer has.

The feed has the papers of one announcement. The API (info.arxiv.org/help/api/user-manual.html)
knows days of submission only, so papers that moderators held back are not among its answers, nor
cross-lists that were added later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from larkpost.fetch.calendars import ONE_DAY, arxiv_announcements, eastern_time, has_announcement
from larkpost.fetch.page_request import MISSING_DAYS, MOST_PAGES, PageRequest
from larkpost.text.arxiv_categories import ARCHIVES

if TYPE_CHECKING:
    from larkpost.db.polling.polled_sources import PageState
    from larkpost.settings.polled_sources import PolledSource

# What is submitted until 14:00 US Eastern is announced on the same evening, and Friday's on Sunday
# (info.arxiv.org/help/availability.html).
_SUBMITTED = time(14)
_FEED_DELAY = timedelta(hours=1)  # the allowed delay of the feed after midnight
_GRACE = ONE_DAY  # the time in which an empty answer is not believed
_PAGE = 500  # papers per request; the API allows 2,000 (3.1.1.2)


def missed_requests(
    source: PolledSource,
    pages: Mapping[str, PageState],
    api: str,
    *,
    seen: datetime | None,
    now: datetime,
) -> Iterator[PageRequest]:
    """Yield the missed announcements, the newest first, and those without an answer so far.

    ``api`` is the site of the API, ``seen`` the time at which the feed was polled before; None for
    a new source, which has missed nothing.
    """
    oldest = now - timedelta(days=MISSING_DAYS)
    missed = set(missed_announcements(max(seen, oldest), now)) if seen else set()
    for ago in range(MISSING_DAYS + 1):
        evening = now.date() - timedelta(days=ago)
        if not has_announcement(evening):
            continue
        request = announcement_request(source, api, evening)
        if evening in missed if request.url not in pages else not _is_answered(request, pages):
            yield request


def _is_answered(request: PageRequest, pages: Mapping[str, PageState]) -> bool:
    """Whether all pages have arrived; an empty answer counts a day after the first request."""
    for number in range(MOST_PAGES):
        page = pages.get(request.page(number).url)
        if page is None:
            return False
        if page.papers < request.size:
            return bool(number or page.papers) or page.checked_at - page.grown_at >= _GRACE
    return True


def announcement_request(source: PolledSource, api: str, evening: date) -> PageRequest:
    """Make the request for the papers that arXiv announced on an evening (US Eastern)."""
    start, end = submission_window(evening)
    names = source.address.partition(":")[2].split("+")
    anyone = " OR ".join(f"cat:{name}.*" if name in ARCHIVES else f"cat:{name}" for name in names)
    query = f"({anyone}) AND submittedDate:[{start:%Y%m%d%H%M} TO {end:%Y%m%d%H%M}]"
    url = (
        f"{api}/api/query?search_query={quote_plus(query, safe=':*')}"
        f"&sortBy=submittedDate&sortOrder=ascending&max_results={_PAGE}"
    )
    day = evening + timedelta(days=1)  # as the feed and arXiv's lists call it
    return PageRequest(url, f"{source.name} {day}", day, "arxiv-api", _PAGE, "&start={first}")


def missed_announcements(seen: datetime, now: datetime) -> list[date]:
    """List the evenings (US Eastern) whose papers arXiv's feed had only between two polls.

    The feed has the papers of an announcement from the midnight after it to the next midnight.
    ``seen`` is the time of the earlier poll.
    """
    appears = timedelta(hours=4)
    return list(arxiv_announcements(seen - appears - _FEED_DELAY, now - appears - ONE_DAY))


def submission_window(evening: date) -> tuple[datetime, datetime]:
    """Return when the papers of an announcement were submitted, from and to, in UTC."""
    before = evening - ONE_DAY
    while not has_announcement(before):
        before -= ONE_DAY
    return _deadline(before), _deadline(evening)


def _deadline(evening: date) -> datetime:
    """Return until when papers for an announcement are accepted; Sunday's until Friday."""
    day = evening - 2 * ONE_DAY if evening.weekday() == 6 else evening
    return datetime.combine(day, _SUBMITTED, eastern_time()).astimezone(UTC)
