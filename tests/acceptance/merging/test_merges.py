"""Tests that merged papers can be listed, corrected by a command, and moved to another home."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.helpers.merging.week_formats import FORMATS, WEEK

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell

OURS = "arxiv:2608.01001"
WRONG = {
    "title": "An Atlas of Small Harbours and Their Tides",
    "abstract": "We draw every harbour under forty metres, and say when it is dry.",
    "url": "https://arxiv.org/abs/2608.01001",
}


def read_week(shell: Shell) -> None:
    """Ingest the week in every format."""
    for name, _, tell in FORMATS:
        file = shell.folder / name
        file.write_text(tell(WEEK), "utf-8")
        shell("ingest", file, "--date", "2026-08-07")


def test_the_list_of_duplicates_says_which_dump_brought_what_and_why(shell: Shell) -> None:
    read_week(shell)

    listed = shell.json("papers", "--duplicates")
    shown = shell("papers", "--duplicates", "--limit", 1)

    assert sorted(line["title"] for line in listed) == sorted(one.title for one in WEEK)
    for line in listed:
        told = [(one["number"], one["dump"], one["format"], one["rule"]) for one in line["records"]]
        rules = ["first", "text", "arxiv", "title", *["arxiv"] * 6, "title-abstract"]
        # Atom brings the same record in the same format as RSS, which is not listed twice.
        formats = [(name, form) for name, form, _ in FORMATS if not name.endswith(".atom")]
        assert told == [
            (number, name, form, rule)
            for number, ((name, form), rule) in enumerate(zip(formats, rules, strict=True), 1)
        ]
    assert "mail-2026-08-07.txt\tthe same title; one has no abstract" in shown.out
    assert "1 of 4 papers" in shown.err


def test_the_listing_is_what_it_was(shell: Shell) -> None:
    read_week(shell)

    assert len(shell.json("papers")) == len(shell.json("papers", "--limit", 10)) == len(WEEK)
    assert [one["id"] for one in shell.json("papers", "--search", "sheep")] == ["arxiv:2608.01003"]
    assert shell("papers", "--duplicates", "--search", "x", code=2).out == ""
    assert "not possible with" in shell("papers", "--limit", 3, "split", "x", code=2).err


def test_a_wrong_merge_is_split_and_stays_split_in_another_home(shell: Shell) -> None:
    read_week(shell)
    wrong = json.dumps(WRONG).encode()
    shell("ingest", "-", stdin=wrong)
    (merged,) = [one for one in shell.json("papers", "--duplicates") if one["paper"] == OURS]
    number = merged["records"][-1]["number"]

    kept, other = shell.json("papers", "split", OURS, number)

    assert (kept["id"], kept["title"]) == (OURS, WEEK[0].title)
    assert other["title"] == WRONG["title"]
    assert (other["url"], other["also"]) == (None, [])
    shell("ingest", "-", stdin=wrong + b"\n\n")
    assert len(shell.json("papers")) == len(WEEK) + 1
    (decision,) = shell.json("papers", "--decisions")
    assert not decision["same"]

    out = shell.folder / "out"
    shell("export", out)
    again = type(shell)(shell.folder / "second")
    again.folder.mkdir()
    decisions, exported = out / "decisions.jsonl", out / "papers.jsonl"
    again("import", "--decisions", decisions, "--papers", exported)
    again("ingest", "-", stdin=wrong)
    assert len(again.json("papers")) == len(WEEK) + 1
    assert again.json("papers", "--decisions") == [decision]


def test_two_papers_are_merged_and_stay_merged_in_a_home_that_had_them_apart(shell: Shell) -> None:
    first = {"id": "arxiv:2608.00001", "title": "On Ferries", "abstract": "Ferries wait."}
    second = {"id": "doi:10.1000/182", "title": "Waiting Ships", "abstract": "Why ships wait."}
    both = b"".join(json.dumps(one).encode() + b"\n" for one in (first, second))
    shell("ingest", "-", stdin=both)

    (one,) = shell.json("papers", "merge", first["id"], second["id"])

    assert (one["id"], one["also"]) == (first["id"], [second["id"]])
    assert len(shell.json("papers")) == 1
    assert "One paper already" not in shell("papers", "merge", *(first["id"],) * 2, code=2).out
    assert "there is no paper" in shell("papers", "split", "arxiv:2608.09999", code=2).err

    out = shell.folder / "out"
    shell("export", out)
    again = type(shell)(shell.folder / "second")
    again.folder.mkdir()
    again("ingest", "-", stdin=both)
    again("import", "--decisions", out / "decisions.jsonl")
    assert len(again.json("papers")) == 1
    (back, _) = again.json("papers", "split", "doi:10.1000/182")
    assert back["id"] == first["id"]
