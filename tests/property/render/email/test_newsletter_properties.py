"""Tests for any names that the newsletter has the text of the page and nothing else."""

from __future__ import annotations

import email
import json
from email import policy
from email.message import EmailMessage
from typing import TYPE_CHECKING

import feedparser  # type: ignore[import-untyped]  # it has no types
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.edition_factories import HOSTILE, edition, make_renderer, paper, pick, reader

from larkpost.render.email.newsletter import LIMIT

if TYPE_CHECKING:
    from larkpost.domain import Edition
    from larkpost.interfaces import FeedFormat

RENDERER = make_renderer()
wild = st.one_of(st.text(max_size=200), st.sampled_from(HOSTILE))
papers = st.builds(
    paper,
    st.integers(1, 9),
    title=wild,
    abstract=wild,
    authors=st.lists(wild, max_size=3).map(tuple),
    categories=st.lists(wild, max_size=2).map(tuple),
    url=st.one_of(st.none(), wild),
)
editions = st.builds(
    lambda shown, like, name, terms, note: edition(
        picks=tuple(pick(one, at, like=like, terms=terms) for at, one in enumerate(shown, 1)),
        to=reader(name),
        note=note,
    ),
    st.lists(papers, max_size=4),
    st.one_of(st.none(), papers),
    wild,
    st.lists(wild, max_size=3).map(tuple),
    wild,
)


def by_email_message(text: str, html: str) -> list[str]:
    """Return the text that a recipient reads, by the standard library."""
    message = EmailMessage()
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return read(message.as_bytes(policy=policy.SMTP))


def read(content: bytes) -> list[str]:
    message = email.message_from_bytes(content, policy=policy.default)
    assert not message.defects
    return [part.get_content().replace("\r\n", "\n") for part in message.iter_parts()]


@settings(max_examples=150)
@given(editions)
def test_a_message_reads_like_one_that_the_standard_library_built(shown: Edition) -> None:
    (mailed,) = RENDERER.newsletter([shown])

    text, html = RENDERER.text(shown), RENDERER.html(shown)
    assert read(mailed.content) == by_email_message(text, html) == [text, html]
    assert len(mailed.content) <= LIMIT
    assert all(len(line) <= 78 for line in mailed.content.split(b"\r\n"))


@settings(max_examples=100)
@given(editions)
def test_every_feed_is_well_formed_and_as_long_as_the_edition(shown: Edition) -> None:
    ids = {one.paper.uid for one in shown.picks}

    xml: tuple[FeedFormat, ...] = ("rss", "atom")
    for form in xml:
        parsed = feedparser.parse(RENDERER.feed([shown], form))
        assert not parsed.bozo
        assert len(parsed.entries) == len(ids)
    feed = json.loads(RENDERER.feed([shown], "json"))
    assert len(feed["items"]) == len(ids)
