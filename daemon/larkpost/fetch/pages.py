"""Requests one page of a source, ingests its papers, and stores its state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import read_dumps
from larkpost.db.polling import polled_sources
from larkpost.db.polling.polled_sources import PageState
from larkpost.errors import FetchProblem, SourceFailure, UnreadableDump
from larkpost.fetch.answer_shape import is_empty_list
from larkpost.fetch.authorities import is_authoritative, is_own_list
from larkpost.fetch.http_client import Answer, Validators, is_same_server
from larkpost.fetch.page_request import MISSING_DAYS, MOST_PAGES, PageRequest
from larkpost.fetch.requests import interval_of
from larkpost.ingest.dump_limits import OF_AUTHORITIES, OF_OTHERS, DumpLimits, GrowthLimit
from larkpost.ingest.ingest import IngestReport, ingest
from larkpost.log_events import LogEvent
from larkpost.masking import mask_text
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.fetch.poll import PollContext
    from larkpost.settings.polled_sources import PolledSource

log = logs.get_logger(__name__)

# An ETag may be wrong, so a page is requested in full after so many intervals, at least once per
# day.
_WHOLE_AFTER = 6
_WHOLE_AT_LEAST = timedelta(days=1)
_REMEMBERED = timedelta(days=MISSING_DAYS + 7)


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """The result of a page: its number of ``papers``, and whether some are ``news``.

    ``had`` is the earlier number, if there are none now. ``report`` is None if nothing was read.
    """

    papers: int = 0
    news: bool = False
    had: int = 0
    report: IngestReport | None = None
    moved_to: str = ""


class PagePoller:
    """Requests pages of one source; ``pages`` are the states by address."""

    def __init__(
        self,
        context: PollContext,
        source: PolledSource,
        pages: dict[str, PageState],
        now: datetime,
    ) -> None:
        self._context = context
        self._source = source
        self._pages = pages
        self._now = now

    def ask(self, request: PageRequest) -> Iterator[PageAnswer]:
        """Request a page, and the next ones if a day has more papers than fit on one.

        Raises SourceFailure, and TryAgainLater if it is not the source's fault.
        """
        yield (answer := self._ask_one(request))
        before = self._pages.get(request.url)
        for number in range(1, MOST_PAGES if request.further else 1):
            if answer.papers < request.size:
                break
            following = request.page(number)
            answer = self._ask_one(following)
            after = self._pages.get(following.url)
            if before and after and before.digest == after.digest:
                break  # this server does not support pages
            yield answer
            before = after

    def note_missing_days(self, requests: Sequence[PageRequest]) -> None:
        """Store that days are to be requested, so that they are, whatever happens until then."""
        for request in requests:
            if request.day is not None and request.url not in self._pages:
                self._save(self._state_after(request, Answer(request.url), None, "", papers=0))

    def forget_old_pages(self, requests: Sequence[PageRequest]) -> None:
        """Delete the states of days long over, and of addresses that are no longer requested."""
        wanted = {request.url for request in requests}
        oldest = (self._now - _REMEMBERED).astimezone(UTC).date()
        old = [
            page.url
            for page in self._pages.values()
            if (page.day < oldest if page.day else page.url not in wanted)
        ]
        if old:
            with self._context.store.begin() as connection:
                polled_sources.forget_pages(connection, self._source.name, old)

    def _ask_one(self, request: PageRequest) -> PageAnswer:
        page = self._pages.get(request.url)
        if page is not None and page.moved_to:
            try:
                return self._get(request, page.moved_to, page)
            except SourceFailure as fault:
                log.info(LogEvent.SOURCE_RESET, source=self._source.name, reason=str(fault))
                page = replace(page, moved_to="")
        try:
            return self._get(request, request.url, page)
        except SourceFailure as fault:
            if fault.status == 400 and self._may_be_to_come(request):
                return PageAnswer()  # by the server's clock this day has not begun
            raise

    def _may_be_to_come(self, request: PageRequest) -> bool:
        return request.day is not None and request.day >= self._now.astimezone(UTC).date()

    def _get(self, request: PageRequest, url: str, page: PageState | None) -> PageAnswer:
        sent = self._validators(page)
        context = self._context
        private = self._source.allow_private and is_same_server(url, request.url)
        with context.client.get(url, sent, allow_private=private, now=self._now) as answer:
            if answer.body is not None:
                return self._take(request, answer, url, page)
            if page is not None and answer.validators == sent:
                return self._not_modified(answer, url, page)
        # The server says that nothing has changed, but sends an ETag that is not ours.
        with context.client.get(url, allow_private=private, now=self._now) as answer:
            return self._take(request, answer, url, page)

    def _validators(self, page: PageState | None) -> Validators:
        if page is None or not page.trusted:
            return Validators()
        often = min(_WHOLE_AFTER * interval_of(self._source), _WHOLE_AT_LEAST)
        if not timedelta(0) <= self._now - page.whole_at < often:
            return Validators()
        return Validators(page.etag, page.last_modified)

    def _not_modified(self, answer: Answer, url: str, page: PageState) -> PageAnswer:
        moved = _moved_to(answer, url, page)
        self._save(replace(page, checked_at=self._now, moved_to=moved))
        return PageAnswer(papers=page.papers, moved_to=moved)

    def _take(
        self, request: PageRequest, answer: Answer, url: str, page: PageState | None
    ) -> PageAnswer:
        """Read a page that arrived complete."""
        body = answer.body
        assert body is not None  # noqa: S101 - asked without validators, nothing else can come
        moved = _moved_to(answer, url, page)
        if is_empty_list(self._source, body):
            had = page.papers if page else 0
            self._save(self._state_after(request, answer, page, moved, papers=had))
            return PageAnswer(had=had, moved_to=moved)
        if page is not None and page.digest == answer.digest:
            self._save(self._state_after(request, answer, page, moved, papers=page.papers))
            return PageAnswer(papers=page.papers, moved_to=moved)
        report = self._ingest(request, answer)
        news = self._has_news(report)
        state = self._state_after(request, answer, page, moved, papers=report.papers)
        state = replace(
            state,
            dump_id=report.dump_id,
            grown_at=self._now if news else state.grown_at,
            trusted=state.trusted and not (news and _lies(answer.validators, page)),
        )
        self._save(state)
        return PageAnswer(report.papers, news, report=report, moved_to=moved)

    def _ingest(self, request: PageRequest, answer: Answer) -> IngestReport:
        limits, growth = self._limits_of(request, answer)
        if growth and (flood := growth.describe_excess(self._context.store, self._now)):
            raise SourceFailure(
                flood,
                problem=FetchProblem.TOO_LARGE,
                hint="look at its papers; if you want them all, ingest them as a file",
            )
        try:
            return ingest(
                self._context.store,
                self._context.dump_formats,
                None,
                stream=answer.body,
                name=f"{request.label} ({mask_text(answer.url)})",
                source=self._source.name,
                limits=limits,
                growth=growth,
                date=request.day or self._now.date(),
                dump_format=request.dump_format,
                now=self._now,
            )
        except UnreadableDump as error:
            raise SourceFailure(
                f"its answer could not be read: {error}",
                problem=FetchProblem.SHAPE,
                hint=error.hint,
            ) from error

    def _limits_of(
        self, request: PageRequest, answer: Answer
    ) -> tuple[DumpLimits, GrowthLimit | None]:
        """Return the limits of an answer: those of an authority only if the authority was asked.

        Any blog can redirect to a search of arXiv for old papers, another one at each poll.
        """
        verified = is_authoritative(self._source, request.url, answer.url)
        if verified and is_own_list(self._source, request.url):
            return OF_AUTHORITIES, None
        account = f"source {self._source.name}"
        limits = replace(OF_OTHERS, source=account)
        if verified:
            limits = replace(limits, unverified=Unverified.NONE)
        return limits, GrowthLimit(account)

    def _has_news(self, report: IngestReport) -> bool:
        """Whether the page lists a paper that no page of this source listed before."""
        earlier = [page.dump_id for page in self._pages.values() if page.dump_id is not None]
        with self._context.store.read() as connection:
            before = {
                one for dump_id in earlier for one in read_dumps.papers_of(connection, dump_id)
            }
            return not before.issuperset(read_dumps.papers_of(connection, report.dump_id))

    def _state_after(
        self,
        request: PageRequest,
        answer: Answer,
        page: PageState | None,
        moved_to: str,
        *,
        papers: int,
    ) -> PageState:
        return PageState(
            source=self._source.name,
            url=request.url,
            day=request.day,
            etag=answer.validators.etag,
            last_modified=answer.validators.last_modified,
            trusted=page.trusted if page else True,
            digest=answer.digest,
            dump_id=page.dump_id if page else None,
            papers=papers,
            checked_at=self._now,
            whole_at=self._now,
            grown_at=page.grown_at if page else self._now,
            moved_to=moved_to,
        )

    def _save(self, state: PageState) -> None:
        self._pages[state.url] = state
        with self._context.store.begin() as connection:
            polled_sources.save_page(connection, state)


def _moved_to(answer: Answer, url: str, page: PageState | None) -> str:
    """Return the new address of the page, or the one that it moved to earlier."""
    return answer.moved_to or (page.moved_to if page and page.moved_to == url else "")


def _lies(validators: Validators, page: PageState | None) -> bool:
    """Whether the validators stayed the same although the papers changed."""
    return (
        page is not None
        and bool(validators)
        and validators == Validators(page.etag, page.last_modified)
    )
