"""Tests the links that a reader's own page shows and renews: its own, and the feed's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.helpers.web.site_client import BASE, NOW

from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place


def test_a_feed_is_switched_off_and_on_again_with_another_key(here: Place, me: str) -> None:
    others = subscriptions.add(here.program.store, None, now=NOW), here.reader
    for other in others:  # the column is unique, and no key is no value of it
        subscriptions.change(here.program.store, other.id, now=NOW, feed="end")
    subscriptions.change(here.program.store, here.reader.id, now=NOW, feed="renew")
    old = here.current().feed_key
    assert here.client.get(f"/feed/{old}.rss").status_code == 200

    off = here.client.post(me, data={"action": "silence"})
    page = here.client.get(f"{me}?done=silenced").text
    dead = [here.client.get(f"/feed/{key}.rss") for key in (old, "unknown", "off:", "")]
    again = here.client.post(me, data={"action": "renew"})

    assert off.headers["location"] == f"{me}?done=silenced"
    assert "Your feed is switched off" in page
    assert "Switch on the feed" in page
    assert "/feed/" not in page
    assert [answer.status_code for answer in dead] == [404] * 4
    assert len({answer.text for answer in dead}) == 1
    assert again.headers["location"] == f"{me}?done=renewed"
    assert here.current().feed_key not in ("", old)
    assert here.client.get(f"/feed/{here.current().feed_key}.rss").status_code == 200
    assert here.client.get(f"/feed/{old}.rss").status_code == 404


def test_new_feed_addresses_end_the_old_ones(here: Place, me: str) -> None:
    answer = here.client.post(me, data={"action": "renew"})

    assert answer.headers["location"] == f"{me}?done=renewed"
    assert here.client.get(f"/feed/{here.reader.feed_key}.rss").status_code == 404
    assert here.client.get(f"/feed/{here.current().feed_key}.rss").status_code == 200


def test_a_new_link_to_the_page_ends_all_older_ones(here: Place, me: str) -> None:
    links = here.program.links

    answer = here.client.post(me, data={"action": "relink"})
    new = answer.headers["location"].removesuffix("?done=relinked")

    assert answer.status_code == 303
    assert new == here.path(links.page(here.current()))
    shown = here.client.get(answer.headers["location"])
    assert "This page has a new link" in shown.text
    assert f"{BASE}{new}" in shown.text
    forged = here.client.get("/me/forged")
    for path in ("", "/start", "/rate", "/taste", "/export.jsonl", "/delete"):
        gone = here.client.get(f"{me}{path}")
        assert gone.status_code == 404
        assert gone.text == forged.text
    assert here.client.post(me, data={"action": "relink"}).status_code == 404
    assert here.client.get(here.path(links.leave(here.reader))).status_code == 200
    assert here.client.post(here.vote_path(1, "up")).status_code == 303


def test_each_new_link_is_another_one_and_messages_carry_the_newest(here: Place, me: str) -> None:
    seen = {me}
    for _ in range(3):
        page = here.path(here.program.links.page(here.current()))
        here.client.post(page, data={"action": "relink"})
        seen.add(here.path(here.program.links.page(here.current())))

    assert len(seen) == 4
    statuses = sorted(here.client.get(one).status_code for one in seen)
    assert statuses == [200, 404, 404, 404]
    message = here.program.renderer.html(replace(here.edition, reader=here.current()))
    assert here.program.links.page(here.current()) in message
