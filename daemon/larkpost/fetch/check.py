"""Requests a source now and reports the papers in its answer, without ingesting them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db.polling import polled_sources
from larkpost.domain import PaperRecord, RejectedRecord
from larkpost.errors import FetchProblem, SourceFailure, UnreadableDump
from larkpost.fetch.answer_shape import is_empty_list
from larkpost.fetch.calendars import is_list_day
from larkpost.fetch.health import SourceProblem
from larkpost.fetch.requests import day_request, plan_requests
from larkpost.ingest.dump_reader import find_format, recognise_format
from larkpost.ingest.file_reader import DumpCopy, copy_of_stream
from larkpost.masking import mask_text
from larkpost.settings.polled_sources import PolledSource, SourceKind

if TYPE_CHECKING:
    from larkpost.fetch.http_client import Answer
    from larkpost.fetch.page_request import PageRequest
    from larkpost.fetch.poll import PollContext


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The current answer of a source: its number of papers, format, and first titles."""

    source: PolledSource
    papers: int = 0
    format: str = ""
    first_title: str = ""
    problem: SourceProblem | None = None


def check_source(context: PollContext, source: PolledSource, *, now: datetime) -> CheckResult:
    """Request a source and read its answer; after success it is due at once.

    Raises TryAgainLater while another process sends a request to a limited host.
    """
    request = _request_of(context, source, now)
    try:
        with context.client.get(request.url, allow_private=source.allow_private, now=now) as answer:
            result = _read(context, source, request, answer, now)
    except SourceFailure as fault:
        problem = SourceProblem(fault.problem, mask_text(str(fault)), mask_text(fault.hint))
        return CheckResult(source, problem=problem)
    with context.store.begin() as connection:
        polled_sources.make_due(connection, source.name, now)
    return result


def _request_of(context: PollContext, source: PolledSource, now: datetime) -> PageRequest:
    """Choose the address to try: for a daily list the last day that surely has papers."""
    if source.kind is not SourceKind.HF_DAILY:
        return plan_requests(source, {}, context.bases, now=now)[0]
    day = now.astimezone(UTC).date() - timedelta(days=1)
    while not is_list_day(day):
        day -= timedelta(days=1)
    return day_request(source, context.bases, day)


def _read(
    context: PollContext, source: PolledSource, request: PageRequest, answer: Answer, now: datetime
) -> CheckResult:
    assert answer.body is not None  # noqa: S101 - asked without validators
    if is_empty_list(source, answer.body):
        return CheckResult(source)
    try:
        with copy_of_stream(answer.body, request.label) as copy:
            found = list(_papers_in(context, request, copy, now))
    except UnreadableDump as error:
        raise SourceFailure(
            f"its answer could not be read: {error}", problem=FetchProblem.SHAPE, hint=error.hint
        ) from error
    name, title = found[0] if found else ("", "")
    return CheckResult(source, len(found), name, title)


def _papers_in(
    context: PollContext, request: PageRequest, copy: DumpCopy, now: datetime
) -> Iterator[tuple[str, str]]:
    """Yield the format and the title of each paper, as the poll would read them."""
    for member in copy.members():
        if isinstance(member, RejectedRecord):
            continue
        if request.dump_format:
            chosen = find_format(context.dump_formats, request.dump_format)
        else:
            chosen = recognise_format(context.dump_formats, member)
        for record in chosen.read(member.body, request.day or now.date()):
            if isinstance(record, PaperRecord):
                yield chosen.name, record.title
