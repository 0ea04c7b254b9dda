"""A large dump in the inbox and costly mails are read beside the ticks: no edition waits."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from tests.helpers.mail.digest_mails import make_maildir
from tests.helpers.polling import PATIENCE, until
from tests.helpers.tick_helpers import MORNING, NOW, SAMPLE, drop_sample, make_program

from larkpost.editions.fit_model import Fitted, fit_here
from larkpost.editions.model_cache import ModelCache
from larkpost.editions.publish import PublishOutcome
from larkpost.errors import Busy
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.inbound.digest_mail import DigestMail
from larkpost.inbound.digest_senders import DigestSenders
from larkpost.inbound.process import InboundKind
from larkpost.ingest.inbox import RejectedFile, sweep
from larkpost.ingest.ingest import ingest
from larkpost.mail.deliver import DeliveryCounts
from larkpost.readers import subscriptions
from larkpost.scheduler import tick as ticks
from larkpost.scheduler.mutex import alone
from larkpost.scheduler.side_work import SideWork
from larkpost.scheduler.tick import TickResult, edit, tick

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from larkpost.bootstrap import Program
    from larkpost.db.engine import Store
    from larkpost.ingest.inbox import Taken
    from larkpost.ranking import TfidfRanker
    from larkpost.scheduler.tick import TickContext

SOON = 0.01  # seconds that a tick waits for the inbox


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return make_program(tmp_path)


def test_an_edition_does_not_wait_for_a_dump_that_takes_long(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.tick_context, now=NOW)
    begun, go_on = threading.Event(), threading.Event()
    taken: list[Taken] = [RejectedFile("a.txt", "it is too dull", moved=True)]

    def slow(*_args: object, **_named: object) -> list[Taken]:
        begun.set()
        assert go_on.wait(PATIENCE)
        return taken

    monkeypatch.setattr(ticks, "sweep", slow)
    work: SideWork[list[Taken]] = SideWork("inbox", SOON)
    context = replace(program.tick_context, inbox_work=work)

    first = edit(context, now=MORNING)
    assert begun.wait(PATIENCE)
    assert (first.outcomes, first.taken) == ({PublishOutcome.PUBLISHED: 1}, [])

    assert edit(context, now=MORNING + timedelta(minutes=1)).taken == []  # not read twice at once
    go_on.set()
    until(lambda: not work.is_going_on)
    assert edit(context, now=MORNING + timedelta(minutes=2)).taken == taken


@pytest.fixture
def fits() -> list[datetime]:
    """Return the list of the times at which models were fitted."""
    return []


@pytest.fixture
def fitted(program: Program, fits: list[datetime]) -> TickContext:
    """Return a context with a reader, papers, and a model fitted to them."""

    def fit_and_count(
        store: Store, ranker: TfidfRanker, now: datetime, *, together: bool
    ) -> Fitted:
        fits.append(now)
        return fit_here(store, ranker, now, together=together)

    spaces = ModelCache(fit_and_count)
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    context = replace(
        program.tick_context,
        spaces=spaces,
        publish_context=replace(program.tick_context.publish_context, spaces=spaces),
    )
    tick(context, now=NOW)
    assert len(fits) == 1
    return context


def add_titles(program: Program, numbers: Iterable[int]) -> None:
    more = b"".join(b'{"title": "A title of number %d"}\n' % number for number in numbers)
    ingest(program.store, DUMP_FORMATS, None, stream=BytesIO(more), now=MORNING)


def test_an_edition_waits_for_no_fit_while_the_inbox_is_being_read(
    program: Program,
    fitted: TickContext,
    fits: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_titles(program, range(99))
    go_on = threading.Event()
    monkeypatch.setattr(ticks, "sweep", lambda *_args, **_named: go_on.wait(PATIENCE) and [])
    work: SideWork[list[Taken]] = SideWork("inbox", SOON)

    done = edit(replace(fitted, inbox_work=work), now=MORNING)
    assert done.outcomes == {PublishOutcome.PUBLISHED: 1}
    assert len(fits) == 1

    go_on.set()
    work.finish()
    edit(fitted, now=MORNING + timedelta(minutes=1))
    assert len(fits) == 2


def test_nor_while_another_process_reads_it(
    program: Program, fitted: TickContext, fits: list[datetime]
) -> None:
    add_titles(program, range(99))

    with alone(program.store, "inbox"):
        done = edit(fitted, now=MORNING)

    assert done.outcomes == {PublishOutcome.PUBLISHED: 1}
    assert len(fits) == 1


@pytest.mark.parametrize(("papers", "days"), [(999, 0), (1, 2)])
def test_an_inbox_that_is_read_for_ever_keeps_no_model_for_ever(
    program: Program,
    fitted: TickContext,
    fits: list[datetime],
    papers: int,
    days: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_titles(program, range(papers))
    end = threading.Event()
    monkeypatch.setattr(ticks, "sweep", lambda *_args, **_named: end.wait(PATIENCE) and [])
    work: SideWork[list[Taken]] = SideWork("inbox", SOON)

    for minute in range(3):
        now = MORNING + timedelta(days, minutes=minute)
        edit(replace(fitted, inbox_work=work), now=now)
    end.set()
    work.finish()

    assert len(fits) == 2


def test_a_tick_by_hand_publishes_before_it_reads_a_dump_that_takes_long_to_its_end(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.tick_context, now=NOW)
    go_on = threading.Event()
    taken: list[Taken] = [RejectedFile("a.txt", "it is too dull", moved=True)]

    def slow(*_args: object, **_named: object) -> list[Taken]:
        assert go_on.wait(PATIENCE)
        return taken

    def post_and_go_on(context: TickContext, *, now: datetime) -> TickResult:
        result = ticks_post(context, now=now)
        go_on.set()
        return result

    ticks_post = ticks.post
    monkeypatch.setattr(ticks, "READ_SECONDS", SOON)
    monkeypatch.setattr(ticks, "sweep", slow)
    monkeypatch.setattr(ticks, "post", post_and_go_on)

    done = tick(program.tick_context, now=MORNING)

    assert done.outcomes == {PublishOutcome.PUBLISHED: 1}
    assert done.ledger.sent == 1
    assert done.taken == taken


def test_a_tick_by_hand_publishes_and_sends_again_while_it_reads_on(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[datetime] = []
    enough = threading.Event()

    def slow(*_args: object, **_named: object) -> list[Taken]:
        assert enough.wait(PATIENCE)
        return []

    def post_some(_context: TickContext, *, now: datetime) -> TickResult:
        posted.append(now)
        if len(posted) == 2:
            raise Busy("another post is running")
        if len(posted) == 4:
            enough.set()
        return TickResult(ledger=DeliveryCounts(sent=1, failed=2))

    monkeypatch.setattr(ticks, "READ_SECONDS", SOON)
    monkeypatch.setattr(ticks, "sweep", slow)
    monkeypatch.setattr(ticks, "post", post_some)

    done = tick(program.tick_context, now=NOW)

    assert done.ledger == DeliveryCounts(sent=len(posted) - 1, failed=2 * (len(posted) - 1))
    assert NOW == posted[0] < posted[1] < posted[2]


def test_an_inbox_that_ends_while_editions_are_sent_is_in_the_result(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    taken: list[Taken] = [RejectedFile("a.txt", "it is too dull", moved=True)]

    def post_after_the_inbox(context: TickContext, *, now: datetime) -> TickResult:
        work = context.inbox_work
        assert work is not None
        go_on.set()
        until(lambda: not work.is_going_on)
        return TickResult()

    monkeypatch.setattr(ticks, "READ_SECONDS", SOON)
    monkeypatch.setattr(
        ticks, "sweep", lambda *_args, **_named: taken if go_on.wait(PATIENCE) else []
    )
    monkeypatch.setattr(ticks, "post", post_after_the_inbox)

    assert tick(program.tick_context, now=NOW).taken == taken


def test_a_tick_that_cannot_post_reads_the_inbox_to_its_end_all_the_same(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_sample(program)
    posting = threading.Event()

    def sweep_later(*args: Any, **named: Any) -> list[Taken]:
        assert posting.wait(PATIENCE)
        return sweep(*args, **named)

    def fail(_context: TickContext, *, now: datetime) -> TickResult:
        posting.set()
        raise Busy("another post is running")

    monkeypatch.setattr(ticks, "READ_SECONDS", SOON)
    monkeypatch.setattr(ticks, "sweep", sweep_later)
    monkeypatch.setattr(ticks, "post", fail)

    with pytest.raises(Busy):
        tick(program.tick_context, now=NOW)

    assert [path.name for path in program.places.done.iterdir()] == [SAMPLE]


def test_an_error_in_the_rest_of_the_inbox_is_a_failed_step(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = threading.Event()

    def fail(*_args: object, **_named: object) -> list[Taken]:
        assert posted.wait(PATIENCE)
        raise OSError("no such folder")

    def post_nothing(_context: TickContext, *, now: datetime) -> TickResult:
        posted.set()
        return TickResult()

    monkeypatch.setattr(ticks, "READ_SECONDS", SOON)
    monkeypatch.setattr(ticks, "sweep", fail)
    monkeypatch.setattr(ticks, "post", post_nothing)

    assert tick(program.tick_context, now=NOW).troubles == {"ingest": "OSError: no such folder"}


def test_a_tick_waits_a_little_so_that_new_papers_are_in_its_editions(program: Program) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)

    work: SideWork[list[Taken]] = SideWork("inbox", PATIENCE)

    done = edit(replace(program.tick_context, inbox_work=work), now=MORNING)

    assert [one.new for one in done.taken] == [108]  # type: ignore[union-attr]  # none is bad
    assert done.outcomes == {PublishOutcome.PUBLISHED: 1}


def test_an_edition_does_not_wait_for_mails_that_take_long(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.tick_context, now=NOW)
    go_on = threading.Event()

    def slow(*_args: object, **_named: object) -> Counter[InboundKind]:
        assert go_on.wait(PATIENCE)
        return Counter({InboundKind.VOTED: 3})

    monkeypatch.setattr(ticks, "collect", slow)
    work: SideWork[Counter[InboundKind]] = SideWork("inbound", SOON)
    digests = DigestMail(DigestSenders(("@arxiv.org",)), make_maildir(tmp_path / "digests"))
    context = replace(program.tick_context, mail_work=work, digests=digests, inbound_folder=None)

    first = edit(context, now=MORNING)
    assert (first.outcomes, first.returned) == ({PublishOutcome.PUBLISHED: 1}, {})

    go_on.set()
    until(lambda: not work.is_going_on)
    again = edit(context, now=MORNING + timedelta(minutes=1))
    assert again.returned == {InboundKind.VOTED: 3}


def test_an_error_is_raised_once() -> None:
    work: SideWork[str] = SideWork("inbox", PATIENCE)

    def fail() -> str:
        raise OSError("no such folder")

    with pytest.raises(OSError, match="no such folder"):
        work.do(fail)
    assert work.do(lambda: "well") == "well"


def test_a_dump_is_left_in_the_middle_when_the_daemon_stops(program: Program) -> None:
    drop_sample(program)
    asked: list[int] = []

    def stopped() -> bool:  # true from the second question on: within the file
        asked.append(1)
        return len(asked) > 1

    places = program.places
    taken = sweep(
        program.store, program.dump_formats, places, stable_seconds=0, now=NOW, stopped=stopped
    )

    assert taken == []
    assert (places.inbox / SAMPLE).exists()
    again = sweep(program.store, program.dump_formats, places, stable_seconds=0, now=NOW)
    assert [one.new for one in again] == [108]  # type: ignore[union-attr]  # none is bad
