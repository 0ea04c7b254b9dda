"""Tests the measures of a closed loop, on loops written by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from bench.closed_loop import measures
from bench.closed_loop import tables as loop_tables
from bench.closed_loop.interests import Interest, Kind
from bench.closed_loop.ours import Cost
from bench.closed_loop.readers import USUAL, Draw, Person
from bench.closed_loop.record import NOBODY, Record
from bench.closed_loop.stream import make_stream
from bench.closed_loop.systems import SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS, DAILY, CHANGE = 24, 20, 12
PAPERS = DAYS * DAILY


def an_interest(first: int) -> Interest:
    """Make one that two papers of every day keep to."""
    relevant = np.isin(np.arange(PAPERS) % DAILY, [first, first + 1])
    return Interest(Kind.WORDS, (f"word{first}",), "", relevant)


def a_draw(*, changing: int = 1, staying: int = 1) -> Draw:
    before, second, after = (an_interest(first) for first in (0, 4, 8))
    stays = (before, second)
    people = [
        *(Person(0, n, USUAL, (), (before,), (after,), CHANGE) for n in range(changing)),
        *(Person(0, n + changing, USUAL, (), stays, stays, CHANGE) for n in range(staying)),
    ]
    return Draw(0, make_stream(DAYS, DAILY), people)


def a_record(draw: Draw, shown: Sequence[Sequence[Sequence[int]]], name: str = "x") -> Record:
    """Write a loop down: what each reader is shown each day."""
    shape = len(draw.people), DAYS, SIZE
    papers = np.full(shape, NOBODY)
    for line, days in enumerate(shown):
        for day, picks in enumerate(days):
            papers[line, day, : len(picks)] = picks
    pressed, looked = np.zeros(shape, dtype=np.int8), np.ones(shape[:2], dtype=bool)
    return Record(draw, name, papers, np.full(shape, np.nan), pressed, looked)


def of_each_day(*places: int, first: int = 0, end: int = DAYS) -> list[list[int]]:
    """Return, for each day, these of its papers; none outside of some days."""
    return [
        [day * DAILY + place for place in places] if first <= day < end else []
        for day in range(DAYS)
    ]


def cell(found: Sequence[measures.Cell], measure: str, block: measures.Block) -> list[float]:
    (one,) = [each for each in found if each.measure == measure and each.block == block]
    return [float(value) for value in one.values]


def test_blocks_cover_every_day_and_tell_who_changes_apart_after_the_change() -> None:
    for days, change in ((12, 6), (24, 12), (40, 20), (225, 112)):
        cut = measures.blocks(days, change)

        whole = [one for one in cut[:-1] if one.who == "all"]
        assert whole[0].first == 0
        assert whole[-1].end == days
        assert all(a.end == b.first for a, b in pairwise(whole))
        for who in ("stay", "change"):
            some = [one for one in cut if one.who == who]
            assert (some[0].first, some[-1].end) == (change, days)
        assert cut[-1] == ("all", 10, days)


def test_precision_and_arrivals_are_of_what_was_relevant_on_the_day() -> None:
    draw = a_draw()
    record = a_record(draw, [of_each_day(0, 2, 8), of_each_day(0, 1, 2)])

    found = measures.cells({"x": [record]})

    # Of ten places, the one who changes has one that is relevant at any time, the other two.
    assert cell(found, "P@10", measures.Block("all", 0, 10)) == pytest.approx([0.1, 0.2])
    assert cell(found, "P@10", measures.Block("change", 12, 22)) == pytest.approx([0.1])
    assert cell(found, "P@10", measures.Block("stay", 12, 22)) == pytest.approx([0.2])
    # Two papers a day are relevant to the first, four to the second.
    assert cell(found, "arrived", measures.Block("all", 0, 10)) == pytest.approx([0.5, 0.5])


def test_a_paper_that_arrives_on_a_later_day_has_arrived() -> None:
    draw = a_draw(changing=0)
    late = [[], *of_each_day(0)[:-1]]
    record = a_record(draw, [late])

    found = measures.cells({"x": [record]})

    assert cell(found, "arrived", measures.Block("all", 0, 10)) == pytest.approx([0.25])


def test_an_interest_is_never_found_when_next_to_nothing_of_it_is_shown() -> None:
    draw = a_draw()
    one_of_fifty = of_each_day(0, 1)
    one_of_fifty[3] = [*one_of_fifty[3], 3 * DAILY + 4]
    record = a_record(draw, [of_each_day(0, 1), one_of_fifty])

    found = measures.cells({"x": [record]})

    whole = measures.Block("all", 0, DAYS)
    assert cell(found, measures.NOT_FOUND, whole) == [0, 0, 1]
    assert cell(found, measures.SECOND_NOT_FOUND, whole) == [1]
    # After the change the reader is shown what was liked before.
    assert cell(found, measures.NOT_FOUND, measures.Block("change", CHANGE, DAYS)) == [1]


def test_a_change_is_followed_when_a_week_reaches_four_fifths_of_the_oracle() -> None:
    draw = a_draw(changing=3, staying=1)
    before = of_each_day(0, 1, end=CHANGE)
    at_once = [a or b for a, b in zip(before, of_each_day(8, 9, first=CHANGE), strict=True)]
    later = [a or b for a, b in zip(before, of_each_day(8, 9, first=CHANGE + 3), strict=True)]
    oracle = a_record(draw, [at_once, at_once, at_once, of_each_day(0, 1, 4, 5)])
    record = a_record(draw, [at_once, later, before, of_each_day(0)])

    days = measures.followed([record], [oracle])

    # Three of four days of a week without anything: 80 % with the fourth day after.
    assert days.tolist() == [5, 7, np.inf]
    (line, _) = measures.changes({"x": [record], measures.ORACLE: [oracle]})
    assert line["readers"] == 3
    assert line["within_two_weeks"] == pytest.approx(2 / 3, abs=1e-4)
    assert line["median_days"] == 7


def test_a_change_is_followed_to_the_own_level_where_it_is_again_what_it_was_before() -> None:
    draw = a_draw(changing=2, staying=0)
    oracle = a_record(draw, [of_each_day(0, 1, 8, 9)] * 2)
    one_of_two = [
        a or b
        for a, b in zip(of_each_day(0, end=CHANGE), of_each_day(8, first=CHANGE + 3), strict=True)
    ]
    nothing_before = of_each_day(8, 9, first=CHANGE)
    record = a_record(draw, [one_of_two, nothing_before])

    assert measures.followed([record], [oracle]).tolist() == [np.inf, 5]
    assert measures.followed([record], [oracle], own=True).tolist() == [7]


def test_ours_less_a_peer_is_paired_by_reader() -> None:
    draw = a_draw()
    ours = a_record(draw, [of_each_day(0, 1, 8, 9), of_each_day(0, 1)])
    peer = a_record(draw, [of_each_day(0, 8), of_each_day(0)])

    lines = measures.summary(measures.cells({measures.OURS: [ours], "peer": [peer]}))

    (line,) = [
        one
        for one in lines
        if (one["measure"], one["who"], one["days"], one["system"])
        == ("P@10", "all", [1, 10], "peer")
    ]
    assert line["ours_less_this"] == pytest.approx([0.1, 0.1, 0.1])
    assert line["mean"] == pytest.approx(0.1)
    assert "| peer | 0.100 ±0.000 - |" in loop_tables.tables(lines, [], [])


def test_chances_are_held_against_thumbs_up_of_editions_that_were_looked_at() -> None:
    draw = a_draw(changing=0, staying=2)
    record = a_record(draw, [of_each_day(0, 1), of_each_day(0, 1)])
    record.chances[:, :, :2] = [0.9, 0.2]
    record.pressed[0, :, 0] = 1
    record.looked[1] = False

    whole, *_ = measures.chances([record])

    assert whole["papers"] == 2 * DAYS
    assert whole["told"] == pytest.approx(0.55)
    assert whole["true"] == pytest.approx(0.5)
    assert whole["error"] == pytest.approx((0.1 + 0.2) / 2)
    assert whole["bins"] == [[0.2, 0.0, DAYS], [0.9, 1.0, DAYS]]


def test_goals_name_who_is_ahead_of_us() -> None:
    draw = a_draw()
    ours = a_record(draw, [of_each_day(0), of_each_day(0)])
    peer = a_record(draw, [of_each_day(0, 1, 8, 9), of_each_day(0, 1)])
    records = {measures.OURS: [ours], "peer": [peer], measures.ORACLE: [peer]}
    lines = measures.summary(measures.cells(records))

    told = loop_tables.against_goals(lines, measures.changes(records))

    rows = [row for row in told.splitlines() if row.startswith("| ")]
    assert [row.endswith("| no |") for row in rows[1:]] == [True, True, True, True]
    assert "peer (all readers, days 1-10)" in rows[2]
    assert "-0.1" in rows[1]


def test_a_year_that_costs_more_every_month_is_not_flat() -> None:
    steady = Cost(100, [0.2] * 60, [0.1] * 60, [150.0] * 60)
    growing = Cost(100, [0.2] * 40 + [0.4] * 20, [0.1] * 60, [150.0] * 59 + [400.0])
    growing.seconds += [0.1] * 5  # the beginning of another month says nothing
    growing.fitting += [0.0] * 5
    growing.megabytes += [150.0] * 5

    flat, not_flat = (loop_tables.months(one, 10) for one in (steady, growing))

    assert [line["ms_a_reader"] for line in flat] == [20, 20, 20]
    assert [line["megabytes"] for line in not_flat] == [50, 50, 300, 50]
    last = [loop_tables.cost_table(one).splitlines()[-2:] for one in (flat, not_flat)]
    assert [[line.split(":")[1] for line in two] for two in last] == [
        [" flat.", " flat."],
        [" not flat.", " not flat."],
    ]
    assert "cost 2.00 times what the second did" in last[1][0]
    assert "held 6.00 times what the second did" in last[1][1]
