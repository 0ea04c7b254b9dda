"""Tests files that are not dumps: the error names their type, and the command for them."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.errors import UnreadableDump
from larkpost.formats.file_types import refuse_what_is_no_dump, refuse_what_is_no_metadata

START = "larkpost reader import-library EMAIL FILE"
DUMPS = Path(__file__).parents[2] / "dumps"

BIBTEX = "@article{lantern2026,\n  title = {Lanterns},\n  eprint = {2608.01001}\n}\n"
RIS = "TY  - JOUR\r\nTI  - Lanterns\r\nAU  - Lovett, Ada\r\nER  - \r\n"
CSL = '[{"id": "a/1", "type": "article", "title": "T", "issued": {"date-parts": [[2026]]}}]'
RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:z="http://www.zotero.org/">'
RSS = '<rss version="2.0"><channel><title>cs.CL</title></channel></rss>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>cs.CL</title></feed>'
PROLOG = '<?xml version="1.0" encoding="utf-8"?>\n'
MAIL = "From: Digest <digest@example.org>\nSubject: Daily Papers\n"
BODY = "\nDaily Papers\nby AK and the AI research community\n"


# What ingest reads and enrich does not, and what that calls it.
FOR_INGEST_ALONE = {
    RSS: "a feed",
    PROLOG + "<?xml-stylesheet href='a'?>\n" + RSS: "a feed",
    "\ufeff\n<!-- feed -->" + ATOM: "a feed",
    '<rdf:RDF xmlns="http://purl.org/rss/1.0/">': "a feed",
    PROLOG + "<OAI-PMH>": "a feed, or an answer in XML",
    '{"version": "https://jsonfeed.org/version/1.1", "title": "T"}': "a JSON feed",
    "title,abstract,url\nLanterns,We light,https://x\n": "a table",
    "arxiv_id,title,rating\n2608.01001,Lanterns,1\n": "a table",
    MAIL + "MIME-Version: 1.0\n" + BODY: "a mail",
    "\\\\\narXiv:2608.01001\nTitle: Lanterns\n": "a listing of arXiv",
    "<!DOCTYPE html>\n<h3>Title</h3>": "a page",
}


def refused(text: str | bytes) -> tuple[str, str]:
    head = text.encode() if isinstance(text, str) else text
    with pytest.raises(UnreadableDump) as refusal:
        refuse_what_is_no_dump(head, "saved")
    return str(refusal.value), refusal.value.hint


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BIBTEX, "BibTeX"),
        ("\ufeff% exported in August\n\n" + BIBTEX, "BibTeX"),
        ("My library\n\n" + BIBTEX + BIBTEX.upper(), "BibTeX"),
        ("@comment{none}\n@STRING(x = 1)\n", "BibTeX"),
        (RIS, "RIS"),
        ("\ufeffProvider: somebody\n\n" + RIS, "RIS"),
        (CSL, "CSL JSON or Zotero's JSON"),
        ('{"items": [\n {"itemType": "preprint", "title": "T"}]}', "CSL JSON or Zotero's JSON"),
        (RDF, "RDF"),
        (PROLOG + "<!-- by Zotero -->" + RDF, "RDF"),
        ('"Key","Item Type","Publication Year","Author","Title"\n"A","preprint"', "Zotero's CSV"),
    ],
)
def test_references_go_to_the_start_of_a_reader(text: str, what: str) -> None:
    message, hint = refused(text)

    assert message == f"saved is a list of references ({what}), not a dump"
    assert START in hint
    assert "larkpost ingest --as-papers" in hint
    refuse_what_is_no_dump(text.encode(), "saved", as_papers=True)


@pytest.mark.parametrize(
    "text",
    [
        "https://arxiv.org/abs/2608.01001\n2608.01002v2\n10.1000/182\n",
        "https://huggingface.co/papers/2608.01001\n" * 900,
    ],
)
def test_names_without_titles_begin_a_taste_and_cannot_be_papers(text: str) -> None:
    message, hint = refused(text)

    assert message == "saved is a list of references (identifiers or links), not a dump"
    assert START in hint
    assert "--as-papers" not in hint


def test_ratings_and_other_programs_references_are_told_what_becomes_of_them() -> None:
    message, hint = refused("arxiv_id,user_id,rating,time\n2608.01001,7,-1,2026-08-07\n")
    assert message == "saved is a list of rated papers (CSV), not a dump"
    assert hint.endswith("of the papers that were rated up")
    assert START in hint

    message, hint = refused("%0 Journal Article\n%T Lanterns\n%A Ada Lovett\n")
    assert message == "saved is a list of references (EndNote or PubMed), not a dump"
    assert hint.startswith("export it as BibTeX or RIS")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        (
            PROLOG + '<opml version="2.0">',
            "a list of subscriptions (OPML)",
            "larkpost source add FILE",
        ),
        (PROLOG + "<records/>", "an XML file", "dumps are text"),
        ("<!DOCTYPE NETSCAPE-Bookmark-file-1>\n", "a list of bookmarks", "save it as text"),
        ("% a comment\n\\documentclass{article}\n", "LaTeX source", "dumps are text"),
        ('{\n "cells": []}', "a Jupyter notebook", "dumps are text"),
        (b"%!PS-Adobe", "a PostScript document", "save the page as text"),
    ],
)
def test_other_kinds_are_refused_by_what_they_are(text: str, what: str, hint: str) -> None:
    message, tried = refused(text)

    assert message.startswith(f"saved is {what}")
    assert hint in tried


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[]", "an empty answer"),
        ("\ufeff[ ]\n", "an empty answer"),
        ("Rate exceeded.", "an error of the server (Rate exceeded)"),
        ("429 Too Many Requests\n", "an error of the server (429 Too Many Requests)"),
        (
            "HTTP/1.1 503 Service Unavailable\nRetry-After: 5\n",
            "an error of the server (HTTP/1.1 503",
        ),
        ("HTTP/2 200\ncontent-type: application/json\n\n[]", "an HTTP answer with its headers"),
        ("error code: 502\nBad Gateway", "an error"),
        (
            "<html><head><title>429 Too Many Requests</title></head>",
            "an error page of the server (429 Too Many Requests)",
        ),
        ("<title>Just a moment...</title>", "an error page of the server (Just a moment)"),
        ('{"error": "Invalid date"}', "an error that an API answered with (Invalid date)"),
        ('{"error":{"message":"Gone","code":9}}', "an error that an API answered with"),
        (
            '{\n"message": "Not Found", "status": 404}',
            "an error that an API answered with (Not Found)",
        ),
    ],
)
def test_what_a_server_says_in_place_of_papers_is_no_dump(text: str, what: str) -> None:
    message, hint = refused(text)

    assert message.startswith(f"saved is {what}")
    assert hint


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "T", "error": "none"}',
        '{"title": "T", "abstract": "\\"issued\\": and \\"family\\": are keys of CSL"}',
        '[{"paper": {"id": "2608.01001", "title": "T", "authors": [{"name": "A"}]}}]',
        '[{"title": "T"}]',
        MAIL + BODY,
        "---\ntitle: Daily Papers\nauthor: AK\ncomments: 3\n---\nDaily Papers\n",
        "Captured (UTC): 2026-06-29\nSource: https://huggingface.co/papers\n\nDaily Papers\n",
        "[1]Skip to content\n* [ Models ][2]\n",
        "<div>\n\n### [T](https://huggingface.co/papers/2608.01001)\n\n<a id='x'></a>\n\n</div>",
        "Key, Query and Value: Titles of Their Own\n\nWe show.\n",
        "import os\n\n@dataclass(frozen=True)\nclass A:\n    a: int\n\n@dataclass(slots=True)\n",
        "404 models\n\nWe compare them.\n",
        "512\n\nNot Found in Translation\n\nWe compare them.\n",
        "A title, a subtitle, and a title\n",
        f"Daily Papers\n\nA paper\n\nIt is cited as:\n\n{BIBTEX}",
        *FOR_INGEST_ALONE,
        RSS.replace("cs.CL", "Too Many Requests: A Study") + BIBTEX,
        "title,abstract,url\nLanterns,<p><p><p><p><p><p><p><p><p><p><p>,https://x\n",
    ],
)
def test_what_may_be_a_dump_is_not_refused(text: str) -> None:
    refuse_what_is_no_dump(text.encode(), "saved.bib")


@pytest.mark.parametrize(("text", "what"), FOR_INGEST_ALONE.items())
def test_what_only_ingest_reads_is_no_metadata(text: str, what: str) -> None:
    with pytest.raises(UnreadableDump, match=f"saved is {what}") as refusal:
        refuse_what_is_no_metadata(text.encode(), "saved")

    assert "larkpost ingest FILE" in refusal.value.hint


@pytest.mark.parametrize(
    "file", sorted(one for one in DUMPS.rglob("*.*") if one.is_file()), ids=lambda file: file.name
)
def test_our_own_dumps_are_not_refused(file: Path) -> None:
    refuse_what_is_no_dump(file.read_bytes()[:65_536], file.name)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "unit",
    ["<", "<!--", "<?", "<p>", "[", "{", '{"', "a:\n", "a: \n\t", "@a{", "\n", " ", "Title:\n",
     "1 ", ",", "title,", "HTTP ", "error ", "2608.01001\n", "10.1000/", "%\n", "\\\\\n",
     "arXiv:2608.01001\n"],
)  # fmt: skip  # a list of short marks reads better in rows
def test_hostile_beginnings_are_judged_in_linear_time(unit: str) -> None:
    def judge(size: int) -> None:
        with suppress(UnreadableDump):
            refuse_what_is_no_dump((unit * size)[:size].encode(), "saved")

    def ratio() -> float:
        short, long = (cpu_seconds(partial(judge, size), rounds=2) for size in (8_192, 65_536))
        return long / max(short, 0.005)

    # A quadratic step takes 64 times as long on eight times the text.
    assert_grows_less_than(ratio, 24)
