"""Bringing ids and links to papers of a text dump, as a stranger types it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.helpers.cli_helpers import PROGRAM, SAMPLE

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell


def record_of(paper: dict[str, str]) -> bytes:
    """Write a paper as the metadata snapshot of arXiv has it."""
    record = {
        "id": "2508.13426",
        "title": paper["title"],
        "abstract": paper["abstract"],
        "authors_parsed": [["Lovelace", "Ada", ""]],
        "categories": "cs.CL cs.DL",
        "versions": [{"version": "v1", "created": "Tue, 19 Aug 2025 01:02:03 GMT"}],
    }
    other = {"id": "0704.0001", "title": "Something else", "categories": "hep-ph"}
    return b"\n".join(json.dumps(one).encode() for one in (other, record)) + b"\n{broken\n"


def test_metadata_bring_a_link_to_a_paper_and_no_paper(shell: Shell) -> None:
    shell("ingest", SAMPLE)
    before = shell.json("papers", "--limit", 0)
    metadata = record_of(before[40])

    (dry,) = shell("enrich", "--dry-run", "--json", "-", stdin=metadata).lines
    assert shell.json("papers", "--limit", 0) == before
    done = shell("enrich", "-", stdin=metadata)
    (again,) = shell("enrich", "--json", "-", stdin=metadata).lines
    after = {paper["uid"]: paper for paper in shell.json("papers", "--limit", 0)}

    counted = {"records": 2, "unmatched": 1, "ambiguous": 0, "rejected": 1}
    assert {name: dry[name] for name in counted} == counted
    assert (dry["enriched"], dry["without_link"], dry["dry_run"]) == (1, 107, True)
    assert "standard input: 1 paper enriched, 0 already complete, 1 record of unknown" in done.out
    assert "papers without a link: 107" in done.out
    assert "line 3: this is not JSON" in done.err
    assert (again["enriched"], again["complete"], again["without_link"]) == (0, 1, 107)
    assert after.keys() == {paper["uid"] for paper in before}
    paper = after[before[40]["uid"]]
    assert paper["id"] == "arxiv:2508.13426"
    assert paper["url"] == "https://arxiv.org/abs/2508.13426"
    assert paper["published"] == "2025-08-19"
    assert paper["title"] == before[40]["title"]


def test_a_quiet_call_tells_only_what_could_not_be_read(shell: Shell) -> None:
    shell("ingest", SAMPLE)
    whole, _, _ = record_of(shell.json("papers")[0]).rpartition(b"{broken")

    quiet = shell("-q", "enrich", "-", stdin=whole)

    assert (quiet.out, quiet.err) == ("", "")


def test_files_that_cannot_be_read_are_reported_and_the_others_taken(shell: Shell) -> None:
    shell("ingest", SAMPLE)
    file = shell.folder / "meta.json"
    file.write_bytes(record_of(shell.json("papers")[0]))

    both = shell("enrich", file, shell.folder / "missing.json", code=1)
    none = shell("enrich", shell.folder / "missing.json", code=2)
    text = shell("enrich", SAMPLE, code=1)

    assert "meta.json: 1 paper enriched" in both.out
    assert "there is no file missing.json" in none.err
    assert "there is not a single record in it" in text.err


def test_without_standard_input_there_is_nothing_to_read(shell: Shell) -> None:
    program = f"exec {PROGRAM} --home {shell.home} enrich - <&-"

    done = subprocess.run(
        ["sh", "-c", program], env=shell.environ, capture_output=True, check=False, timeout=60
    )

    assert done.returncode == 1
    assert b"standard input is empty" in done.stderr


def test_a_ranking_tells_where_its_papers_are(shell: Shell) -> None:
    shell("ingest", SAMPLE)
    shell("reader", "add", "ada@example.org")

    (pick,) = shell.json("rank", "ada@example.org", "--limit", 1, "--window", 3000)

    assert pick["page"].startswith("http://127.0.0.1:8025/paper/")
    assert pick["url"] is None
