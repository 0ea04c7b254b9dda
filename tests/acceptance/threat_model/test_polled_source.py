"""Tests what a source can do that the operator polls: a blog whose owner is hostile."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.sources.polling_helpers import FRIDAY, HF_DAILY, QUICK, Polling
from tests.helpers.sources.source_server import Reply, SourceServer, paper

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.domain import Identifier
from larkpost.fetch import pages
from larkpost.ingest.dump_limits import MOST_NEW_CHARACTERS, MOST_OF_OTHERS
from larkpost.settings.polled_sources import PolledSource
from larkpost.text.record_limits import AUTHORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from larkpost.domain import Paper

ITEM = paper(1, day=FRIDAY.date())
OURS = Identifier("arxiv", "2608.00001")
SPAM = "Buy pills now at evil.example, where they are cheap. " * 20


@pytest.fixture
def polling(sqlite_url: str) -> Iterator[Polling]:
    """Poll a blog, and the daily list, which has one paper."""
    store = Store(sqlite_url)
    with SourceServer(today=FRIDAY.date()) as server:
        server.days[FRIDAY.date()] = [ITEM]
        blog = PolledSource("a-blog", f"{server.url}/blog", None, allow_private=True)
        yield Polling(store, server, (HF_DAILY, blog))
    store.close()


def answer(polling: Polling, body: str) -> list[str]:
    """Let the blog answer, an hour later; return the warnings about its answer."""
    polling.server.routes["/blog"] = Reply(body.encode())
    polling.now += timedelta(hours=1)
    reports = [one for result in polling.poll(hours=1) for one in result.reports]
    return [warning for report in reports for warning in report.warnings]


def rss(title: str, text: str) -> str:
    return (
        '<rss version="2.0"><channel><title>A blog</title><item>'
        f"<title>{title}</title><link>https://arxiv.org/abs/{OURS.value}</link>"
        f"<description>{text}</description></item></channel></rss>"
    )


def titles(start: int, count: int) -> str:
    return "".join(
        f'{{"title": "Lanterns of {n} harbours"}}\n' for n in range(start, start + count)
    )


def flood(polling: Polling, start: int) -> tuple[int, str]:
    """Let the blog answer with many short titles in gzip; return its new papers and its problem."""
    body = titles(start, MOST_OF_OTHERS + 500).encode()
    return blog_answers(polling, gzip.compress(body))


def blog_answers(polling: Polling, body: bytes) -> tuple[int, str]:
    polling.server.routes["/blog"] = Reply(body)
    polling.now += timedelta(hours=1)
    (result,) = (one for one in polling.poll(hours=1) if one.source.name == "a-blog")
    return result.new, str(result.problem.problem) if result.problem else ""


def packed(count: int) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.jsonl", titles(number, 1))
    return body.getvalue()


def mail_folder(count: int) -> bytes:
    links = (
        f'<a href="https://arxiv.org/abs/2608.{n:05}">The Lanterns of {n} Northern Harbours</a>'
        for n in range(count)
    )
    mails = (
        "From a@b.example Fri Aug  7 08:00:00 2026\nFrom: a@b.example\nMIME-Version: 1.0\n"
        f"Content-Type: text/html\n\n{link}\n\n"
        for link in links
    )
    return "".join(mails).encode()


def line(**changed: object) -> str:
    return json.dumps({"id": str(OURS), "title": "Buy pills now", "abstract": SPAM} | changed)


def listed(polling: Polling) -> Paper:
    with polling.store.read() as connection:
        found = papers.by_identifier(connection, OURS)
    assert found is not None
    return found


@pytest.mark.parametrize("make", [packed, mail_folder])
def test_an_archive_or_a_folder_of_mails_is_not_read(
    polling: Polling, make: Callable[[int], bytes]
) -> None:
    """Each file in one may take seconds: 160 pages in 60 kB took minutes."""
    assert blog_answers(polling, make(3)) == (0, "shape")


@pytest.mark.parametrize(
    "body",
    [
        rss("Buy pills now, cheap cheap", SPAM),
        rss("x", "This paper has been withdrawn by the author"),
        rss(str(ITEM["title"]), SPAM),
        rss(str(ITEM["title"]), "This paper has been withdrawn by the author"),
        line(version=9999, authors=["Evil"] * 50, url="https://evil.example/"),
        line(title=ITEM["title"], withdrawn=True, first_seen="2020-01-01"),
        line(title=ITEM["title"], version=2, authors=["Evil"] * 50, url="https://evil.example/"),
    ],
)
def test_a_blog_neither_rewrites_nor_withdraws_a_paper_that_it_names(
    polling: Polling, body: str
) -> None:
    polling.poll()
    before = listed(polling)

    answer(polling, body)

    after = listed(polling)
    for field in ("title", "abstract", "authors", "url", "version", "withdrawn", "first_seen"):
        assert getattr(after, field) == getattr(before, field), field
    assert after.updated == before.updated


@pytest.mark.parametrize("changed", [{}, {"version": 9999}, {"withdrawn": True}])
def test_what_a_blog_says_of_a_paper_first_lasts_until_the_paper_is_listed(
    polling: Polling, changed: dict[str, object]
) -> None:
    days, polling.server.days = polling.server.days, {}
    answer(polling, line(url="https://evil.example/", authors=["Evil"] * 50, **changed))
    assert listed(polling).title == "Buy pills now"

    polling.server.days = days
    polling.poll(hours=2)

    after = listed(polling)
    assert (after.title, after.authors) == (ITEM["title"], ("Ada Author1",))
    assert "pills" not in after.abstract
    assert (after.url, after.withdrawn) == (f"https://arxiv.org/abs/{OURS.value}", False)


def test_a_blog_that_copies_a_list_before_it_is_polled_does_not_rewrite_its_papers(
    polling: Polling,
) -> None:
    days, polling.server.days = polling.server.days, {}
    answer(polling, json.dumps([ITEM]))
    assert listed(polling).title == ITEM["title"]

    polling.server.days = days
    polling.poll(hours=2)
    answer(polling, line())

    assert listed(polling).title == ITEM["title"]
    assert "pills" not in listed(polling).abstract


def test_a_blog_that_redirects_to_searches_of_arxiv_is_limited_like_any_blog(
    polling: Polling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "is_authoritative", lambda *_: True)

    assert flood(polling, 0) == (MOST_OF_OTHERS, "")
    assert flood(polling, 10_000) == (0, "too-large")


def test_a_blog_does_not_use_up_what_another_may_add(polling: Polling) -> None:
    other = PolledSource("journal", f"{polling.server.url}/journal", None, allow_private=True)
    polling.sources = (*polling.sources, other)
    polling.client = replace(polling.client, limits=replace(QUICK, size=2 * MOST_NEW_CHARACTERS))
    authors = ["x" * AUTHORS.longest] * AUTHORS.most
    few = MOST_NEW_CHARACTERS // (AUTHORS.longest * AUTHORS.most) + 1

    def write(start: int, **changed: object) -> bytes:
        numbers = range(start, start + few)
        return "\n".join(
            line(id=f"doi:10.1234/{n}", title=f"Lanterns of {n} harbours", abstract="", **changed)
            for n in numbers
        ).encode()

    polling.server.routes["/journal"] = Reply(write(0))
    polling.poll(hours=2)
    assert blog_answers(polling, write(0, authors=authors)) == (0, "")
    assert blog_answers(polling, write(0, authors=authors[1:])) == (0, "too-large")

    polling.server.routes["/journal"] = Reply(write(1_000))
    (result,) = (one for one in polling.poll(hours=2) if one.source.name == "journal")

    assert (result.new, result.problem) == (few, None)


def test_a_blog_with_endless_lists_is_cut_and_the_operator_is_told(polling: Polling) -> None:
    polling.poll()
    many = [f"x:{number}" for number in range(30_000)]
    lists = dict.fromkeys(("also", "authors", "categories", "keywords"), many)

    told = answer(polling, line(title=ITEM["title"], **lists))

    with polling.store.read() as connection:
        paper_id = listed(polling).id
        names = [name for name, _ in papers.names(connection, [paper_id])]
    assert len(names) <= 60
    assert any("“also” has 30,000 entries; the first 50 are read" in one for one in told)
    after = listed(polling)
    assert max(map(len, (after.authors, after.categories, after.keywords))) <= 50


def test_a_blog_that_names_other_papers_each_hour_fills_no_paper_with_names(
    polling: Polling,
) -> None:
    polling.poll()
    for hour in range(4):
        also = [f"x{hour}:{number}" for number in range(50)]
        answer(polling, line(title=ITEM["title"], abstract=ITEM["summary"], also=also))

    with polling.store.read() as connection:
        names = [name for name, _ in papers.names(connection, [listed(polling).id])]
    assert [name.scheme for name in names if name.scheme.startswith("x")] == []


def test_a_flood_of_papers_ends_at_the_limit_of_an_answer_and_of_a_day(polling: Polling) -> None:
    assert flood(polling, 0) == (MOST_OF_OTHERS, "")
    assert flood(polling, 10_000) == (0, "too-large")

    polling.now += timedelta(days=1)
    assert flood(polling, 20_000) == (MOST_OF_OTHERS, "")


def test_a_flood_of_long_texts_ends_at_the_limit_of_a_day(polling: Polling) -> None:
    authors = ["x" * AUTHORS.longest] * AUTHORS.most
    each = AUTHORS.longest * AUTHORS.most
    few = MOST_NEW_CHARACTERS // each + 1
    polling.client = replace(polling.client, limits=replace(QUICK, size=2 * MOST_NEW_CHARACTERS))
    for start, problem in ((0, ""), (few, "too-large")):
        lines = [line(id=None, title=f"Lanterns {start + n}", authors=authors) for n in range(few)]
        assert blog_answers(polling, "\n".join(lines).encode())[1] == problem


def test_a_flood_of_changed_texts_ends_at_the_limit_of_a_day(polling: Polling) -> None:
    authors = ["x" * AUTHORS.longest] * AUTHORS.most
    few = MOST_NEW_CHARACTERS // (2 * AUTHORS.longest * AUTHORS.most)
    polling.client = replace(polling.client, limits=replace(QUICK, size=2 * MOST_NEW_CHARACTERS))

    def change(text: str) -> tuple[int, str]:
        each = (
            line(id=None, title=f"Lanterns {n}", abstract=f"{SPAM} {text}", authors=authors)
            for n in range(few)
        )
        return blog_answers(polling, "\n".join(each).encode())

    assert change("first") == (few, "")
    assert change("second") == (0, "")
    assert change("third") == (0, "too-large")
