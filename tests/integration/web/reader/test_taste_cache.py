"""The taste profile is cached, and no page view fits a model or replays much."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from tests.helpers.taste_history import Counting, live
from tests.helpers.web.site_client import NOW, contents

from larkpost.db import fitted_models, papers, votes
from larkpost.db.coordination import job_status
from larkpost.domain import PaperRecord
from larkpost.editions.evaluate import evaluate
from larkpost.editions.model_cache import fresh_space
from larkpost.ranking import TextSpace
from larkpost.readers import compute_profile, interests, record_votes, taste_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    import pytest
    from tests.helpers.web.site_client import Place

    from larkpost.domain import Paper
    from larkpost.ranking import ReplayReport


def test_what_was_reported_is_kept_until_there_is_something_new(here: Place) -> None:
    live(here)
    tastes, program = taste_profile.TasteProfileCache(), here.program

    def of(space: Callable[[], TextSpace]) -> taste_profile.TasteProfile:
        return tastes.of(program.store, program.ranker, space, here.current(), now=NOW)

    def fresh() -> TextSpace:
        return fresh_space(program.store, program.ranker, now=NOW)

    def unasked() -> NoReturn:
        raise AssertionError("what is kept asks for no space")

    first = of(fresh)
    assert of(unasked) is first
    here.client.post(here.vote_path(1, "up"))
    second = of(fresh)
    assert second is not first
    interests.set_interest(program.store, here.reader.id, "Rocks", words=["granite"])
    third = of(fresh)

    assert third is not second
    assert [one.interest.name for one in third.summary.leanings] == ["main", "Rocks"]
    assert of(unasked) is third


def bring(here: Place, *titles: str) -> None:
    with here.program.store.begin() as connection:
        papers.absorb(connection, [PaperRecord(title, first_seen=NOW) for title in titles], now=NOW)


def test_no_visit_fits_a_space_or_writes_anything_though_papers_came(here: Place, me: str) -> None:
    live(here)
    bring(here, "Mosses of the tundra", "Knots in tapes")
    here.program.ranker = ranker = Counting()
    before = contents(here.program.store)

    def look(path: str) -> int:
        return here.client.get(f"{me}/{path}").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(look, ["rate", "start?done=welcome"] * 4)) == {200}
    assert look("taste") == 200
    assert here.client.get(f"/paper/{here.papers[0].uid}").status_code == 200
    replayed = 2  # each replay fits to what was known in its time, whatever there is today
    assert ranker.fits <= replayed
    assert contents(here.program.store) == before


def test_no_thumb_fits_a_space(here: Place, me: str) -> None:
    here.fit()
    bring(here, "Mosses of the tundra")
    here.program.ranker = ranker = Counting()

    shown = here.client.post(f"{me}/rate", data={"paper": here.papers[0].id, "thumb": "up"}).text

    assert "More like this: saved." in shown
    assert ranker.fits == 0


def test_before_the_first_space_there_are_papers_to_rate_all_the_same(here: Place, me: str) -> None:
    page = here.client.get(f"{me}/rate")

    assert page.status_code == 200
    assert here.papers[0].title in page.text


def test_a_round_makes_one_space_of_new_papers_and_visits_take_it(here: Place, me: str) -> None:
    here.program.ranker = ranker = Counting()
    here.fit()
    here.fit()
    live(here)
    here.fit()

    first = here.program.spaces.newest(here.program.store, ranker)
    here.client.get(f"{me}/rate")

    assert ranker.fits == 2
    assert here.program.spaces.newest(here.program.store, ranker) is first


def test_while_a_newer_space_cannot_be_read_the_one_before_serves_and_a_round_makes_another(
    here: Place,
) -> None:
    here.fit()
    spaces, ranker, store = here.program.spaces, Counting(), here.program.store
    with store.begin() as connection:
        fitted_models.save_model(connection, b"cut", paper_count=3, corpus_updated_at=NOW, now=NOW)

    good = spaces.newest(store, ranker)
    spaces.refresh(store, ranker, now=NOW)

    assert isinstance(good.space, TextSpace)
    assert good.space.papers == len(here.papers)
    assert ranker.fits == 1
    assert spaces.newest(store, ranker).number != good.number


class Failing(Counting):
    """A ranker that cannot fit."""

    def fit(
        self,
        corpus: Iterable[Paper],  # noqa: ARG002 - the seam's signature
        *,
        libraries: Sequence[Collection[int]] = (),  # noqa: ARG002 - the seam's signature
    ) -> TextSpace:
        """Fail."""
        self.fits += 1
        raise RuntimeError("no memory")


def test_a_fit_that_failed_is_reported_and_tried_again_after_an_hour(here: Place) -> None:
    spaces, ranker, store = here.program.spaces, Failing(), here.program.store

    for minutes in (0, 1, 59, 61):
        spaces.refresh(store, ranker, now=NOW + timedelta(minutes=minutes))

    assert ranker.fits == 2
    with store.read() as connection:
        told = job_status.latest(connection)["fit"]
    assert not told.ok
    assert "no memory" in told.detail["problem"]


def test_a_history_is_replayed_once_an_hour_at_most(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(here)
    replayed = []

    def count(*given: Any, **named: Any) -> ReplayReport:
        replayed.append(given)
        return evaluate(*given, **named)

    monkeypatch.setattr(compute_profile, "evaluate", count)
    for minutes, position in ((0, 1), (1, 2), (61, 3)):
        here.clock.now = NOW + timedelta(minutes=minutes)
        here.client.post(here.vote_path(position, "up"))
        assert here.client.get(f"{me}/taste").status_code == 200

    assert len(replayed) == 2


def test_taking_thumbs_back_and_forth_replays_a_history_four_times_an_hour_at_most(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(here)
    replayed = []

    def count(*given: Any, **named: Any) -> ReplayReport:
        replayed.append(given)
        return evaluate(*given, **named)

    monkeypatch.setattr(compute_profile, "evaluate", count)
    for _ in range(6):
        with here.program.store.read() as connection:
            last = votes.of(connection, here.reader.id)[-1]
        form = {"action": "vote", "paper": last.paper_id, "thumb": "clear"}
        assert here.client.post(me, data=form).status_code == 200
        here.client.get(f"{me}/taste")

    assert len(replayed) == taste_profile.MOST_REPLAYS


def test_votes_that_were_taken_back_are_not_reported_again_within_the_hour(
    here: Place, me: str
) -> None:
    live(here)
    assert "Your 24 thumbs were replayed" in here.client.get(f"{me}/taste").text

    record_votes.roll_back(
        here.program.store, here.reader.id, now=NOW, since=NOW - timedelta(days=60)
    )

    assert "Your 24 votes" not in here.client.get(f"{me}/taste").text
