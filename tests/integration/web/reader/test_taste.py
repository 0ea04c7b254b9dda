"""The taste page of a reader."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from tests.helpers.taste_history import BIRDS, STONES, live, unread
from tests.helpers.web.site_client import NOW

from larkpost.db import papers, readers, votes
from larkpost.domain import TermWeight, Thumb, Vote
from larkpost.editions.model_cache import fresh_space
from larkpost.readers import compute_profile, interests, taste_profile, taste_summary
from larkpost.web.reader import charts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.helpers.web.site_client import Place


def told(here: Place) -> taste_summary.TasteSummary:
    program = here.program
    space = fresh_space(program.store, program.ranker, now=NOW)
    return taste_summary.summarize(program.store, program.ranker, space, here.reader, now=NOW)


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
    assert "Words that raise the score: " in page
    assert "Words that lower the score: " in page


def test_every_interest_has_charts_of_its_own(here: Place, me: str) -> None:
    live(here)
    interests.set_interest(here.program.store, here.reader.id, "stones", words=STONES)
    with here.program.store.begin() as connection:
        stones = readers.get(connection, here.reader.id).interests[1].id
        cast = votes.of(connection, here.reader.id)
        turned = [replace(one, interest_id=stones, thumb=Thumb(-one.thumb)) for one in cast]
        votes.cast_many(connection, [*cast[:12], *turned[12:]])

    page = here.client.get(f"{me}/taste").text

    ids = re.findall(r'\bid="([^"]+)"', page)
    assert page.count("Words that lower the score: ") == 2
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) == {one for one in ids if "hatch" in one}


def test_the_page_measures_the_model_on_the_readers_own_votes(here: Place, me: str) -> None:
    live(here)

    page = here.client.get(f"{me}/taste").text

    assert "Your 24 thumbs were replayed" in page
    assert "your editions" in page
    assert "newest first" in page
    assert re.search(r"2026-05 to 2026-07", page)


def test_few_votes_are_not_measured(here: Place, me: str) -> None:
    live(here, months=1)

    assert "After 10 thumbs" in here.client.get(f"{me}/taste").text


def test_every_interest_has_its_own_words(here: Place, me: str) -> None:
    live(here)
    interests.set_interest(here.program.store, here.reader.id, "Rocks", words=["granite"])

    page = here.client.get(f"{me}/taste").text

    assert "<h2><bdi>Rocks</bdi></h2>" in page


def test_the_drawings_are_well_formed_and_described_in_words(here: Place, me: str) -> None:
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
    leaning = taste_summary.Leaning(
        interest=None,  # type: ignore[arg-type]  # a chart does not look at it
        toward=(TermWeight("a", 2.0), TermWeight("b", 1.0)),
        away=(TermWeight("c", -4.0),),
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
        taste_summary.TermChange(f"2026-0{n}", {f"term {k}": (k + n) % 7 - 3.1 for k in range(8)})
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
    "months",
    [
        [],
        [taste_summary.TermChange("2026-08", {"a": 1.0})],
        [taste_summary.TermChange("2026-08", {})] * 2,
    ],
)
def test_one_month_or_nothing_said_is_no_line(months: list[taste_summary.TermChange]) -> None:
    assert charts.way(months) is None


def test_a_reader_of_many_thumbs_is_told_their_taste_four_times_an_hour_at_most(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(here)
    summarize, stories = taste_summary.summarize, []

    def count(*given: Any, **named: Any) -> taste_summary.TasteSummary:
        stories.append(given)
        return summarize(*given, **named)

    monkeypatch.setattr(compute_profile, "summarize", count)
    monkeypatch.setattr(taste_profile, "MANY", 10)
    for minutes, told in ((0, taste_profile.MOST_REPLAYS), (61, taste_profile.MOST_REPLAYS + 1)):
        here.clock.now = NOW + timedelta(minutes=minutes)
        for wish in ("up", "down", "up", "down", "up", "down")[: 1 if minutes else 6]:
            here.clock.now += timedelta(seconds=1)
            here.client.post(here.vote_path(1, wish))
            assert here.client.get(f"{me}/taste").status_code == 200
        assert len(stories) == told


def test_how_far_chances_were_off_is_told_from_the_second_day_with_votes_on(
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

    assert "begins with the second day" in first
    assert "12 thumbs are all of one day" in first
    assert "50 %" not in first
    assert "newest first" not in first
    assert "were replayed day by day" in second
    assert "percentage point" not in first
    assert "on average, over 4 papers" in second
    assert re.search(r"off by \d+ percentage points? on average", second)
