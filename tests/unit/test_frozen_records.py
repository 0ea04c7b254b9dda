"""Copies of frozen records are what ``dataclasses.replace`` makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from larkpost.domain import Identifier, PaperRecord
from larkpost.frozen_records import copy_with

NOW = datetime(2026, 8, 7, 9, tzinfo=UTC)
RECORD = PaperRecord(title="a", abstract="b", identifiers=(Identifier("arxiv", "2508.13426"),))


def test_a_copy_has_the_changes_and_everything_else_and_the_original_has_neither() -> None:
    made = copy_with(RECORD, first_seen=NOW, title="c")
    assert made == replace(RECORD, first_seen=NOW, title="c")
    assert RECORD.title == "a"


def test_a_field_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError):
        copy_with(RECORD, colour="red")
