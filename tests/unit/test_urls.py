"""Tests the URLs that are made for readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.helpers.edition_factories import reader

from larkpost.domain import Edition, Thumb
from larkpost.errors import InvalidToken
from larkpost.tokens import Tokens
from larkpost.urls import UrlBuilder, open_token, stamp

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)
READER = replace(reader(), id=4, feed_key="k3y")
EDITION = Edition(id=9, reader=READER, date=date(2026, 8, 7), published_at=NOW, picks=())
TOKENS = Tokens([bytes(32)])
LINKS = UrlBuilder("https://papers.example.org/lark/", TOKENS)
BASE = "https://papers.example.org/lark"


def test_every_link_starts_with_the_configured_address() -> None:
    links = [
        LINKS.front(),
        LINKS.vote(EDITION, 3, Thumb.UP),
        LINKS.edition(EDITION),
        LINKS.leave(READER),
        LINKS.page(READER),
        LINKS.confirm(READER),
        LINKS.feed(READER, "rss"),
    ]

    assert [link.startswith(f"{BASE}/") for link in links] == [True] * 7
    assert [link.count("//") for link in links] == [1] * 7


def test_a_vote_link_names_position_and_thumb_after_the_editions_token() -> None:
    up, down = LINKS.vote(EDITION, 3, Thumb.UP), LINKS.vote(EDITION, 3, Thumb.DOWN)

    assert up == f"{LINKS.ballot(EDITION)}/3/up"
    assert down == f"{LINKS.ballot(EDITION)}/3/down"
    assert open_token(TOKENS, "vote", up.split("/")[-3]) == (9, stamp(READER))


def test_a_feed_link_holds_the_feed_key_and_no_token() -> None:
    assert LINKS.feed(READER, "json") == f"{BASE}/feed/k3y.json"


def test_the_page_of_a_reader_is_not_opened_by_the_leave_link() -> None:
    token = LINKS.leave(READER).rpartition("/")[2]

    with pytest.raises(InvalidToken):
        open_token(TOKENS, "page", token)


def test_a_number_given_out_again_has_another_stamp() -> None:
    newcomer = replace(READER, uid="f3a2f5a6-3d0c-4b7c-a1b7-93a1a5b5a7a0")

    assert stamp(newcomer) != stamp(READER)


def test_a_token_with_another_count_of_numbers_opens_nothing() -> None:
    with pytest.raises(InvalidToken):
        open_token(TOKENS, "page", TOKENS.sign("page", 1))


def test_an_unsubscribe_link_fits_on_one_header_line() -> None:
    """RFC 2369 links must not be folded; 998 octets is the limit, 76 what old software likes."""
    token = LINKS.leave(replace(READER, id=1_000_000)).rpartition("/")[2]

    assert len(token) <= 40
