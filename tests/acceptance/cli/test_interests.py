"""Tests the commands for named interests and for a reader's first thumbs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell

ANN = "ann@example.org"


def ranked(shell: Shell) -> list[tuple[str, str]]:
    return [(pick["interest"], pick["paper"]) for pick in shell.json("rank", ANN)]


def test_an_interest_is_made_changed_and_removed(furnished: Shell) -> None:
    made = furnished.json("interest", "set", ANN, "agents", "--words", "web agents", "--quota", 2)
    changed = furnished.json("interest", "set", ANN, "agents", "--quota", 3)
    listed = [one["name"] for one in furnished.json("interest", "list", ANN)]
    furnished("interest", "remove", ANN, "agents")

    assert made[0]["words"] == changed[0]["words"] == ["web agents"]
    assert (made[0]["quota"], changed[0]["quota"]) == (2, 3)
    assert listed == ["main", "agents"]
    assert [one["name"] for one in furnished.json("interest", "list", ANN)] == ["main"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["remove", ANN, "main"], "last interest"),
        (["remove", ANN, "nothing"], "nothing"),
        (["set", ANN, "  "], "name"),
    ],
)
def test_what_cannot_be_is_refused(furnished: Shell, arguments: list[str], said: str) -> None:
    done = furnished("interest", *arguments, code=2)

    assert said in done.err


def test_interests_of_words_alone_share_the_paper_by_their_quotas(furnished: Shell) -> None:
    furnished("interest", "set", ANN, "experts", "--words", "mixture of experts", "--quota", 2)
    furnished("interest", "set", ANN, "video", "--words", "video generation", "--quota", 3)
    furnished.extra["LARKPOST_RANKING__EXPLORATION"] = "0"  # no place is given away on any day

    interests = [name for name, _ in ranked(furnished)]

    assert (interests.count("experts"), interests.count("video")) == (4, 6)


def test_a_vote_trains_the_interest_that_is_named(furnished: Shell) -> None:
    furnished("interest", "set", ANN, "other")
    _, paper = ranked(furnished)[0]

    furnished("vote", ANN, paper, "up", "--interest", "other")

    main, other = furnished.json("interest", "list", ANN)
    assert (main["up"], other["up"]) == (0, 1)
    assert {name for name, _ in ranked(furnished)} - {""} == {"other"}  # others have no name


def test_a_vote_for_an_interest_that_is_not_there_names_those_that_are(furnished: Shell) -> None:
    done = furnished("vote", ANN, ranked(furnished)[0][1], "up", "--interest", "none", code=2)

    assert "main" in done.err


def test_a_taste_begins_from_a_bibliography_and_names(furnished: Shell) -> None:
    _, known = ranked(furnished)[0]
    book = furnished.home / "mine.bib"
    book.write_text(
        "@article{a, title={Routing tokens to sparse experts}, eprint={2101.00001},"
        " archivePrefix={arXiv}, year={2021}}",
        encoding="utf-8",
    )

    (begun,) = furnished.json("reader", "import-library", ANN, str(book), known, "arxiv:9912.00001")

    assert (begun["liked"], begun["new"]) == (2, 1)
    assert begun["unknown"] == ["arxiv:9912.00001"]
    (main,) = furnished.json("interest", "list", ANN)
    assert main["up"] == 2


def test_ten_papers_are_named_that_tell_most(furnished: Shell) -> None:
    named = furnished.json("reader", "rate", ANN)

    assert len({paper["id"] for paper in named}) == 10
    assert named == furnished.json("reader", "rate", ANN)


def test_words_that_match_nothing_are_reported_at_once_with_the_nearest(furnished: Shell) -> None:
    words = ["--words", "reasoning", "--words", "video genration", "--words", "zxqv"]

    told = furnished("interest", "set", ANN, "mine", *words).out.splitlines()
    (record,) = furnished.json("interest", "set", ANN, "mine", *words)

    assert told[1:] == [
        "“reasoning” is in 35 papers, too many to help choose.",
        "“genration” (of “video genration”) matches no paper here yet; near it are: generation.",
        "“zxqv” matches no paper here yet.",
    ]
    assert record["words"] == ["reasoning", "video genration", "zxqv"]
    assert record["unmatched"] == [
        {"word": "reasoning", "phrase": "reasoning", "near": [], "papers": 35},
        {"word": "genration", "phrase": "video genration", "near": ["generation"], "papers": 0},
        {"word": "zxqv", "phrase": "zxqv", "near": [], "papers": 0},
    ]


def test_a_reader_is_told_which_of_their_words_match_nothing(furnished: Shell) -> None:
    added = furnished("reader", "add", "bob@example.org", "--interest", "difusion models")
    (changed,) = furnished.json("reader", "set", ANN, "--interest", "agentz")
    (again,) = furnished.json("reader", "set", ANN, "--size", 4)

    assert "“difusion” (of “difusion models”) matches no paper here yet" in added.out
    assert "diffusion" in added.out
    assert [one["word"] for one in changed["unmatched"]] == ["agentz"]
    assert changed["unmatched"][0]["near"][0] in {"agent", "agents"}
    assert again["unmatched"] == []


def test_before_the_first_papers_nothing_is_said_of_words(shell: Shell) -> None:
    (added,) = shell.json("reader", "add", ANN, "--interest", "robots")

    assert added["unmatched"] == []


def test_ten_more_are_named_and_none_that_is_rated(furnished: Shell) -> None:
    ten, more = (
        furnished.json("reader", "rate", ANN),
        furnished.json("reader", "rate", ANN, "--page", "2"),
    )
    assert len({paper["id"] for paper in (*ten, *more)}) == len(ten) + len(more) > 10

    furnished.json("vote", ANN, ten[0]["id"], "up")

    assert ten[0] not in furnished.json("reader", "rate", ANN)


def test_a_library_is_imported_for_a_named_interest(furnished: Shell) -> None:
    furnished("interest", "set", ANN, "bees", "--words", "bees")
    library = furnished.folder / "library.bib"
    library.write_text("@article{a,\n title = {A Census of Bees}, doi = {10.1000/1}\n}\n")
    (known,) = furnished.json("papers", "--limit", 1)

    done = furnished.json(
        "reader", "import-library", ANN, library, known["id"], "--interest", "bees"
    )
    wrong = furnished("reader", "import-library", ANN, library, "--interest", "wasps", code=2)

    assert (done[0]["liked"], done[0]["new"]) == (2, 1)
    furnished("export", furnished.folder / "out")
    votes = (furnished.folder / "out" / "votes.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(vote)["interest"] for vote in votes] == ["bees", "bees"]
    assert "wasps" in wrong.err
