"""Tests the commands that read dumps and list papers, as a new user types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from tests.helpers.cli_helpers import SAMPLE, paper_lines

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell

DUMPS = Path(__file__).parents[2] / "dumps"


def test_the_first_command_of_a_stranger_reads_the_sample(shell: Shell) -> None:
    done = shell("ingest", SAMPLE)

    assert "108 papers: 108 new" in done.out
    assert len(shell.json("papers", "--limit", 1000)) == 108


def test_the_same_bytes_again_add_nothing_and_it_says_so(shell: Shell) -> None:
    shell("ingest", SAMPLE)

    done = shell("ingest", SAMPLE)

    assert "already read on" in done.out
    assert "nothing new" in done.out


def test_a_dump_in_which_nothing_is_new_says_so(shell: Shell) -> None:
    two = paper_lines("Sparse experts", "Dense pupils")
    shell("ingest", "-", stdin=two)

    again = shell("ingest", "-", stdin=b"\n" + two)
    one = shell("ingest", "-", stdin=paper_lines("Dense pupils"))

    assert "standard input: no new papers: all 2 were known" in again.out
    assert "standard input: no new papers: the one in it was known" in one.out


def test_feeds_tables_and_archives_are_read_by_what_is_in_them(
    shell: Shell, tmp_path: Path
) -> None:
    week = tmp_path / "week.zip"
    with ZipFile(week, "w") as archive:
        for name in ("oai-arxiv.xml", "papers.csv"):
            archive.write(DUMPS / name, name)
    files = (DUMPS / name for name in ("arxiv-feed.rss", "arxiv-api.atom", "feed.json"))

    reports = shell.json("ingest", *files, week)

    assert [(one["format"], one["papers"]) for one in reports] == [
        ("arxiv-feed", 5), ("arxiv-api", 3), ("json-feed", 2), ("zip: oai-pmh, table", 4),
    ]  # fmt: skip  # a list of pairs
    refused = shell("ingest", DUMPS / "arxiv-api-error.atom", code=1)
    assert "an error message of arXiv's API (incorrect id format for 1234.1234)" in refused.err
    weekend = shell("ingest", DUMPS / "arxiv-weekend.rss")
    assert "0 papers" in weekend.out + weekend.err


def test_a_report_as_json_counts_everything(shell: Shell) -> None:
    (report,) = shell.json("ingest", SAMPLE, "--date", "2026-08-07")

    assert report["papers"] == report["new"] == 108
    assert report["updated"] == report["known"] == report["rejected"] == 0
    assert report["dump_date"] == "2026-08-07"
    assert report["already_read_at"] is None


def test_records_that_cannot_be_read_are_reported_with_line_and_reason(shell: Shell) -> None:
    bad = shell.folder / "bad.jsonl"
    bad.write_text('{"title": "One"}\n' + '{"abstract": "No title."}\n' * 12, encoding="utf-8")

    done = shell("ingest", bad)

    told = [line for line in done.err.splitlines() if "it has no title" in line]
    assert told == [f"larkpost: bad.jsonl: line {n}: it has no title" for n in range(2, 12)]
    assert "larkpost: bad.jsonl: and 2 more" in done.err
    (again,) = shell.json("ingest", bad)
    assert again["rejected"] == 12
    assert again["rejected_records"] == [
        {"line": n, "reason": "it has no title"} for n in range(2, 14)
    ]


def test_a_warning_is_told_once_and_not_to_those_who_want_errors_only(shell: Shell) -> None:
    page = shell.folder / "page.jsonl"
    page.write_text('{"title": "One", "stars": 5}\n', encoding="utf-8")

    loud = shell("ingest", page, "--date", "2026-08-07")
    page.write_text('{"title": "Two", "stars": 5}\n', encoding="utf-8")
    quiet = shell("-q", "ingest", page)

    warning = "larkpost: page.jsonl: line 1: the key “stars” is not known; left out"
    assert loud.err.count("stars") == 1
    assert warning in loud.err.splitlines()
    assert quiet.err == ""


def test_standard_input_is_read(shell: Shell) -> None:
    done = shell("ingest", "-", stdin=SAMPLE.read_bytes())

    assert "108 papers: 108 new" in done.out


def test_a_file_that_cannot_be_read_does_not_keep_the_others_out(shell: Shell) -> None:
    junk = shell.folder / "junk.txt"
    junk.write_bytes(b"\x89PNG\r\n\x1a\n not a dump")

    done = shell("ingest", junk, SAMPLE, code=1)

    assert "junk.txt" in done.err
    assert done.err.startswith("larkpost: ")
    assert "108 papers: 108 new" in done.out


def test_a_file_that_is_not_there_is_named(shell: Shell) -> None:
    done = shell("ingest", "nowhere.txt", code=2)

    assert "nowhere.txt" in done.err
    assert "Traceback" not in done.err


def test_a_missing_file_beside_one_that_was_read_is_no_wrong_call(shell: Shell) -> None:
    good = shell.folder / "good.jsonl"
    good.write_bytes(paper_lines("Sparse experts"))

    done = shell("ingest", good, "nowhere.txt", code=1)

    assert "1 new" in done.out
    assert "nowhere.txt" in done.err


def test_a_folder_means_every_file_in_it(shell: Shell) -> None:
    folder = shell.folder / "dumps"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(paper_lines("Sparse experts"))
    (folder / "b.jsonl").write_bytes(paper_lines("Sparse experts", "Dense pupils"))
    (folder / ".hidden").write_bytes(b"not to be read")

    reports = shell.json("ingest", folder)

    assert [report["new"] for report in reports] == [1, 1]


def test_papers_are_found_by_words_and_by_day(shell: Shell) -> None:
    shell("ingest", SAMPLE, "--date", "2026-08-07")

    found = shell.json("papers", "--search", "mixture experts", "--limit", 3)

    assert len(found) == 3
    assert all("expert" in f"{one['title']} {one['abstract']}".lower() for one in found)
    assert len(shell.json("papers", "--since", "2026-08-07", "--limit", 1000)) == 108
    assert shell.json("papers", "--since", "2026-08-08") == []


def test_a_list_that_is_cut_says_how_many_papers_there_are(shell: Shell) -> None:
    shell("ingest", "-", stdin=paper_lines("Sparse experts", "Dense experts", "Dense pupils"))

    cut = shell("papers", "--limit", 2)
    everything = shell("papers", "--limit", 0)
    found = shell("papers", "--search", "experts", "--limit", 1, "--json")

    assert len(cut.out.splitlines()) == 3
    assert cut.err == "larkpost: 2 of 3 papers; --limit 0 lists all\n"
    assert len(everything.out.splitlines()) == 4
    assert everything.err == ""
    assert len(found.lines) == 1
    assert found.err == "larkpost: 1 of 2 papers; --limit 0 lists all\n"
    assert shell("-q", "papers", "--limit", 2).err == ""


def test_papers_are_a_line_each_in_a_pipe(shell: Shell) -> None:
    shell("ingest", "-", stdin=paper_lines("Sparse experts", "Dense\u202e pupils"))

    heading, *rows = shell("papers").out.splitlines()

    assert heading.split("\t") == ["paper", "first seen", "title"]
    assert [row.split("\t")[2] for row in rows] == ["Sparse experts", "Dense pupils"]


def test_a_withdrawn_paper_is_listed_as_such_and_not_ranked(shell: Shell) -> None:
    title = "Ferries That Wait: Predicting Departures from Nine Years of Logs"
    texts = ("We predict from the logs of nine years when a ferry leaves.", "Paper withdrawn.")
    lines = [{"title": title, "abstract": text} for text in texts]
    shell("ingest", "-", stdin="".join(json.dumps(line) + "\n" for line in lines).encode())
    shell("reader", "add", "ann@example.org")

    (paper,) = shell.json("papers")

    assert (paper["withdrawn"], paper["abstract"]) == (True, texts[0])
    assert f"{title} (withdrawn)" in shell("papers").out
    assert shell.json("rank", "ann@example.org") == []
