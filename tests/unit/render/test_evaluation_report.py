"""Tests the page of a replay's report: its charts need neither scripts nor colour."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from larkpost.domain import TermWeight
from larkpost.ranking.evaluation.drift import TasteMonth
from larkpost.ranking.evaluation.metrics import Estimate, Measures
from larkpost.ranking.evaluation.replay import ReplayReport
from larkpost.render.evaluation_report import EDGE, HEIGHT, WIDTH, curves, report_page

SOME = Estimate(0.5, 0.4, 0.6, 12)
DRIFT = (
    TasteMonth("2026-03", (TermWeight("glaciers", 0.4), TermWeight("radar", 0.1))),
    TasteMonth("2026-05", (TermWeight("glaciers", 0.2), TermWeight("routing <b>", 0.3))),
    TasteMonth("2026-06", (TermWeight("routing <b>", 0.8),)),
)


def a_report(drift: tuple[TasteMonth, ...] = DRIFT) -> ReplayReport:
    measures = Measures(SOME, SOME, SOME)
    return ReplayReport(20, 12, {"larkpost": measures}, {}, (), None, (), drift, None)


def test_terms_are_drawn_by_month_and_by_weight() -> None:
    routing, glaciers, radar = curves(DRIFT)

    assert [routing.term, glaciers.term, radar.term] == ["routing <b>", "glaciers", "radar"]
    assert [(dot.x, dot.y) for dot in routing.dots] == [
        (WIDTH / 2, HEIGHT - EDGE - 0.375 * (HEIGHT - 2 * EDGE)),
        (WIDTH - EDGE, EDGE),
    ]
    assert [dot.label for dot in glaciers.dots] == [
        "glaciers, 2026-03: 0.40",
        "glaciers, 2026-05: 0.20",
    ]
    assert [dot.x for dot in radar.dots] == [EDGE]


def test_no_two_curves_look_alike_without_colour() -> None:
    months = (TasteMonth("2026-03", tuple(TermWeight(f"term{n}", 1 + n) for n in range(8))),)

    drawn = curves(months)

    assert len(drawn) == len({one.letter for one in drawn}) == len({one.strokes for one in drawn})


def test_the_drift_is_a_chart_with_its_table_and_every_term_is_escaped() -> None:
    page = report_page([("ann@example.org", a_report())])

    (chart,) = re.findall(
        r'<svg[^>]*aria-label="Strongest terms by month".*?</svg>', page, re.DOTALL
    )
    drawn = ET.fromstring(chart)  # noqa: S314 - our own page
    assert len(drawn.findall(".//polyline")) == 2  # radar has one month only
    assert [text.text for text in drawn.findall("g/text")] == ["A", "A", "B", "B", "C"]
    assert {text.text for text in drawn.findall("text")} >= {"2026-03", "2026-06"}
    assert "<b>A</b>" in page
    assert "<b>," not in page
    assert '<th scope="row">glaciers</th>' in page
    assert not re.search(r"stroke: *#|fill: *#|(stroke|fill)=.#", page)


def test_one_month_and_none_are_drawn_too() -> None:
    assert "2026-03" in report_page([("ann", a_report(DRIFT[:1]))])
    assert "Strongest terms by month" not in report_page([("ann", a_report(()))])
