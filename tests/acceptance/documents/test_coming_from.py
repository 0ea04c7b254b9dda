"""Tests that the commands of docs/coming-from.md import from old files what the page promises."""

from __future__ import annotations

import pickle
import re
import shlex
import sqlite3
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import PROGRAM, Shell
from tests.helpers.formats.format_reading import sample_dump

from larkpost.packaged_files import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (CHECKOUT / "docs" / "coming-from.md").read_text("utf-8")
READER = "you@example.org"
TAGS = {"moe": {"2301.00001"}, "diffusion": {"2301.00002", "2301.00003"}}


def blocks(language: str, section: str) -> list[str]:
    part = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    assert part, section
    return re.findall(rf"^```{language}\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def run_blocks(shell: Shell, section: str) -> None:
    """Run what the page prints in a shell, but for ``curl``: nothing is asked of the network."""
    program = f'larkpost() {{ {shlex.quote(PROGRAM)} --home {shlex.quote(str(shell.home))} "$@"; }}'
    for block in blocks("sh", section):
        script = f"set -eu\n{program}\ncurl() {{ :; }}\n{block}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=shell.folder, env=shell.environ, check=False,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def write_table(file: Path, name: str, rows: dict[str, object]) -> None:
    """Store pickles as arxiv-sanity-lite does: compressed, by key, in a table of SQLite."""
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE entry (key TEXT PRIMARY KEY, value BLOB)")
        for key, value in rows.items():
            packed = sqlite3.Binary(zlib.compress(pickle.dumps(value)))
            connection.execute("INSERT INTO entry VALUES (?, ?)", (key, packed))
        connection.execute(f'ALTER TABLE entry RENAME TO "{name}"')
    connection.close()


def thumbs(shell: Shell) -> dict[str, tuple[int, int]]:
    found = shell("interest", "list", READER, "--json").lines
    return {one["name"]: (one["up"], one["down"]) for one in found}


@pytest.fixture
def here(shell: Shell) -> Shell:
    shell("reader", "add", READER)
    return shell


def test_tags_of_arxiv_sanity_lite_become_thumbs_of_interests(here: Shell) -> None:
    papers: dict[str, object] = {
        number: {
            "title": f"An invented\n  paper, {number}", "summary": f"We invent {number}.",
            "authors": [{"name": "Jane Doe"}], "published": "2023-01-02T18:00:00Z",
        }
        for number in ("2301.00001", "2301.00002", "2301.00003", "2301.00004")
    }  # fmt: skip
    write_table(here.folder / "papers.db", "papers", papers)
    write_table(here.folder / "dict.db", "tags", {"jane": TAGS, "joe": {"moe": {"2301.00004"}}})
    (script,) = blocks("python", "arxiv-sanity and arxiv-sanity-lite")
    subprocess.run([sys.executable, "-c", script], cwd=here.folder, check=True, timeout=60)

    run_blocks(here, "arxiv-sanity and arxiv-sanity-lite")

    assert thumbs(here) == {"main": (0, 0), "moe": (1, 0), "diffusion": (2, 0)}
    assert {one["id"] for one in here("papers", "--json").lines} == {
        "arxiv:2301.00001", "arxiv:2301.00002", "arxiv:2301.00003",
    }  # fmt: skip


def test_ratings_become_thumbs_up_and_down(here: Shell) -> None:
    (here.folder / "rated.atom").write_bytes(sample_dump("arxiv-api.atom"))
    (here.folder / "liked.txt").write_text("hep-th/9901001\n")
    (here.folder / "ratings.csv").write_text(
        "arxiv_id,user_id,rating,time\n2608.04001,7,1,2024-01-01\n2605.09999,7,-1,2024-01-02\n"
    )

    run_blocks(here, "arXiv numbers alone")
    run_blocks(here, "Scholar Inbox")

    assert thumbs(here) == {"main": (2, 1)}
    assert len((here.folder / "votes.jsonl").read_text().splitlines()) == 2


def test_an_exported_library_becomes_thumbs_up_and_once_only(here: Shell) -> None:
    (here.folder / "library.bib").write_text(
        "@article{a, title={Attention that we invented}, abstract={It is sparse.}, year=2024}\n"
        "@article{b, title={Experts that we invented}, eprint={2401.00001}, year=2024}\n"
    )

    run_blocks(here, "zotero-arxiv-daily")
    run_blocks(here, "zotero-arxiv-daily")

    assert thumbs(here) == {"main": (2, 0)}


COMMANDS = sorted(set(re.findall(r"`larkpost ((?:source|interest|reader set) [^`…]+)`", PAGE)))


def test_the_commands_of_the_tables_are_accepted(here: Shell) -> None:
    (here.folder / "feeds.opml").write_text(
        '<opml version="2.0"><body><outline type="rss" text="A" xmlUrl="https://a.example/feed"/>'
        "</body></opml>"
    )

    for command in COMMANDS:
        here(*shlex.split(command))

    sources = {one["name"] for one in here("source", "list", "--json").lines}
    assert {"arxiv:cs.AI+cs.CV", "arxiv:cs.CL", "A", "blog.example.org/feed.xml"} <= sources
