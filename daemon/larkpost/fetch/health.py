"""Checks the health of a source: whether it still has new papers at its usual intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.errors import FetchProblem
from larkpost.fetch.calendars import count_arxiv_announcements, count_list_days
from larkpost.settings.polled_sources import SourceKind

if TYPE_CHECKING:
    from larkpost.db.polling.polled_sources import SourceState

MISSED = 2  # announcements, or days of the list
_DELAY = timedelta(hours=12)  # the allowed delay of an announcement or a list
_TRENDING = timedelta(days=4)
_UNKNOWN_RHYTHM = timedelta(days=14)
_LEAST = timedelta(days=3)
_TIMES = 3  # as a multiple of the longest pause so far
_KNOWN_RHYTHM = 3  # answers with new papers before the usual intervals are known
_FORGET = 0.9  # factor on the longest pause at each news, so that old pauses count less
_PAUSE = timedelta(days=1)  # without a poll; the time before it is then unknown
MANY = 5  # papers


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """A problem of a source, in words, and what to try."""

    problem: FetchProblem
    text: str
    hint: str


def note_answer(
    state: SourceState, *, news: bool, papers: int, interval: timedelta, now: datetime
) -> SourceState:
    """Record an answer: ``news`` is whether it had papers new to the source."""
    pause = max(_PAUSE, 3 * interval)
    last = state.last_poll_at
    begins = state.watched_since is None or last is None or not timedelta(0) <= now - last <= pause
    state = replace(
        state,
        last_answer_at=now,
        watched_since=now if begins else state.watched_since,
        papers=papers or state.papers,
    )
    if not news:
        return state
    gap = (now - state.last_news_at).total_seconds() if state.last_news_at else 0.0
    return replace(
        state,
        last_news_at=now,
        news_count=state.news_count + 1,
        longest_gap=max(gap, state.longest_gap * _FORGET),
    )


def find_stop(state: SourceState, *, now: datetime) -> SourceProblem | None:
    """Return the problem of a source that answers but has nothing new; None if as usual."""
    since = max(filter(None, (state.last_news_at, state.watched_since)), default=None)
    if since is None or since > now or not _has_stopped(state, since, now):
        return None
    last = state.last_news_at
    days = max(1, (now - (last or since)).days)
    ago = f"{days} day{'s' if days != 1 else ''}"
    text = (
        f"it answers, but has had no new papers for {ago}"
        if last
        else f"it answers, but has had no papers in the {ago} since it was added"
    )
    return SourceProblem(
        FetchProblem.STOPPED, text, "open its address in a browser: it may have moved or ended"
    )


def _has_stopped(state: SourceState, since: datetime, now: datetime) -> bool:
    match state.source.kind:
        case SourceKind.ARXIV:
            return count_arxiv_announcements(since, now - _DELAY) >= MISSED
        case SourceKind.HF_DAILY:
            return count_list_days(since, now - _DELAY) >= MISSED
        case SourceKind.HF_TRENDING:
            return now - since > _TRENDING
        case SourceKind.FEED:
            return now - since > _longest_pause(state)


def _longest_pause(state: SourceState) -> timedelta:
    if state.news_count < _KNOWN_RHYTHM:
        return _UNKNOWN_RHYTHM
    return max(_LEAST, _TIMES * timedelta(seconds=state.longest_gap))


def find_emptiness(state: SourceState, had: int, *, now: datetime) -> SourceProblem | None:
    """Return the problem of a source that ``had`` many papers and now has none.

    ``had`` is 0 if its answer has some. arXiv's feed is empty on days without an announcement.
    """
    if had < MANY:
        return None
    if state.source.kind is SourceKind.ARXIV:
        last = state.last_news_at
        if last is None or not count_arxiv_announcements(last, now - _DELAY):
            return None
    return SourceProblem(
        FetchProblem.EMPTY,
        f"it answers without papers, but had {had} before",
        "open its address in a browser; it is polled again, in case this is temporary",
    )
