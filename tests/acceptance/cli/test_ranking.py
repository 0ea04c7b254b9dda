"""Tests the commands for thumbs and rankings: the effect of a vote, and its explanation."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.helpers.cli_helpers import CONTROL

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell

ANN = "ann@example.org"
PICK = {"reader", "paper", "position", "score", "probability", "positive_terms", "similar_paper"}


def experts(shell: Shell) -> list[str]:
    found = shell.json("papers", "--search", "mixture of experts", "--limit", 100)
    return [str(one["id"]) for one in found]


def test_a_ranking_is_a_line_a_pick(furnished: Shell) -> None:
    picks = furnished.json("rank", ANN, "--limit", 5)

    assert all(pick.keys() >= PICK for pick in picks)
    assert [pick["position"] for pick in picks] == [1, 2, 3, 4, 5]
    assert all(pick["reader"] == ANN for pick in picks)
    assert [pick["probability"] for pick in picks] == [None] * 5  # nobody knows a chance yet


def test_a_chance_is_told_from_the_first_thumb_up_on(furnished: Shell) -> None:
    (paper, *_) = experts(furnished)
    furnished("reader", "set", ANN, "--interest", "mixture of experts")
    before = [one.split("\t")[1] for one in furnished("rank", ANN).out.splitlines()[1:]]
    explained = furnished("explain", ANN, paper).out
    (judged,) = furnished.json("explain", ANN, paper)

    furnished("vote", ANN, paper, "up")
    after = [one.split("\t")[1] for one in furnished("rank", ANN).out.splitlines()[1:]]
    picks = furnished.json("rank", ANN)

    assert set(before) == {"-"}
    assert "match: unknown before the first thumb up" in explained
    assert judged["probability"] is None
    assert all(one.endswith("%") for one in after)
    assert all(0 < pick["probability"] < 1 for pick in picks)


def test_a_ranking_holds_as_many_picks_as_the_reader_wants(furnished: Shell) -> None:
    furnished("reader", "set", ANN, "--size", 7)

    assert len(furnished.json("rank", ANN)) == 7


def test_ranking_twice_gives_the_same(furnished: Shell) -> None:
    assert furnished.json("rank", ANN) == furnished.json("rank", ANN)


def test_thumbs_bring_the_theme_to_the_front(furnished: Shell) -> None:
    theme = experts(furnished)
    for paper in theme[:3]:
        furnished("vote", ANN, paper, "up")

    picks = furnished.json("rank", ANN, "--limit", 3)

    assert {pick["paper"] for pick in picks} <= set(theme[3:])
    assert {pick["similar_paper"] for pick in picks} <= {*theme[:3], None}
    assert all(pick["positive_terms"] for pick in picks)


def test_a_paper_voted_on_is_not_ranked_again_until_the_vote_is_cleared(furnished: Shell) -> None:
    (first, *_) = furnished.json("rank", ANN)

    (voted,) = furnished.json("vote", ANN, first["paper"], "down")
    without = furnished.json("rank", ANN, "--limit", 1000)
    (cleared,) = furnished.json("vote", ANN, first["paper"], "clear")

    assert (voted["thumb"], voted["before"]) == (-1, None)
    assert (cleared["thumb"], cleared["before"]) == (None, -1)
    assert len(without) == 107
    assert first["paper"] not in {pick["paper"] for pick in without}
    assert len(furnished.json("rank", ANN, "--limit", 1000)) == 108


def test_everybody_is_ranked_at_once(furnished: Shell) -> None:
    furnished("reader", "add", "bob@example.org", "--interest", "quantum computing")

    picks = furnished.json("rank", "--all", "--limit", 2)

    assert [pick["reader"] for pick in picks] == [ANN, ANN, "bob@example.org", "bob@example.org"]


def test_the_window_decides_what_is_ranked(shell: Shell) -> None:
    record = '{"title": "%s", "first_seen": "%sT06:00:00Z"}\n'
    dump = (record % ("Old news", "2026-07-01") + record % ("Fresh news", "2026-08-06")).encode()
    shell("ingest", "-", stdin=dump)
    shell("reader", "add", ANN)

    week = shell.json("rank", ANN, "--date", "2026-08-07")
    months = shell.json("rank", ANN, "--date", "2026-08-07", "--window", 60)

    assert [pick["title"] for pick in week] == ["Fresh news"]
    assert {pick["title"] for pick in months} == {"Fresh news", "Old news"}


def test_nothing_to_rank_is_said_in_words(shell: Shell) -> None:
    shell("reader", "add", ANN)

    assert "No papers" in shell("rank", ANN).out
    assert shell.json("rank", ANN) == []


def test_a_position_names_a_paper_of_the_latest_edition(furnished: Shell) -> None:
    (edition,) = furnished.json("publish", ANN)

    (voted,) = furnished.json("vote", ANN, 3, "up")

    assert voted["paper"] == edition["papers"][2]


def test_a_paper_that_is_not_there_is_named(furnished: Shell) -> None:
    assert "arxiv:2612.99999" in furnished("vote", ANN, "arxiv:2612.99999", "up", code=2).err
    assert "no edition" in furnished("vote", ANN, 1, "up", code=2).err


def test_an_explanation_shows_terms_weights_and_the_nearest_liked_paper(furnished: Shell) -> None:
    liked, other, *_ = experts(furnished)
    furnished("vote", ANN, liked, "up")

    (record,) = furnished.json("explain", ANN, other)
    told = furnished("explain", ANN, other).out

    assert record["paper"] == other
    assert record["nearest"] == liked
    assert record["similar_paper"] in {
        liked,
        None,
    }  # named as a reason only where it is near enough
    assert record["positive_terms"][0]["term"] in told
    assert "█" in told
    assert not CONTROL & set(told)


def test_an_explanation_without_votes_says_that_nothing_is_known(furnished: Shell) -> None:
    (paper, *_) = experts(furnished)

    assert "none yet" in furnished("explain", ANN, paper).out


def test_a_vote_loads_neither_numpy_nor_scikit_learn(furnished: Shell) -> None:
    (paper, *_) = experts(furnished)
    arguments = ["--home", str(furnished.home), "vote", ANN, paper, "up"]
    code = (
        "import sys\nfrom larkpost.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert end.code == 0, end\n"
        "print(sorted({'numpy', 'scipy', 'sklearn'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env=furnished.environ,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "[]"
    assert "thumb up" in done.stdout


def test_the_thumbs_of_a_night_are_taken_back_and_can_be_given_again(furnished: Shell) -> None:
    before = furnished.json("rank", ANN)
    for pick in before[:3]:
        furnished("vote", ANN, pick["paper"], "down")

    assert (
        furnished.json("vote", "clear", ANN, "--since", "2000-01-01", "--until", "2001-01-01") == []
    )
    gone = furnished.json("vote", "clear", ANN, "--since", "2020-01-01T06:30Z")

    assert [one["paper"] for one in gone] == [pick["paper"] for pick in before[:3]]
    assert furnished.json("rank", ANN) == before
    lines = furnished.folder / "gone.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in gone))
    (taken,) = furnished.json("import", "--votes", lines)
    assert (taken["imported"], taken["unknown_keys"]) == (3, [])
    assert "3 thumbs" in furnished("vote", "clear", ANN, "--since", "2020-01-01").out


def test_a_span_of_time_that_cannot_be_is_a_wrong_call(furnished: Shell) -> None:
    for span in (["--since", "yesterday"], ["--since", "2026-08-07", "--until", "2026-08-07"], []):
        furnished("vote", "clear", ANN, *span, code=2)


def test_thumbs_before_a_moment_are_forgotten_and_brought_back(furnished: Shell) -> None:
    before = furnished.json("rank", ANN)
    for pick in before[:3]:
        furnished("vote", ANN, pick["paper"], "down")
    voted = furnished.json("rank", ANN)

    assert furnished.json("forget", ANN, "--before", "2000-01-01") == [
        {"reader": ANN, "forgotten": 0}
    ]
    assert furnished.json("forget", ANN, "--before", "2100-01-01")[0]["forgotten"] == 3
    assert furnished.json("rank", ANN) == before
    assert furnished.json("forget", ANN, "--undo") == [{"reader": ANN, "restored": 3}]
    assert furnished.json("rank", ANN) == voted
    assert "0 thumbs restored" in furnished("forget", ANN, "--undo").out


def test_to_forget_needs_a_moment_or_an_undo(furnished: Shell) -> None:
    for wrong in ([], ["--before", "2026-08-07", "--undo"], ["--before", "soon"]):
        furnished("forget", ANN, *wrong, code=2)
