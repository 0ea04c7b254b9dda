"""Tests the links of a forwarded newsletter, each used alone by another person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW, contents

from larkpost.domain import Status, Thumb
from larkpost.readers import record_votes

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

PAGES = ("", "/start", "/rate", "/taste", "/export.jsonl", "/delete")


@pytest.fixture
def edition(here: Place) -> str:
    """Return the path of the edition in the browser, as in messages and feeds."""
    return here.path(here.program.links.edition(here.edition))


@pytest.fixture
def leave(here: Place) -> str:
    """Return the path to unsubscribe."""
    return here.path(here.program.links.leave(here.reader))


class TestForwardedMessage:
    """Whoever has an edition's link, a vote link, the link to leave, or a feed's address."""

    def test_an_edition_link_shows_papers_and_no_address_name_or_link_to_more(
        self, here: Place, edition: str
    ) -> None:
        page = here.client.get(edition)

        assert here.papers[0].title in page.text
        own = here.program.links.page(here.reader).rpartition("/")[2]
        for secret in (str(here.reader.address), own, here.reader.feed_key, here.reader.uid):
            assert secret not in page.text

    @pytest.mark.parametrize("tail", PAGES)
    def test_an_edition_link_opens_no_page_of_the_reader(
        self, here: Place, edition: str, tail: str
    ) -> None:
        token = edition.rpartition("/")[2]
        before = contents(here.program.store)

        for method in ("GET", "POST"):
            form = {"action": "renew", "sure": "yes"} if method == "POST" else None
            answer = here.client.request(method, f"/me/{token}{tail}", data=form)
            assert answer.status_code in {404, 405}

        assert contents(here.program.store) == before

    @pytest.mark.parametrize("place", ["vote/{}/1/up", "leave/{}", "confirm/{}", "feed/{}.rss"])
    def test_an_edition_link_casts_no_vote_leaves_nothing_and_is_no_feed(
        self, here: Place, edition: str, place: str
    ) -> None:
        path = f"/{place.format(edition.rpartition('/')[2])}"
        before = contents(here.program.store)

        statuses = {here.client.request(method, path).status_code for method in ("GET", "POST")}

        assert statuses <= {404, 405}
        assert contents(here.program.store) == before

    def test_a_vote_link_votes_on_the_papers_of_its_edition_and_on_no_other(
        self, here: Place
    ) -> None:
        assert here.client.post(here.vote_path(2, "down")).status_code == 303
        for position in ("4", "0", "-1", "99999999999999999999"):
            path = here.vote_path(1, "up").replace("/1/up", f"/{position}/up")
            assert here.client.post(path).status_code == 404

        assert [here.thumb(position) for position in (1, 2, 3)] == [None, Thumb.DOWN, None]

    def test_a_vote_link_opens_no_page_and_no_address(self, here: Place) -> None:
        path = here.vote_path(1, "up")
        token = path.split("/")[2]

        page = here.client.get(path).text
        statuses = {here.client.get(f"/me/{token}{tail}").status_code for tail in PAGES}

        assert str(here.reader.address) not in page
        assert here.program.links.page(here.reader).rpartition("/")[2] not in page
        assert statuses == {404}

    def test_the_link_to_leave_ends_and_begins_again_and_shows_a_hint_of_the_address_alone(
        self, here: Place, leave: str
    ) -> None:
        page = here.client.post(leave, data={"List-Unsubscribe": "One-Click"})

        assert page.status_code == 200
        assert here.current().status is Status.LEFT
        assert str(here.reader.address) not in page.text
        token = leave.rpartition("/")[2]
        assert {here.client.get(f"/me/{token}{tail}").status_code for tail in PAGES} == {404}
        assert not re.search(r'href="/(me|feed|edition|vote)/', page.text)

    def test_the_link_to_leave_deletes_nothing(self, here: Place, leave: str) -> None:
        here.client.post(here.vote_path(1, "up"))

        here.client.post(leave, data={"action": "leave", "sure": "yes", "delete": "yes"})

        assert here.thumb(1) is Thumb.UP
        assert here.current().address == here.reader.address

    def test_a_feed_address_is_the_feed_and_no_way_to_the_page(self, here: Place) -> None:
        key = here.reader.feed_key
        bodies = [here.client.get(f"/feed/{key}.{form}").text for form in ("rss", "json", "opml")]

        own = here.program.links.page(here.reader).rpartition("/")[2]
        assert here.papers[0].title in bodies[0]
        for body in bodies:
            assert str(here.reader.address) not in body
            assert own not in body
        assert here.client.get(f"/me/{key}").status_code == 404
        assert here.client.post(f"/feed/{key}.rss").status_code == 405

    def test_a_feed_address_ends_with_a_new_key(self, here: Place) -> None:
        me, key = here.path(here.program.links.page(here.reader)), here.reader.feed_key

        here.client.post(me, data={"action": "renew"})

        assert here.client.get(f"/feed/{key}.rss").status_code == 404

    def test_a_confirmation_that_was_used_shows_no_page(self, here: Place) -> None:
        confirm = here.path(here.program.links.confirm(here.reader))

        for page in (here.client.get(confirm), here.client.post(confirm)):
            assert here.program.links.page(here.reader).rpartition("/")[2] not in page.text

    def test_a_vote_link_tells_no_thumb_that_was_given(self, here: Place) -> None:
        before = here.client.get(here.vote_path(1, "up")).text

        paper = here.papers[0]
        record_votes.cast(
            here.program.store, here.reader.id, paper.id, Thumb.DOWN, source="test", now=NOW
        )

        assert here.client.get(here.vote_path(1, "up")).text == before
