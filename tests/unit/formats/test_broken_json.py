"""Tests that lines of broken JSON cost little: each is decoded once."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from larkpost.domain import RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats import json_items
from larkpost.formats.jsonl import Jsonl


def test_a_line_with_a_broken_object_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    real = json_items._DECODER

    class CountingDecoder(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[object, int]:
            decoded.append(s)
            return real.raw_decode(s, idx)

    monkeypatch.setattr(json_items, "_DECODER", CountingDecoder())

    paper, *rejected = Jsonl().read(BytesIO(b'{"title": "One"}\n' + b"{\n" * 100))

    assert len(decoded) == 101
    assert len(rejected) == 100
    assert {one.line for one in rejected if isinstance(one, RejectedRecord)} == set(range(2, 102))
    assert not isinstance(paper, RejectedRecord)


@pytest.mark.parametrize("element", ["[],", "{},"])
def test_millions_of_lists_are_not_decoded(element: str) -> None:
    many = element * (json_items.MOST_BRACKETS + 1)

    with pytest.raises(UnreadableDump, match="more than 1,500,000 lists and objects"):
        list(Jsonl().read(BytesIO(f'[{{"title": "x", "a": [{many}0]}}]'.encode())))
