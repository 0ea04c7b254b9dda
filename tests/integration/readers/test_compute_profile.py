"""Tests that taste profiles are computed in a separate process, whose death does no harm."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from tests.helpers.taste_history import live
from tests.helpers.web.site_client import NOW

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.domain import Interest, TermWeight
from larkpost.editions.evaluate import evaluate
from larkpost.editions.model_cache import ModelCache
from larkpost.editions.second_interest import Offer
from larkpost.errors import TryAgainLater
from larkpost.ranking import Logged, TfidfRanker
from larkpost.ranking.evaluation.off_policy import off_policy
from larkpost.ranking.evaluation.report_json import report_from_json, report_to_json
from larkpost.ranking.exploration.stream_coverage import Coverage, Region
from larkpost.readers import subscriptions
from larkpost.readers.compute_profile import (
    ComputedProfile,
    ComputeProfileApart,
    ProfileRequest,
    compute_here,
)
from larkpost.readers.profile_json import profile_from_json, profile_to_json
from larkpost.readers.taste_profile import AFTER_FAILURE, TasteProfileCache
from larkpost.readers.taste_summary import (
    Leaning,
    TasteSummary,
    TermChange,
)
from larkpost.web import app
from larkpost.web.limits.fair_queue import QueueSlot

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

    from larkpost.domain import Paper, Reader
    from larkpost.ranking import TextSpace
    from larkpost.readers.compute_profile import ComputeProfile

PROFILE = "larkpost.readers.profile_process"
APART = ComputeProfileApart(small=0)
BROKEN = "import sys; sys.stdin.readline(); sys.exit('out of luck')"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
NO_REPORT = "import sys; sys.stdin.readline(); print('no report')"
ENDLESS = "import time; time.sleep(600)"
NOT_REPLAYED = "Your thumbs could not be replayed just now"


def compute_with(here: Place, compute: ComputeProfileApart) -> TasteProfileCache:
    """Let the site compute taste profiles with this function."""
    tastes = TasteProfileCache(compute)
    site = here.client.app.state.site  # type: ignore[attr-defined]  # of Starlette
    object.__setattr__(site, "tastes", tastes)
    return tastes


def profile(
    here: Place,
    compute: ComputeProfile,
    ranker: TfidfRanker | None = None,
    *,
    reader: Reader | None = None,
    replays: bool = True,
) -> ComputedProfile:
    """Compute a reader's profile with the newest stored model."""
    store, ranker = here.program.store, ranker or here.program.ranker
    request = ProfileRequest(reader or here.current(), NOW, replays=replays, fewest=5)
    return compute(store, ranker, lambda: ModelCache().newest(store, ranker).space, request)


def papers_of(here: Place, *, limit: int) -> list[Paper]:
    """Return the newest papers."""
    with here.program.store.read() as connection:
        return papers.corpus(connection, limit=limit)


def no_space() -> TextSpace:
    """Fail if this process is to compute with a model."""
    raise AssertionError("computed in this process")


@pytest.mark.parametrize(
    "ranker",
    [TfidfRanker(), TfidfRanker(half_life_days=90, accurate=False)],
    ids=["usual", "fast, with a half-life"],
)
def test_the_process_measures_what_this_one_would(here: Place, ranker: TfidfRanker) -> None:
    live(here)

    apart = profile(here, APART, ranker)

    assert apart == profile(here, compute_here, ranker)
    assert apart.report
    assert apart.report.votes == 24
    assert apart.report.systems["larkpost"].auc.count
    assert [month.month for month in apart.summary.months] == ["2026-05", "2026-06", "2026-07"]
    assert apart.summary.leanings[0].toward


def test_a_report_survives_json_unchanged(here: Place) -> None:
    live(here)
    report = replace(
        evaluate(here.program.store, TfidfRanker(), here.reader),
        off_policy=off_policy([Logged(propensity=1 / 3, pool=10, explored=True, liked=True)]),
        coverage=Coverage(1000, 30, 7, 0.1, (Region(1 / 7, ("ice", "müde \u2028 <b>")),)),
    )

    assert report.drift
    assert report_from_json(report_to_json(report)) == report


@pytest.mark.parametrize("replays", [True, False])
def test_a_profile_apart_needs_no_model_in_this_process(here: Place, *, replays: bool) -> None:
    live(here)
    store, ranker = here.program.store, here.program.ranker
    request = ProfileRequest(here.current(), NOW, replays=replays, fewest=5)

    computed = APART(store, ranker, no_space, request)

    assert computed.summary.months
    assert (computed.report is not None) == replays


def test_a_summary_survives_json_unchanged(here: Place) -> None:
    (paper,) = papers_of(here, limit=1)
    odd = "müde \u2028 <b>\r\n"
    offered = Offer(odd, "ice", (odd,), (replace(paper, title=odd),), ("b",))
    terms = TermWeight(odd, 1 / 3), TermWeight("a", 5e-324)
    summary = TasteSummary(
        (Leaning(Interest(7, odd, (odd,), 3), terms, ()),),
        (TermChange("2026-08", {"z": 0.1 + 0.2, odd: -1e-9, "a": 1.0}),),
        offered,
    )

    body = profile_to_json(summary, None)
    read, report = profile_from_json(body, replays=False)

    assert read == summary
    assert report is None
    assert list(read.months[0].weights) == ["z", odd, "a"]
    assert len(body.splitlines()) == 1


def test_a_reader_without_thumbs_has_an_empty_report_either_way(here: Place) -> None:
    other = subscriptions.add(here.program.store, "eve@example.org", now=NOW)

    apart = profile(here, APART, reader=other)

    assert apart == profile(here, compute_here, reader=other)
    assert apart.report
    assert not apart.report.votes


def test_the_page_is_the_same_either_way(here: Place, me: str, started: list[list[str]]) -> None:
    live(here)
    in_a_thread = here.client.get(f"{me}/taste").text
    compute_with(here, APART)

    assert here.client.get(f"{me}/taste").text == in_a_thread
    assert "Your 24 thumbs were replayed" in in_a_thread
    assert [command[-1] for command in started] == [PROFILE]


def test_eight_visitors_at_once_start_one_process(
    here: Place, me: str, started: list[list[str]]
) -> None:
    live(here)
    tastes = compute_with(here, APART)
    program = here.program
    space = program.spaces.newest(program.store, program.ranker).space

    def look(_visitor: int) -> object:
        return tastes.of(program.store, program.ranker, lambda: space, here.current(), now=NOW)

    with ThreadPoolExecutor(8) as pool:
        profiles = list(pool.map(look, range(8)))

    assert all(one is profiles[0] for one in profiles)
    assert here.client.get(f"{me}/taste").status_code == 200
    assert len(started) == 1


@pytest.mark.parametrize(
    ("instead", "why"),
    [(BROKEN, "out of luck"), (KILLED, "-9"), (NO_REPORT, "json"), (ENDLESS, "longer than 1 ")],
    ids=["broken", "killed", "nonsense", "endless"],
)
def test_where_the_process_dies_the_page_says_so_and_it_is_tried_again_in_ten_minutes(
    here: Place, me: str, child: list[str], instead: str, why: str
) -> None:
    live(here)
    compute_with(here, ComputeProfileApart(small=0, seconds=1))
    child.append(instead)

    with capture_logs() as logged:
        first = here.client.get(f"{me}/taste")
        again = here.client.get(f"{me}/taste")

    assert first.status_code == again.status_code == 200
    assert NOT_REPLAYED in first.text
    assert "Words that raise the score" in first.text
    assert again.text == first.text
    (warning,) = [one for one in logged if one["event"] == "replay.failed"]
    assert why in warning["problem"].lower()
    child.clear()
    here.client.app.state.site.tastes._compute = APART  # type: ignore[attr-defined]
    here.clock.now = NOW + AFTER_FAILURE - timedelta(seconds=1)
    assert NOT_REPLAYED in here.client.get(f"{me}/taste").text
    here.clock.now = NOW + AFTER_FAILURE
    assert "Your 24 thumbs were replayed" in here.client.get(f"{me}/taste").text


def test_a_vote_does_not_start_a_failed_replay_again(
    here: Place, me: str, child: list[str]
) -> None:
    live(here)
    compute_with(here, APART)
    child.append(BROKEN)

    with capture_logs() as logged:
        here.client.get(f"{me}/taste")
        here.client.post(here.vote_path(1, "up"))
        assert NOT_REPLAYED in here.client.get(f"{me}/taste").text

    assert [one["event"] for one in logged].count("replay.failed") == 1


def test_words_that_fail_apart_are_computed_here_and_the_last_replay_stays(
    here: Place, me: str, child: list[str], started: list[list[str]]
) -> None:
    live(here)
    compute_with(here, APART)
    replayed = here.client.get(f"{me}/taste").text
    child.append(BROKEN)

    with capture_logs() as logged:
        for position in (1, 2):
            here.client.post(here.vote_path(position, "up"))
            page = here.client.get(f"{me}/taste").text
            assert "Your 24 thumbs were replayed" in page
            assert "Words that raise the score" in page

    assert "Your 24 thumbs were replayed" in replayed
    assert [one["event"] for one in logged].count("taste.failed") == 1
    assert len(started) == 2  # the first page's, and the one that failed
    child.clear()
    here.clock.now = NOW + AFTER_FAILURE
    here.client.post(here.vote_path(3, "up"))
    assert "Your 24 thumbs were replayed" in here.client.get(f"{me}/taste").text
    assert len(started) == 3


def test_a_new_vote_computes_the_words_apart_without_a_replay(
    here: Place, me: str, started: list[list[str]]
) -> None:
    live(here)
    tastes = compute_with(here, APART)
    here.client.get(f"{me}/taste")

    here.client.post(here.vote_path(1, "up"))
    again = tastes.of(here.program.store, here.program.ranker, no_space, here.current(), now=NOW)

    assert len(started) == 2
    assert again.report
    assert again.report.votes == 24
    assert again.summary == profile(here, compute_here, replays=False).summary


def test_when_the_daemon_ends_the_visitor_is_asked_to_come_back(
    here: Place, me: str, child: list[str]
) -> None:
    live(here)
    stopping = ComputeProfileApart(lambda: True, small=0)
    compute_with(here, stopping)
    child.append(ENDLESS)

    answer = here.client.get(f"{me}/taste")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    with pytest.raises(TryAgainLater):
        profile(here, stopping)


def test_the_processor_time_of_the_process_counts_as_its_networks(
    here: Place, child: list[str]
) -> None:
    child.append("import time\nwhile time.process_time() < 1: pass\nraise SystemExit(1)")
    slot, other = QueueSlot(), QueueSlot()

    with pytest.raises(RuntimeError):
        slot.run(profile, here, APART)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(other.run, len, "").result()

    assert slot.seconds >= 0.9
    assert other.seconds < 0.9


def test_with_few_papers_or_few_thumbs_no_process_is_started(
    here: Place, me: str, started: list[list[str]]
) -> None:
    compute_with(here, APART)
    assert here.client.get(f"{me}/taste").status_code == 200  # no thumbs

    live(here)
    compute_with(here, ComputeProfileApart())
    assert "Your 24 thumbs were replayed" in here.client.get(f"{me}/taste").text

    assert started == []


def test_no_password_of_the_database_is_in_the_command_line_or_in_an_error(
    here: Place, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Store("postgresql://lark:s3cr3t@127.0.0.1:1/nowhere")
    monkeypatch.setattr(nowhere, "read", here.program.store.read)
    request = ProfileRequest(here.current(), NOW, replays=True, fewest=5)

    with pytest.raises(RuntimeError) as failed:
        APART(nowhere, TfidfRanker(), no_space, request)

    assert "s3cr3t" not in str(failed.value)
    assert not any("s3cr3t" in word for command in started for word in command)


def test_only_the_daemon_computes_in_a_process_and_it_ends_with_the_daemon(here: Place) -> None:
    program = here.program
    assert app(program).state.site.tastes._compute is compute_here

    program.fits_apart = True
    compute = app(program).state.site.tastes._compute
    program.stopping.set()

    assert isinstance(compute, ComputeProfileApart)
    assert compute.stopped()
