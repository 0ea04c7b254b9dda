"""Tests the command `evaluate` on a reader's own thumbs."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.cli_helpers import Shell

ANN = "ann@example.org"
DAYS = [date(2026, 5, 25) + timedelta(days=n) for n in range(10)]
THEMES = ("sparse routing of tokens to experts", "glaciers of the Andes seen by radar")


@pytest.fixture
def voted(shell: Shell, tmp_path: Path) -> Shell:
    """Ten mornings of six papers; one of each of two themes is voted on, routing is liked."""
    papers, votes = tmp_path / "papers.jsonl", tmp_path / "votes.jsonl"
    lines, thumbs = [], []
    for at, day in enumerate(DAYS):
        for n in range(6):
            name = f"arxiv:26{at + 1:02}.{n:05}"
            theme = THEMES[n % 2]
            told = {
                "id": name,
                "title": f"Note {at} {n} on {theme}",
                "abstract": f"We ask how {theme} may be told in case {at * 31 + n * 7}. " * 2,
                "first_seen": f"{day}T06:00:00Z",
            }
            lines.append(told)
            if n < 2:
                thumb = {"reader": ANN, "paper": name, "thumb": 1 - 2 * (n % 2)}
                thumbs.append(thumb | {"at": f"{day}T08:00:00Z"})
    papers.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    votes.write_text("\n".join(map(json.dumps, thumbs)), encoding="utf-8")
    shell("reader", "add", ANN)
    shell("import", "--papers", papers, "--votes", votes)
    return shell


def test_a_history_is_replayed_into_figures_and_a_page(voted: Shell, tmp_path: Path) -> None:
    page = tmp_path / "report.html"

    (report,) = voted.json("evaluate", "--html", page)

    assert (report["reader"], report["votes"], report["days"]) == (ANN, 20, 10)
    assert set(report["systems"]) == {
        "larkpost",
        "recency",
        "community thumbs",
        "arxiv-sanity-lite",
    }
    assert report["systems"]["larkpost"]["auc"]["mean"] > 0.6
    assert [month["month"] for month in report["drift"]] == ["2026-05", "2026-06"]
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert html.count("<svg") == html.count("</svg>")
    assert html.count('role="img"') == 3
    assert "routing" in html
    assert not re.search(r"<script|<link|src=|url\(|https?:", html)


def test_the_terminal_tells_gains_and_how_chances_came_true(voted: Shell) -> None:
    out = voted("evaluate", ANN).out

    lines = out.splitlines()
    (gains,) = (at for at, line in enumerate(lines) if "larkpost is better than" in line)
    assert all(name in lines[gains] for name in ("nDCG@10", "P@10", "AUC"))
    told = [line for line in lines if re.match(r"\W*\d+% to \d+%", line)]
    # Of the twenty thumbs two fell on the first morning, before which no chance was told.
    assert sum(int(re.findall(r"\d+", line)[2]) for line in told) == 18


def test_without_an_edition_nothing_is_said_of_what_was_never_shown(voted: Shell) -> None:
    (report,) = voted.json("evaluate", ANN)

    assert report["coverage"] is None


def test_a_reader_without_thumbs_is_told_so(shell: Shell) -> None:
    shell("reader", "add", ANN)

    assert "nothing can be measured" in shell("evaluate", ANN).out
    assert "No reader has ten thumbs" in shell("evaluate").out
