"""Tests a short closed loop: its direction, its seeds, and that ours are the program's editions."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from bench import loop
from bench.closed_loop.measures import ORACLE, OURS
from bench.closed_loop.ours import AN_HOUR, Ours, home
from bench.closed_loop.readers import REPORTED, Draw, draw_all
from bench.closed_loop.record import NOBODY, live
from bench.closed_loop.stream import make_stream, morning
from bench.closed_loop.systems import SIZE, Cast

from larkpost.db import editions, readers, votes
from larkpost.domain import Thumb
from larkpost.editions.publish import by_hand, draft

if TYPE_CHECKING:
    from pathlib import Path

READERS, DAYS, DAILY = 6, 10, 50


@cache
def a_draw() -> Draw:
    (drawn,) = draw_all(make_stream(DAYS, DAILY), [0], READERS, DAYS)
    return drawn


@cache
def a_run() -> loop.Run:
    ran = loop.Run((loop.NEWEST, loop.SVM, ORACLE))
    ran.live(a_draw())
    return ran


@cache
def told() -> dict[str, Any]:
    return a_run().told()


def mean(system: str, measure: str) -> float:
    """Return a system's mean over the days before the change."""
    (line,) = [
        one
        for one in told()["lines"]
        if (one["measure"], one["who"], one["days"], one["system"])
        == (measure, "all", [1, DAYS // 2], system)
    ]
    return float(line["mean"])


@pytest.mark.parametrize("measure", ["P@10", "arrived"])
def test_the_oracle_is_ahead_of_ours_and_ours_is_ahead_of_the_newest(measure: str) -> None:
    oracle, ours, first = (mean(one, measure) for one in (ORACLE, OURS, loop.NEWEST))

    assert oracle > 1.2 * ours
    assert ours > 1.5 * first
    assert mean(loop.SVM, measure) > first


def test_a_report_has_every_measure_and_the_goals() -> None:
    text = loop.report(told(), cost=True)

    for title in ("P@10, all readers", "arrived", "never found", "Days until a change", "Goals"):
        assert title in text
    assert "thumbs up that came" in text
    assert "What a morning costs" in text
    assert {line["system"] for line in told()["lines"]} == {OURS, loop.NEWEST, loop.SVM, ORACLE}


def test_a_loop_is_the_same_every_time_and_nothing_in_it_knows_the_days_to_come() -> None:
    drawn, days = a_draw(), 4
    short = Draw(drawn.number, drawn.stream.stretch(0, days), drawn.people)
    with home() as store:
        again = live(short, OURS, Ours(short, store))

    (whole,) = a_run().records[OURS]
    assert again.shown.tolist() == whole.shown[:, :days].tolist()
    assert again.pressed.tolist() == whole.pressed[:, :days].tolist()


def test_ours_are_the_editions_of_the_programs_days() -> None:
    """What is shown is what a draft made by hand says at that moment, and what the store keeps."""
    drawn = a_draw()
    with home() as store:
        ours = Ours(drawn, store)
        for day in range(3):
            ours.take_in(day)
            now = morning(day) + AN_HOUR
            with store.read() as connection:
                everybody = readers.all(connection)
            drafts = [draft(ours.newsroom, by_hand(one, now), now=now) for one in everybody]

            issued = ours.publish(day)

            numbers = [
                [drawn.stream.documents[one.paper].title for one in picks] for picks in issued
            ]
            assert numbers == [[pick.paper.title for pick in one.picks] for one in drafts]
            with store.read() as connection:
                kept = [editions.on(connection, one.id, now.date()) for one in everybody]
            assert [one and [pick.paper.title for pick in one.picks] for one in kept] == numbers
            ours.take(day, [Cast(0, issued[0][0].paper, Thumb.UP)])
        with store.read() as connection:
            cast = votes.of(connection, everybody[0].id)
    assert [vote.thumb for vote in cast] == [Thumb.UP] * 3
    assert {vote.source for vote in cast} == {"page"}


def test_nobody_is_shown_a_paper_twice_and_every_edition_is_full() -> None:
    for (record,) in a_run().records.values():
        for papers in record.shown.reshape(READERS, -1).tolist():
            assert NOBODY not in papers
            assert len(set(papers)) == DAYS * SIZE


def a_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> dict[str, Any]:
    file = tmp_path / "told.json"
    size = ["--readers", "2", "--days", "2"]
    monkeypatch.setattr(sys, "argv", ["loop", "--quick", *size, "--json", str(file), *more])
    assert loop.main() == 0
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert isinstance(figures, dict)
    return figures


def test_draws_to_tune_on_are_never_those_that_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reported = a_json(tmp_path, monkeypatch, "--draws", "2")
    tuning = a_json(tmp_path, monkeypatch, "--tuning")

    assert reported["draws"] == [REPORTED, REPORTED + 1]
    assert tuning["draws"] == [0]
    assert (reported["readers"], reported["days"]) == (2, 2)
    assert {line["system"] for line in reported["lines"]} == {OURS, *loop.BESIDE}
    assert "2 readers a draw, draws 1000, 1001, 2 days" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--readers", "0"], ["--days", "x"], ["--year", "--quick"]])
def test_a_wrong_question_is_refused_before_anything_is_done(
    wrong: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["loop", *wrong])

    with pytest.raises(SystemExit) as ended:
        loop.main()

    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_without_data_it_says_so_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["loop", "--data", str(tmp_path)])

    assert loop.main() == 0

    assert capsys.readouterr().out.startswith(f"skipped: no papers in {tmp_path}")
