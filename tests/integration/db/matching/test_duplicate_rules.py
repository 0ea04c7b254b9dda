"""Tests which records become one paper when they are ingested, and which text it gets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.db.papers import MatchOutcome
from larkpost.domain import Identifier, PaperRecord
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.ingest import ingest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from larkpost.domain import Paper

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)

TITLE = "Ferries That Wait: Predicting Departures from Nine Years of Logs"
WHOLE = (
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. The model reads the moon, the wind "
    "and the captain, of which the captain matters most. Logs and code are public, and so is a "
    "list of the eleven departures that nobody can explain."
)
CUT = WHOLE[:130] + "…"
SUMMARY = "A model of ferries predicts from logs, wind and moon when they leave the harbour."
NOTICE = "This paper has been withdrawn by the author due to a crucial error in equation 3."
BREAD = (
    "Bread rises slowly and bakers rise early. We ask two hundred of them why, and find that the "
    "oven is to blame. A cheap thermostat, made of a spring and a bean, lets them sleep for an "
    "hour more without any loss of crust. Drawings are printed at the end of the volume."
)

Line = dict[str, object]


def read(store: Store, folder: Path, lines: Sequence[Line]) -> list[Paper]:
    """Ingest these lines as one file per line, in order, and read what is there then."""
    for number, line in enumerate(lines):
        file = folder / f"{number}.jsonl"
        file.write_text(json.dumps(line) + "\n", "utf-8")
        ingest(store, DUMP_FORMATS, file, now=NOW)
    with store.read() as connection:
        return list(papers.iterate(connection))


@pytest.mark.parametrize("first", [CUT, WHOLE[:130], SUMMARY, NOTICE, ""])
@pytest.mark.parametrize("swapped", [False, True])
def test_one_long_title_with_less_of_an_abstract_is_one_paper(
    store: Store, tmp_path: Path, first: str, swapped: bool
) -> None:
    lines: list[Line] = [{"title": TITLE, "abstract": first}, {"title": TITLE, "abstract": WHOLE}]

    (paper,) = read(store, tmp_path, lines[::-1] if swapped else lines)

    assert (paper.title, paper.abstract) == (TITLE, WHOLE)
    assert paper.withdrawn == (first == NOTICE)


def test_all_that_is_reported_of_one_paper_meets_in_any_order(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = Store(sqlite_url)

    for number, order in enumerate(permutations([CUT, SUMMARY, NOTICE, WHOLE])):
        title = f"{TITLE}, Volume {number}"
        folder = tmp_path / str(number)
        folder.mkdir()
        found = read(store, folder, [{"title": title, "abstract": text} for text in order])
        mine = [(one.abstract, one.withdrawn) for one in found if one.title == title]
        assert mine == [(WHOLE, True)]
    store.close()


def test_hundreds_of_withdrawn_papers_find_their_own(store: Store, tmp_path: Path) -> None:
    """All their notices are alike, and share every number of a sketch but those of the titles."""
    titles = [
        f"{'abcdefghijklmnopqrst'[n % 20] * 9} and {n * 7919 + 10**9} ferries" for n in range(250)
    ]
    file = tmp_path / "all.jsonl"
    file.write_text("".join(json.dumps({"title": t, "abstract": WHOLE + t}) + "\n" for t in titles))
    ingest(store, DUMP_FORMATS, file, now=NOW)
    file.write_text("".join(json.dumps({"title": t, "abstract": NOTICE}) + "\n" for t in titles))

    report = ingest(store, DUMP_FORMATS, file, now=NOW)

    assert (report.papers, report.new, report.updated) == (250, 0, 250)


def test_the_same_long_title_over_two_ids_is_two_papers(store: Store, tmp_path: Path) -> None:
    lines: list[Line] = [
        {"id": "arxiv:2608.00001", "title": TITLE, "abstract": WHOLE},
        {"id": "arxiv:2608.00002", "title": TITLE, "abstract": NOTICE},
    ]

    first, second = read(store, tmp_path, lines)

    assert (first.withdrawn, second.withdrawn) == (False, True)


@pytest.mark.parametrize("title", ["Erratum", "Editorial", "Introduction", "Technical Report"])
@pytest.mark.parametrize("other", [BREAD, SUMMARY, NOTICE])
def test_a_short_title_alone_makes_no_paper_the_same(
    store: Store, tmp_path: Path, title: str, other: str
) -> None:
    lines: list[Line] = [{"title": title, "abstract": WHOLE}, {"title": title, "abstract": other}]

    assert len(read(store, tmp_path, lines)) == 2


def test_a_short_title_over_the_beginning_of_one_text_is_one_paper(
    store: Store, tmp_path: Path
) -> None:
    lines: list[Line] = [
        {"title": "Ferries", "abstract": CUT},
        {"title": "Ferries", "abstract": WHOLE},
    ]

    (paper,) = read(store, tmp_path, lines)

    assert paper.abstract == WHOLE


def test_a_generic_title_over_two_unlike_abstracts_is_two_papers(
    store: Store, tmp_path: Path
) -> None:
    title = "A Survey of Large Language Models"
    lines: list[Line] = [{"title": title, "abstract": WHOLE}, {"title": title, "abstract": BREAD}]

    assert len(read(store, tmp_path, lines)) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A Corpus of Ferries in Basque", "A Corpus of Ferries in Welsh"),
        ("A Corpus of Ferries (Basque)", "A Corpus of Ferries (Welsh)"),
        ("Ferry Segmentation for Kidney Scans", "Ferry Segmentation for Liver Scans"),
        ("Ferries and Tides, Part I", "Ferries and Tides, Part II"),
        ("The Ferry Track, 2024 Edition", "The Ferry Track, 2025 Edition"),
        ("Ferry-7B: A Technical Report", "Ferry-70B: A Technical Report"),
    ],
)
@pytest.mark.parametrize("changed", ["12 departures", "eleven departures"])
def test_two_papers_from_one_template_stay_two(
    store: Store, tmp_path: Path, first: str, second: str, changed: str
) -> None:
    other = WHOLE.replace("eleven departures", changed)
    lines: list[Line] = [{"title": first, "abstract": WHOLE}, {"title": second, "abstract": other}]

    found = read(store, tmp_path, [*lines, *lines])

    assert [paper.title for paper in found] == [first, second]


def test_a_word_that_both_abstracts_use_as_their_titles_do_is_no_slip(
    store: Store, tmp_path: Path
) -> None:
    lines: list[Line] = [
        {"title": f"Ferries and Tides around {land}", "abstract": f"{WHOLE} All is in {land}."}
        for land in ("Ireland", "Iceland")
    ]

    assert len(read(store, tmp_path, lines)) == 2


@pytest.mark.parametrize(
    "again",
    [
        "Ferries That Wait: Predicting Departures from Nine Year of Logs",
        "Ferries That Wiat: Predicting Departures from Nine Years of Logs",
        "Ferries That Wait: Predicting the Departures from Nine Years of Logs",
        f"{TITLE} and the Moon",
        "Ferries That Wait",
        TITLE.replace("-", " ").upper(),
    ],
)
def test_an_edited_title_is_one_paper(store: Store, tmp_path: Path, again: str) -> None:
    edited = WHOLE.replace("four minutes", "nearly five minutes")
    lines: list[Line] = [{"title": TITLE, "abstract": WHOLE}, {"title": again, "abstract": WHOLE}]

    assert len(read(store, tmp_path, [*lines, {"title": TITLE, "abstract": edited}])) == 1


def test_twins_on_one_page_stay_two(store: Store, tmp_path: Path) -> None:
    lines: list[Line] = [
        {"title": f"A Corpus of Ferries in {one}", "abstract": WHOLE, "url": "https://e.org/all"}
        for one in ("Basque", "Welsh")
    ]

    assert len(read(store, tmp_path, lines)) == 2


def test_a_paper_is_found_by_its_title_beside_the_address_of_another(
    store: Store, tmp_path: Path
) -> None:
    page = "https://example.org/all"
    lines: list[Line] = [
        {"title": "Bread and Sleep", "abstract": BREAD, "url": page},
        {"title": TITLE, "abstract": WHOLE},
        {"title": TITLE, "abstract": CUT, "url": page},
    ]

    assert len(read(store, tmp_path, lines)) == 2


@pytest.mark.parametrize("swapped", [False, True])
def test_an_escaped_copy_never_replaces_a_clean_one(
    store: Store, tmp_path: Path, swapped: bool
) -> None:
    title = "Tides & Ferries: Leaving with p < 0.05"
    text = WHOLE.replace("tide, and", "tide & wind <")
    with_store = [(title, text), (title.replace("&", "&amp;"), text.replace("<", "&lt;"))]
    with store.begin() as connection:
        for one, abstract in with_store[::-1] if swapped else with_store:
            papers.absorb(connection, [PaperRecord(one, abstract)], now=NOW)
        (paper,) = papers.iterate(connection)

    assert (paper.title, paper.abstract) == (title, text)


def test_one_arxiv_paper_at_all_its_hosts_is_one(store: Store, tmp_path: Path) -> None:
    places = (
        *("arxiv.org/abs", "rss.arxiv.org/abs", "browse.arxiv.org/pdf", "hf-mirror.com/papers"),
        *("ar5iv.labs.arxiv.org/html", "hf.co/papers", "www.alphaxiv.org/overview"),
    )
    lines: list[Line] = [
        {
            "title": f"Harbour {n}",
            "abstract": BREAD[n * 20 :],
            "url": f"https://{at}/2608.00077v{n + 1}",
        }
        for n, at in enumerate(places)
    ]

    (paper,) = read(store, tmp_path, lines)

    assert str(paper.identifier) == "arxiv:2608.00077"


def test_organisation_and_links_come_together_and_only_links_that_lead_somewhere(
    store: Store,
) -> None:
    url, project, code = (f"https://example.org/{name}" for name in ("p", "project", "code"))
    odd = ("javascript:alert(1)", "https://[::1", "https://user:pass@example.org/")
    with store.begin() as connection:
        for draft in (
            PaperRecord(TITLE, WHOLE, url="https://[::1", links=(project, *odd)),
            PaperRecord(
                TITLE, WHOLE, url=url, organisation=" Tide\nLab ", links=(code, url, project)
            ),
            PaperRecord(TITLE, WHOLE, organisation="Another Lab"),
        ):
            papers.absorb(connection, [draft], now=NOW)
        (paper,) = papers.iterate(connection)

    assert (paper.url, paper.organisation, paper.links) == (url, "Tide Lab", (project, code))


def test_one_doi_does_not_make_two_arxiv_ids_one_paper(store: Store) -> None:
    doi = Identifier("doi", "10.1000/182")
    first = PaperRecord("Waves in ice", "Ice waves.", (Identifier("arxiv", "2608.00001"), doi))
    second = PaperRecord("Birds in towns", "Birds sing.", (Identifier("arxiv", "2608.00002"), doi))
    with store.begin() as connection:
        one, other = papers.absorb(connection, [first, second], now=NOW)
        (again,) = papers.absorb(connection, [second], now=NOW)

    assert one.paper_id != other.paper_id
    assert (again.paper_id, again.what) == (other.paper_id, MatchOutcome.KNOWN)
