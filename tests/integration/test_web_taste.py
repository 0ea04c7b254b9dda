"""What a reader is told of their taste."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from lxml import etree
from tests.browsing import NOW, contents

from larkpost.domain import Draft, Identifier, Thumb, Vote, Weight
from larkpost.flows import feedback, membership, tasting
from larkpost.flows.evaluate import evaluate
from larkpost.flows.spaces import fresh_space
from larkpost.ranking import TextSpace, Tfidf
from larkpost.store import events, models, papers, readers, votes
from larkpost.web import charts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from tests.browsing import Place

    from larkpost.domain import Paper
    from larkpost.ranking import Report
    from larkpost.seams import Space

BIRDS = ("birdsong", "plumage", "migration", "nests")
STONES = ("granite", "basalt", "magma", "quartz")


def unread() -> Iterator[Draft]:
    """Make a house full of other papers, or every word of the votes would be a common one."""
    syllables = ("ka", "lo", "mi", "ru", "te", "shi", "no", "va")
    for number in range(80):
        words = [
            "".join(syllables[(number * k + j * j + k) % 8] for j in range(4)) for k in range(1, 9)
        ]
        yield Draft(
            title=f"{words[0]} with {words[1]} and {words[2]} {number}",
            abstract=f"We show {' '.join(words)} by method {number * 31}.",
            identifiers=(Identifier("arxiv", f"2604.{number:05}"),),
            first_seen=NOW - timedelta(days=90),
        )


def live(here: Place, months: int = 3) -> None:
    """Have the reader like birds and dislike stones, on several days of several months."""
    drafts, thumbs, days = [], [], []
    for number in range(months * 8):
        bird = number % 2 == 0
        words = BIRDS if bird else STONES
        day = datetime(2026, 5 + number // 8, 1 + number % 8 // 2, 8, tzinfo=UTC)
        drafts.append(
            Draft(
                title=f"On {words[number % 4]} and {words[(number + 1) % 4]}, part {number}",
                abstract=f"A study of {' '.join(words)} in place {number}{number * 7}.",
                identifiers=(Identifier("arxiv", f"2605.{number:05}"),),
                first_seen=day,
            )
        )
        thumbs.append(Thumb.UP if bird else Thumb.DOWN)
        days.append(day)
    with here.program.store.begin() as connection:
        papers.absorb(connection, list(unread()), now=NOW)
        found = papers.absorb(connection, drafts, now=NOW)
        votes.cast_many(
            connection,
            [
                Vote(here.reader.id, one.paper_id, thumb, day, "test")
                for one, thumb, day in zip(found, thumbs, days, strict=True)
            ],
        )
    here.fit()


def told(here: Place) -> tasting.Story:
    program = here.program
    space = fresh_space(program.store, program.ranker, now=NOW)
    return tasting.tell(program.store, program.ranker, space, here.reader, now=NOW)


def test_a_new_reader_is_told_that_nothing_is_known(here: Place, me: str) -> None:
    page = here.client.get(f"{me}/taste").text

    assert "Nothing is known yet" in page
    assert "<svg" not in page


def test_the_words_for_and_against_are_those_of_the_votes(here: Place, me: str) -> None:
    live(here)

    story = told(here)
    (leaning,) = story.leanings

    assert set(BIRDS) & {one.term for one in leaning.toward}
    assert set(STONES) & {one.term for one in leaning.away}
    assert not set(STONES) & {one.term for one in leaning.toward}
    assert all(one.weight > 0 for one in leaning.toward)
    assert all(one.weight < 0 for one in leaning.away)
    page = here.client.get(f"{me}/taste").text
    assert "Words for: " in page
    assert "Words against: " in page


def test_every_interest_has_charts_of_its_own(here: Place, me: str) -> None:
    live(here)
    membership.set_interest(here.program.store, here.reader.id, "stones", words=STONES)
    with here.program.store.begin() as connection:
        stones = readers.get(connection, here.reader.id).interests[1].id
        cast = votes.of(connection, here.reader.id)
        turned = [replace(one, interest_id=stones, thumb=Thumb(-one.thumb)) for one in cast]
        votes.cast_many(connection, [*cast[:12], *turned[12:]])

    page = here.client.get(f"{me}/taste").text

    ids = re.findall(r'\bid="([^"]+)"', page)
    assert page.count("Words against: ") == 2
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) == {one for one in ids if "hatch" in one}


def test_the_page_measures_the_model_on_the_readers_own_votes(here: Place, me: str) -> None:
    live(here)

    page = here.client.get(f"{me}/taste").text

    assert "Your 24 votes were replayed" in page
    assert "this paper" in page
    assert "newest first" in page
    assert re.search(r"2026-05 to 2026-07", page)


def test_few_votes_are_not_measured(here: Place, me: str) -> None:
    live(here, months=1)

    assert "After 10 thumbs" in here.client.get(f"{me}/taste").text


def test_what_was_told_is_kept_until_there_is_something_new(here: Place) -> None:
    live(here)
    tastes, program = tasting.Tastes(), here.program

    def of(space: Callable[[], Space]) -> tasting.Told:
        return tastes.of(program.store, program.ranker, space, here.current(), now=NOW)

    def fresh() -> Space:
        return fresh_space(program.store, program.ranker, now=NOW)

    def unasked() -> NoReturn:
        raise AssertionError("what is kept asks for no space")

    first = of(fresh)
    assert of(unasked) is first
    here.client.post(here.vote_path(1, "up"))
    second = of(fresh)
    assert second is not first
    membership.set_interest(program.store, here.reader.id, "Rocks", words=["granite"])
    third = of(fresh)

    assert third is not second
    assert [one.interest.name for one in third.story.leanings] == ["main", "Rocks"]
    assert of(unasked) is third


def test_every_interest_has_its_own_words(here: Place, me: str) -> None:
    live(here)
    membership.set_interest(here.program.store, here.reader.id, "Rocks", words=["granite"])

    page = here.client.get(f"{me}/taste").text

    assert "<h2><bdi>Rocks</bdi></h2>" in page


def test_the_drawings_are_well_formed_and_told_in_words(here: Place, me: str) -> None:
    live(here)
    page = here.client.get(f"{me}/taste").text

    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)

    assert len(drawings) == 4
    for drawing in drawings:
        root = etree.fromstring(drawing)
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert "style" not in drawing
        for text in root.iter("text"):
            assert text.text


def test_bars_share_one_scale_and_say_their_sign() -> None:
    leaning = tasting.Leaning(
        interest=None,  # type: ignore[arg-type]  # a chart does not look at it
        toward=(Weight("a", 2.0), Weight("b", 1.0)),
        away=(Weight("c", -4.0),),
    )

    toward, away = charts.bars(leaning)

    assert [(bar.term, bar.length, bar.sign) for bar in (*toward, *away)] == [
        ("a", 0.5, "+"),
        ("b", 0.25, "+"),
        ("c", 1.0, "−"),  # noqa: RUF001 - a minus, as printed
    ]


def test_the_months_show_a_taste_that_turns(here: Place, me: str) -> None:
    live(here)
    with here.program.store.begin() as connection:
        for vote in votes.of(connection, here.reader.id):
            if vote.at.month == 7:
                votes.cast(connection, replace(vote, thumb=Thumb(-vote.thumb)))

    story = told(here)

    assert [month.month for month in story.months] == ["2026-05", "2026-06", "2026-07"]
    birds = [sum(month.weights.get(word, 0) for word in BIRDS) for month in story.months]
    assert birds[1] > 0
    assert birds[2] < birds[1]


def test_lines_stay_inside_and_their_labels_apart() -> None:
    months = [
        tasting.Moved(f"2026-0{n}", {f"term {k}": (k + n) % 7 - 3.1 for k in range(8)})
        for n in range(1, 6)
    ]

    way = charts.way(months)

    assert way
    drawn = way.lines
    assert 0 < way.axis < charts.HEIGHT
    assert len(drawn) == charts.LINES
    labels = [line.label_y for line in drawn]
    assert all(b - a >= charts.LABEL - 0.1 for a, b in pairwise(labels))
    assert all(0 <= y <= charts.HEIGHT for y in labels)
    for line in drawn:
        assert all(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT for x, y in line.dots)


@pytest.mark.parametrize(
    "months", [[], [tasting.Moved("2026-08", {"a": 1.0})], [tasting.Moved("2026-08", {})] * 2]
)
def test_one_month_or_nothing_said_is_no_line(months: list[tasting.Moved]) -> None:
    assert charts.way(months) is None


class Counting(Tfidf):
    """The ranker, with a count of how often it was told to fit a space."""

    def __init__(self) -> None:
        super().__init__(half_life_days=90)
        self.fits = 0

    def fit(
        self, corpus: Iterable[Paper], *, libraries: Sequence[Collection[int]] = ()
    ) -> TextSpace:
        """Fit as ever."""
        self.fits += 1
        return super().fit(corpus, libraries=libraries)


def bring(here: Place, *titles: str) -> None:
    with here.program.store.begin() as connection:
        papers.absorb(connection, [Draft(title, first_seen=NOW) for title in titles], now=NOW)


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

    assert "written down" in shown
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
        models.save_space(connection, b"cut", papers=3, newest=NOW, now=NOW)

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


def test_a_fit_that_failed_is_told_and_tried_again_after_an_hour(here: Place) -> None:
    spaces, ranker, store = here.program.spaces, Failing(), here.program.store

    for minutes in (0, 1, 59, 61):
        spaces.refresh(store, ranker, now=NOW + timedelta(minutes=minutes))

    assert ranker.fits == 2
    with store.read() as connection:
        told = events.latest(connection)["space"]
    assert not told.ok
    assert "no memory" in told.detail["problem"]


def test_a_history_is_replayed_once_an_hour_at_most(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(here)
    replayed = []

    def count(*given: Any, **named: Any) -> Report:
        replayed.append(given)
        return evaluate(*given, **named)

    monkeypatch.setattr(tasting, "evaluate", count)
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

    def count(*given: Any, **named: Any) -> Report:
        replayed.append(given)
        return evaluate(*given, **named)

    monkeypatch.setattr(tasting, "evaluate", count)
    for _ in range(6):
        with here.program.store.read() as connection:
            last = votes.of(connection, here.reader.id)[-1]
        form = {"action": "vote", "paper": last.paper_id, "thumb": "clear"}
        assert here.client.post(me, data=form).status_code == 200
        here.client.get(f"{me}/taste")

    assert len(replayed) == tasting.MOST_REPLAYS


def test_a_reader_of_many_thumbs_is_told_their_taste_four_times_an_hour_at_most(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(here)
    tell, stories = tasting.tell, []

    def count(*given: Any, **named: Any) -> tasting.Story:
        stories.append(given)
        return tell(*given, **named)

    monkeypatch.setattr(tasting, "tell", count)
    monkeypatch.setattr(tasting, "MANY", 10)
    for minutes, told in ((0, tasting.MOST_REPLAYS), (61, tasting.MOST_REPLAYS + 1)):
        here.clock.now = NOW + timedelta(minutes=minutes)
        for wish in ("up", "down", "up", "down", "up", "down")[: 1 if minutes else 6]:
            here.clock.now += timedelta(seconds=1)
            here.client.post(here.vote_path(1, wish))
            assert here.client.get(f"{me}/taste").status_code == 200
        assert len(stories) == told


def test_votes_that_were_taken_back_are_told_no_more_within_the_hour(here: Place, me: str) -> None:
    live(here)
    assert "Your 24 votes were replayed" in here.client.get(f"{me}/taste").text

    feedback.roll_back(here.program.store, here.reader.id, now=NOW, since=NOW - timedelta(days=60))

    assert "Your 24 votes" not in here.client.get(f"{me}/taste").text


def test_how_far_chances_were_off_is_told_from_the_second_morning_with_votes_on(
    here: Place, me: str
) -> None:
    with here.program.store.begin() as connection:
        ids = [one.paper_id for one in papers.absorb(connection, list(unread()), now=NOW)]

    def judge(some: Sequence[int], day: datetime) -> str:
        thumbs = (Thumb.UP, Thumb.DOWN) * len(some)
        cast = [
            Vote(here.reader.id, one, thumb, day, "test")
            for one, thumb in zip(some, thumbs, strict=False)
        ]
        with here.program.store.begin() as connection:
            votes.cast_many(connection, cast)
        return here.client.get(f"{me}/taste").text

    first = judge(ids[:12], NOW - timedelta(days=10))
    second = judge(ids[20:24], NOW - timedelta(days=5))

    assert "begins with the second morning" in first
    assert "12 votes are of one morning" in first
    assert "50 %" not in first
    assert "newest first" not in first
    assert "were replayed morning by morning" in second
    assert "percentage point" not in first
    assert "on average, over the 4 votes given after it was told" in second
    assert re.search(r"off by \d+ percentage points? on average", second)
