"""Tests for any change that equal ETags mean equal bytes, and that no feed is stale."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.testclient import TestClient
from tests.helpers.web.feed_server import FORMS, NOW, addresses, populate

from larkpost.bootstrap import build
from larkpost.db import papers, readers, votes
from larkpost.domain import Thumb, Vote
from larkpost.settings import load
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larkpost.bootstrap import Program
    from larkpost.interfaces import FeedFormat

BASE = "https://papers.example.org"
# A text and another one of the same length, whose sums and counts are the same as well.
TEXTS = ("Ice and snow of the Andes", "Snow and ice of the Andes")
LISTS = ('["Ada Byron", "Emil Noe"]', '["Emil Noe", "Ada Byron"]')
COLUMNS = {
    **dict.fromkeys(["title", "abstract", "organisation"], TEXTS),
    "url": ("https://a.example/12", "https://a.example/21"),
    "value": ("2608.00001", "2608.00010"),
    **dict.fromkeys(["authors", "categories"], LISTS),
    "links": ('["https://a.example/1"]', '["https://a.example/2"]'),
    "withdrawn": (0, 1),
    "upvotes": (1, 2),
}

corrections = st.tuples(st.just("paper"), st.sampled_from(sorted(COLUMNS)), st.integers(0, 1))
others = st.tuples(
    st.sampled_from(["reader", "interest", "weekly", "vote", "why", "title", "base", "time"]),
    st.just(""),
    st.integers(0, 1),
)
changes = st.lists(st.one_of(corrections, others), min_size=1, max_size=4)


@dataclass
class Asked:
    """A site, asked by somebody who keeps the bytes of every tag."""

    home: Path
    form: FeedFormat
    flags: dict[str, str] = field(default_factory=lambda: {"site.base_url": BASE})
    now: Any = NOW
    seen: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.program = self._build()
        with self.program.store.read() as connection:
            (self.reader,) = readers.all(connection)
            self.papers = list(papers.get(connection, [1, 2]))
        self.client = self._client(self.program)

    def _build(self) -> Program:
        return build(load(home=self.home, flags=self.flags))

    def _client(self, program: Program) -> TestClient:
        return TestClient(app(program, clock=lambda: self.now), base_url=BASE)

    def paths(self) -> Iterator[str]:
        """Return every address of a feed."""
        for address in addresses(self.program.links, self.reader, self.form).values():
            yield "/" + address.split("/", 3)[3]
        yield "/" + self.program.links.opml(self.reader).split("/", 3)[3]

    def restart(self) -> None:
        """Build the program anew, with other settings."""
        self.program.store.close()
        self.program = self._build()
        self.client = self._client(self.program)

    def check(self) -> None:
        """Ask for every feed: what has an earlier tag has the earlier bytes."""
        for path in self.paths():
            answer = self.client.get(path)
            known = self.seen.setdefault((path, answer.headers["etag"]), answer.content)
            assert known == answer.content

    def compare(self) -> None:
        """Ask for every feed, and ask a program for it that remembers nothing."""
        program = self._build()
        fresh = self._client(program)
        for path in self.paths():
            ours, theirs = self.client.get(path), fresh.get(path)
            assert ours.content == theirs.content
            assert ours.headers["etag"] == theirs.headers["etag"]
        program.store.close()

    def change(self, what: str, column: str, which: int) -> None:
        """Change something that a feed may show."""
        if what in {"title", "base"}:
            told = {"title": f"Lark {which}", "base": f"https://{which}.example.org"}[what]
            self.flags |= {"site.title" if what == "title" else "site.base_url": told}
            self.restart()
        elif what == "time":
            self.now += timedelta(minutes=7)
        else:
            self._write(what, column, which)

    def _write(self, what: str, column: str, which: int) -> None:
        statements = {
            "reader": ("UPDATE reader SET name = :value", ("Ada", "Abe")),
            "interest": ("UPDATE interest SET name = :value WHERE id = 1", ("north", "south")),
            "weekly": ("UPDATE reader SET weekly = :value", (0, 1)),
            "why": ("UPDATE pick SET interest = :value WHERE position = 1", ("east", "west")),
        }
        with self.program.store.begin() as connection:
            if what == "vote":
                thumb = Thumb.UP if which else Thumb.DOWN
                vote = Vote(self.reader.id, self.papers[which], thumb, self.now, "web")
                votes.cast(connection, vote)
                return
            if what == "paper":
                values: tuple[Any, ...] = COLUMNS[column]
                statement = f"UPDATE paper SET {column} = :value WHERE id = 2"  # noqa: S608 - a name of ours
            else:
                statement, values = statements[what]
            connection.execute(text(statement), {"value": values[which]})
            self.reader = readers.get(connection, self.reader.id)


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with a reader and their editions, to copy from."""
    home = tmp_path_factory.mktemp("populated") / "home"
    program = build(load(home=home, flags={"site.base_url": BASE}))
    program.prepare()
    populate(program.store)
    program.store.close()
    return home


@settings(max_examples=10)
@given(st.sampled_from(FORMS), changes)
def test_equal_tags_mean_equal_bytes_whatever_changes(
    populated: Path, form: FeedFormat, some: list[tuple[str, str, int]]
) -> None:
    with TemporaryDirectory() as folder:
        site = Asked(shutil.copytree(populated, Path(folder) / "home"), form)
        try:
            site.check()
            for change in some:
                site.change(*change)
                site.check()
            site.compare()
        finally:
            site.client.close()
            site.program.store.close()
