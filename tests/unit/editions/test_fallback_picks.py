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
