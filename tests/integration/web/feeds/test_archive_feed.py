"""Tests the public archive as a feed in months, followed from the newest days to the first."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from tests.helpers.web.site_client import BASE, place

from larkpost.db import papers
from larkpost.domain import Identifier, PaperRecord
from larkpost.web.public import feeds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
MONTHS = {(2026, 2): 2, (2026, 5): 7, (2026, 6): 1, (2026, 8): 9}  # how many papers came in each
FORMS = ("rss", "atom", "json")


@pytest.fixture
def here(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(feeds, "ARCHIVE_ENTRIES", 4)
    monkeypatch.setattr(feeds, "MONTH_ENTRIES", 3)
    with place(tmp_path, database_url) as opened:
        drafts = [
            PaperRecord(
                title=f"{month}/{number}: {chr(97 + number) * 9} {chr(65 + month) * 9}",
                identifiers=(Identifier("arxiv", f"26{month:02}.{number:05}"),),
                first_seen=datetime(year, month, 1 + number, 12, tzinfo=UTC),
            )
            for (year, month), count in MONTHS.items()
            for number in range(count)
        ]
        opened.clock.now = datetime(2026, 8, 20, tzinfo=UTC)
        with opened.program.store.begin() as connection:
            papers.absorb(connection, drafts, now=opened.clock.now)
        yield opened


def read(here: Place, address: str) -> tuple[dict[str, str], set[str], bool]:
    """Read a document: where it leads, its entries' ids, and whether it says it is archived."""
    answer = here.client.get(here.path(address))
    assert answer.status_code == 200
    root = ET.fromstring(answer.content)  # noqa: S314 - our own feed
    head = root if root.tag == f"{ATOM}feed" else root[0]
    rels = {link.get("rel", ""): link.get("href", "") for link in head.findall(f"{ATOM}link")}
    assert rels["self"] == address
    ids = [
        one.text or ""
        for tag in (f"{ATOM}entry/{ATOM}id", "item/guid")
        for one in head.findall(tag)
    ]
    return rels, set(ids), head.find(f"{HISTORY}archive") is not None


def everything(here: Place) -> set[str]:
    with here.program.store.read() as connection:
        return {f"urn:uuid:{paper.uid}" for paper in papers.iterate(connection)}


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_the_months_lead_from_the_newest_that_is_over_to_the_first_and_back(
    here: Place, form: str
) -> None:
    front = f"{BASE}/archive.{form}"
    address: str | None = read(here, front)[0]["prev-archive"]
    chain: list[str] = []

    while address:
        rels, ids, archived = read(here, address)
        assert archived
        assert 0 < len(ids) <= 3
        assert rels["current"] == front
        assert rels.get("next-archive") == (chain[-1] if chain else None)
        chain.append(address)
        address = rels.get("prev-archive")

    assert [one.removeprefix(f"{BASE}/archive/") for one in chain] == [
        f"2026-06.{form}",
        f"2026-05.{form}",
        f"2026-05.{form}?page=2",
        f"2026-05.{form}?page=3",
        f"2026-02.{form}",
    ]


def test_all_documents_together_have_every_paper(here: Place) -> None:
    found: set[str] = set()
    waiting, seen = [f"{BASE}/archive.atom"], set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        rels, ids, archived = read(here, address)
        found |= ids
        assert archived == (not address.startswith((f"{BASE}/archive.", f"{BASE}/archive/2026-08")))
        waiting += [
            rels[one] for one in ("next", "prev-archive") if rels.get(one, address) not in seen
        ]

    assert found == everything(here)


def test_a_json_feed_leads_through_every_paper_by_next_url(here: Place) -> None:
    found: set[str] = set()
    address: str | None = f"{BASE}/archive.json"
    while address:
        document: dict[str, Any] = json.loads(here.client.get(here.path(address)).content)
        assert document["feed_url"] == address
        found |= {item["id"] for item in document["items"]}
        address = document.get("next_url")

    assert found == everything(here)


def test_a_month_that_is_over_stays_when_papers_come(here: Place) -> None:
    before = here.client.get("/archive/2026-05.atom")
    draft = PaperRecord("Entirely new", first_seen=here.clock.now)
    with here.program.store.begin() as connection:
        papers.absorb(connection, [draft], now=here.clock.now)

    after = here.client.get("/archive/2026-05.atom")

    assert after.content == before.content
    assert after.headers["cache-control"] == "public, max-age=86400"
    assert here.client.get("/archive/2026-08.atom").headers["cache-control"] == feeds.PUBLIC


@pytest.mark.parametrize(
    "name", ["2026-03", "2026-13", "2026-W32", "2026-08-07", "never", "2026-02.atom"]
)
def test_what_is_no_month_with_papers_is_not_found(here: Place, name: str) -> None:
    for form in FORMS:
        assert here.client.get(f"/archive/{name}.{form}").status_code == 404


@pytest.mark.parametrize("page", ["0", "4", "9999", "-1", "two"])
def test_a_page_that_a_month_has_not_is_not_found(here: Place, page: str) -> None:
    assert here.client.get(f"/archive/2026-05.atom?page={page}").status_code == 404
    assert here.client.get("/archive/2026-05.pdf").status_code == 404


def test_an_empty_archive_leads_nowhere_and_a_single_month_is_whole(
    tmp_path: Path, sqlite_url: str
) -> None:
    with place(tmp_path, sqlite_url) as here:  # three papers of one day
        rels, ids, archived = read(here, f"{BASE}/archive.atom")

        assert not archived
        assert len(ids) == 3
        assert rels.keys() == {"self", "alternate"}
