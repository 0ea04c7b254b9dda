"""Tests the picks that need no model."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.helpers.edition_factories import paper, reader
from tests.helpers.factories import NOW

from larkpost.editions import fallback_picks
from larkpost.text.unverified import Unverified


@pytest.mark.parametrize("supplied", [Unverified.NONE, Unverified.ABSTRACT])
def test_of_papers_with_one_title_a_verified_one_is_picked(supplied: Unverified) -> None:
    real = replace(paper(), first_seen=NOW - timedelta(days=2), unverified=supplied)
    copy = replace(real, id=real.id + 1, first_seen=NOW, unverified=Unverified.ALL)

    (pick,) = fallback_picks.choose(reader(), [copy, real], (), (), 10)

    assert pick.paper.id == real.id


def test_of_papers_with_one_title_that_of_each_feed_is_picked() -> None:
    real = replace(paper(), unverified=Unverified.ALL, text_source="source journal")
    copy = replace(real, id=real.id + 1, text_source="source a-blog")
    again = replace(copy, id=real.id + 2)

    picks = fallback_picks.choose(reader(), [copy, real, again], (), (), 10)

    assert {pick.paper.text_source for pick in picks} == {"source journal", "source a-blog"}
    assert len(picks) == 2
