"""Tests what a reader can do with the link to their own page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

import pytest
from tests.helpers.web.site_client import NOW, contents

from larkpost.db import papers, readers, votes
from larkpost.db.private import private_upsert
from larkpost.domain import PaperRecord, Thumb
from larkpost.errors import UnknownReader
from larkpost.readers import record_votes
from larkpost.token_routes import SIGNED, Purpose

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

    from larkpost.domain import Reader

PAGES = ("", "/start", "/rate", "/taste", "/export.jsonl", "/delete")


@pytest.fixture
def theirs(here: Place, other: Reader) -> str:
    """Return the path of the page of the other reader, who is the attacker."""
    return here.path(here.program.links.page(other))


class TestReader:
    """Somebody with a page of their own, and designs on others."""

    def test_sees_nothing_of_another_reader(
        self, here: Place, theirs: str, secrets: list[str]
    ) -> None:
        here.client.post(here.vote_path(1, "up"))

        said = "".join(here.client.get(theirs + tail).text for tail in PAGES)

        assert [secret for secret in secrets if secret in said] == []

    def test_gets_only_what_is_their_own_in_an_export(
        self, here: Place, theirs: str, other: Reader
    ) -> None:
        record_votes.cast(
            here.program.store, other.id, here.papers[1].id, Thumb.UP, source="test", now=NOW
        )
        here.client.post(here.vote_path(1, "up"))

        lines = here.client.get(f"{theirs}/export.jsonl").text.splitlines()

        told = [json.loads(line) for line in lines]
        assert str(other.address) in lines[0]
        assert here.papers[1].title in "".join(lines)
        assert here.papers[0].title not in "".join(lines)
        assert len(told) == len(lines) > 1

    def test_votes_for_nobody_else(self, here: Place, theirs: str, other: Reader) -> None:
        form = {"action": "vote", "paper": str(here.papers[0].id), "thumb": "down"}
        form |= {"reader": str(here.reader.id), "reader_id": str(here.reader.id)}

        assert here.client.post(theirs, data=form).status_code == 200

        with here.program.store.read() as connection:
            assert votes.of(connection, here.reader.id) == []
            assert [one.thumb for one in votes.of(connection, other.id)] == [Thumb.DOWN]

    def test_changes_no_paper_by_bringing_it(self, here: Place, theirs: str) -> None:
        first = here.papers[0]
        mine = (
            f"@article{{k, title={{{first.title}}}, abstract={{Cheap}}, url={{http://e.example}}}}"
        )

        assert here.client.post(f"{theirs}/start", data={"text": mine}).status_code == 200

        with here.program.store.read() as connection:
            assert papers.get(connection, [first.id])[first.id] == first

    def test_votes_on_no_paper_that_another_reader_brought(self, here: Place, theirs: str) -> None:
        draft = PaperRecord("Known to one reader alone", first_seen=NOW)
        with here.program.store.begin() as connection:
            (brought,) = private_upsert.bring(connection, here.reader.id, [draft], now=NOW)
        record_votes.cast(
            here.program.store, here.reader.id, brought.paper_id, Thumb.UP, source="test", now=NOW
        )
        form = {"action": "vote", "paper": str(brought.paper_id), "thumb": "up"}

        assert here.client.post(theirs, data=form).status_code == 404
        assert "Known to one" not in here.client.get(theirs).text

    def test_opens_no_page_of_the_operator(self, here: Place, theirs: str) -> None:
        token = theirs.rpartition("/")[2]

        assert here.client.get(f"/admin/{token}").status_code == 404
        assert "/admin/" not in here.client.get(theirs).text

    def test_is_gone_with_their_links_after_deleting(
        self, here: Place, theirs: str, other: Reader
    ) -> None:
        feed = here.path(here.program.links.feed(other, "rss"))
        assert here.client.get(feed).status_code == 200

        assert here.client.post(f"{theirs}/delete", data={"sure": "yes"}).status_code == 200

        links = here.program.links
        for path in (theirs, here.path(links.leave(other)), here.path(links.confirm(other)), feed):
            assert here.client.get(path).status_code == 404, path
        with here.program.store.read() as connection, pytest.raises(UnknownReader):
            readers.get(connection, other.id)

    def test_deletes_nobody_else(self, here: Place, theirs: str) -> None:
        form = {"sure": "yes", "reader": str(here.reader.id), "token": "x"}

        here.client.post(f"{theirs}/delete", data=form)

        assert here.current() == here.reader

    @pytest.mark.parametrize("purpose", get_args(Purpose))
    def test_opens_with_a_token_of_one_purpose_nothing_of_another(
        self, here: Place, purpose: Purpose
    ) -> None:
        tokens, reader = here.program.tokens, here.reader
        right = {"edition": here.program.links.edition(here.edition).rpartition("/")[2]}
        numbers = tokens.verify("edition", right["edition"])
        forged = [tokens.sign(purpose, *numbers), tokens.sign(purpose, reader.id, numbers[1])]
        before = contents(here.program.store)

        for place, opens in SIGNED.items():
            if purpose in {opens, *(["thumbs"] if place == "edition" else [])}:
                continue  # a session that shows thumbs opens the edition as well
            tail = "/1/up" if place == "vote" else ""
            for token in forged:
                for method in ("GET", "POST"):
                    answer = here.client.request(method, f"/{place}/{token}{tail}")
                    assert answer.status_code in {404, 405}, (place, method)
        for token in forged:
            assert here.client.get(f"/feed/{token}.rss").status_code == 404

        assert contents(here.program.store) == before

    @pytest.mark.parametrize(
        "named",
        ["10.5555/private.1", "@article{k, title={Known to one reader alone}, year=2020}"],
        ids=["by-its-doi", "by-its-title"],
    )
    def test_reads_no_paper_that_another_reader_brought(
        self, here: Place, theirs: str, named: str
    ) -> None:
        own = here.path(here.program.links.page(here.reader))
        brought = (
            "title={Known to one reader alone}, abstract={Secret sauce}, doi={10.5555/private.1}"
        )
        here.client.post(f"{own}/start", data={"text": f"@article{{k, {brought}}}"})

        here.client.post(f"{theirs}/start", data={"text": named})

        pages = ("", "/start", "/rate", "/taste", "/export.jsonl")
        assert "Secret sauce" not in "".join(here.client.get(theirs + tail).text for tail in pages)
        assert "Secret sauce" in here.client.get(f"{own}/export.jsonl").text

    def test_makes_no_model_stale_by_bringing_papers(self, here: Place, theirs: str) -> None:
        program = here.program
        before = program.spaces.newest(program.store, program.ranker)

        form = {"text": "@article{k, title={A title of mine}, year=2020}"}
        here.client.post(f"{theirs}/start", data=form)
        here.fit()

        assert program.spaces.newest(program.store, program.ranker) is before
