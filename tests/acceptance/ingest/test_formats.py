"""Tests each format through the program: mails, saved pages, lists of links, references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.formats.format_reading import DUMPS
from tests.helpers.mail.digest_mails import LISTING, LUNCH

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell

LIBRARY = "@article{a,\n title = {Lanterns at Night}, doi = {10.1000/1}\n}\n"
MAILED = {"LARKPOST_INBOUND__DIGEST_SENDERS": "@arxiv.org, digest@huggingface.co"}


def test_every_sample_of_every_format_is_read_into_one_home(shell: Shell) -> None:
    folders = [DUMPS / name for name in ("mail", "html", "lists")]

    reports = {one["file"]: one for one in shell.json("ingest", *folders, code=1)}

    assert {name: (one["format"], one["papers"]) for name, one in reports.items()} == {
        "arxiv-listing.eml": ("mail", 5),
        "google-scholar.eml": ("mail", 3),
        "hf-digest.eml": ("mail", 2),
        "journal-nature.eml": ("mail", 2),
        "journal-toc.eml": ("mail", 4),
        "semantic-scholar.eml": ("mail", 2),
        "arxiv-new.html": ("html", 3),
        "daily-papers.html": ("html", 2),
        "daily-papers.mhtml": ("mail", 2),
        "bullets.md": ("links", 7),
        "digest.md": ("links", 3),
        "plain-links.txt": ("links", 3),
    }
    papers = shell.json("papers", "--limit", 0)
    titles = [paper["title"].casefold() for paper in papers]
    assert titles.count("tides in time series") == 1
    assert titles.count("counting bees without counting wings") == 1
    assert sum(title.startswith("lantern decoding") for title in titles) == 1


def test_a_page_without_papers_is_refused_by_name_with_what_to_try(shell: Shell) -> None:
    done = shell("ingest", DUMPS / "lists" / "no-papers.html", code=1)

    assert "no-papers.html: it is an HTML page, but there is no paper in it" in done.err
    assert "save the page that lists the papers" in done.err


def test_references_become_papers_only_where_that_is_said(shell: Shell) -> None:
    library = shell.folder / "library.bib"
    library.write_text(LIBRARY, "utf-8")

    refused = shell("ingest", library, code=1)
    (report,) = shell.json("ingest", library, "--as-papers")

    assert "list of references (BibTeX), not a dump" in refused.err
    assert "larkpost ingest --as-papers FILE" in refused.err
    assert (report["format"], report["new"]) == ("references", 1)


def test_the_inbox_refuses_references_with_the_same_hint(shell: Shell) -> None:
    shell("init")
    inbox = shell.home / "inbox"
    inbox.mkdir(exist_ok=True)
    (inbox / "library.bib").write_text(LIBRARY, "utf-8")
    shell.extra["LARKPOST_INBOX__STABLE_SECONDS"] = "0"

    shell("tick")

    why = (inbox / "bad" / "library.bib.why").read_text("utf-8")
    assert "list of references (BibTeX)" in why
    assert "--as-papers" in why


def test_a_digest_comes_in_by_the_pipe_and_status_tells_of_it(shell: Shell) -> None:
    shell("init")
    shell.extra.update(MAILED)

    read = shell("receive-mail", "--json", stdin=LISTING)
    refused = shell("receive-mail", "--json", stdin=LUNCH)

    assert read.lines == [{"kind": "digest", "votes": 0, "papers": 5, "new": 5}]
    assert refused.lines[0]["kind"] == "no digest"
    (status,) = shell.json("status")
    assert status["newest_dump"]["name"] == "cs daily Subj-class mailing 2000c1 1"
    assert [one["file"] for one in status["refused"]] == ["Lunch"]
