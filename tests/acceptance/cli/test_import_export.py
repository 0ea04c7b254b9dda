"""Tests that all data are exported as JSON Lines, and imported unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.helpers.cli_helpers import Shell

if TYPE_CHECKING:
    from pathlib import Path


def test_an_export_taken_into_an_empty_home_ranks_the_same(furnished: Shell) -> None:
    furnished("reader", "add", "bob@example.org", "--interest", "quantum computing")
    for paper in furnished.json("papers", "--search", "mixture of experts", "--limit", 2):
        furnished("vote", "ann@example.org", paper["id"], "up")
    furnished("publish", "bob@example.org")
    out = furnished.folder / "out"
    furnished("export", out)
    (furnished.folder / "other").mkdir()
    other = Shell(furnished.folder / "other")

    taken = other.json(
        "import", "--papers", out / "papers.jsonl", "--readers", out / "readers.jsonl",
        "--votes", out / "votes.jsonl",
    )  # fmt: skip

    assert [(one["what"], one["imported"]) for one in taken] == [
        ("papers", 108),
        ("readers", 2),
        ("votes", 2),
    ]
    assert other.json("rank", "--all") == furnished.json("rank", "--all")


def test_lines_of_the_contract_are_taken(shell: Shell) -> None:
    papers = written(
        shell.folder / "p.jsonl",
        {
            "id": "arxiv:2508.13426",
            "title": "Sparse experts",
            "abstract": "Experts that are sparse.",
            "authors": ["A. Author"],
            "categories": ["cs.LG"],
            "published": "2026-08-07",
            "first_seen": "2026-08-07T06:00:00Z",
            "url": "https://arxiv.org/abs/2508.13426",
        },
        {"id": "doi:10.1000/182", "title": "Only a title"},
    )
    readers = written(
        shell.folder / "r.jsonl",
        {
            "format": 2,
            "reader": "a@example.org",
            "name": "A",
            "zone": "Europe/Berlin",
            "send_time": "06:00",
            "weekdays": ["mon"],
            "papers_per_edition": 10,
            "interests": [{"name": "main", "words": ["mixture of experts"]}],
        },
    )
    votes = written(
        shell.folder / "v.jsonl",
        {
            "format": 2,
            "reader": "a@example.org",
            "paper": "arxiv:2508.13426",
            "thumb": 1,
            "at": "2026-08-07T07:00:00Z",
            "source": "import",
        },
    )

    shell("import", "--papers", papers, "--readers", readers, "--votes", votes)

    (shown,) = shell.json("reader", "show", "a@example.org")
    assert (shown["up"], shown["down"], shown["weekdays"]) == (1, 0, ["mon"])
    kept = {one["id"]: one for one in shell.json("papers")}
    assert kept.keys() == {"arxiv:2508.13426", "doi:10.1000/182"}
    assert kept["arxiv:2508.13426"]["first_seen"] == "2026-08-07T06:00:00Z"


def test_a_bad_line_is_named_and_the_others_are_taken(shell: Shell) -> None:
    shell("reader", "add", "a@example.org")
    papers = written(shell.folder / "p.jsonl", {"id": "arxiv:2508.13426", "title": "Sparse"})
    votes = shell.folder / "v.jsonl"
    good = {"reader": "a@example.org", "paper": "arxiv:2508.13426", "thumb": 1, "mood": "glad"}
    votes.write_text(f"{{not json\n{json.dumps(good)}\n", encoding="utf-8")

    done = shell("import", "--papers", papers, "--votes", votes, code=1)

    assert "v.jsonl, line 1" in done.err
    assert "unknown keys: mood" in done.err
    assert "1 vote, 1 refused" in done.out


def test_readers_have_the_defaults_of_the_settings_and_who_left_stays_away(shell: Shell) -> None:
    shell("init")
    (shell.home / "config.toml").write_text(
        '[readers]\nzone = "Asia/Tokyo"\nsend_time = "07:30"\npapers_per_edition = 4\n',
        encoding="utf-8",
    )
    shell("reader", "add", "left@example.org")
    shell("reader", "set", "left@example.org", "--leave")
    readers = written(
        shell.folder / "r.jsonl",
        {"reader": "new@example.org", "size": 7},
        {"reader": "left@example.org", "status": "active"},
    )

    done = shell("import", "--readers", readers)

    (new,) = shell.json("reader", "show", "new@example.org")
    (left,) = shell.json("reader", "show", "left@example.org")
    assert (new["zone"], new["send_time"], new["papers_per_edition"]) == ("Asia/Tokyo", "07:30", 7)
    assert left["status"] == "left"
    assert "r.jsonl, line 2: left@example.org has unsubscribed here and stays so" in done.err


def test_keys_and_values_of_papers_that_nobody_knows_are_reported(shell: Shell) -> None:
    papers = written(
        shell.folder / "p.jsonl",
        {"id": "arxiv:2508.13426", "title": "Sparse", "stars": 5, "upvotes": "many"},
        {"id": "arxiv:2508.13427", "title": "Dense", "stars": 1, "mood": "glad"},
    )

    done = shell("import", "--papers", papers)
    (record,) = shell.json("import", "--papers", papers)

    assert "p.jsonl: ignored unknown keys: mood, stars\n" in done.err
    assert "p.jsonl, line 1: “upvotes” is not a number of votes; left out\n" in done.err
    assert record["unknown_keys"] == ["mood", "stars"]
    assert [one["line"] for one in record["warnings"]] == [1]


def written(path: Path, *records: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return path
