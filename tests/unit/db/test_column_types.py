"""Tests how columns are read."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.dialects import sqlite

from larkpost.db.column_types import TextList


def test_a_list_without_a_text_is_read_without_parsing() -> None:
    parsed: list[str] = []

    def parse(text: str) -> Any:
        parsed.append(text)
        return json.loads(text)

    dialect = sqlite.dialect(json_deserializer=parse)
    read = TextList().result_processor(dialect, None)

    assert read is not None
    stored = ('["one", "two"]', "[]", "null", None)
    assert [read(text) for text in stored] == [("one", "two"), (), None, None]
    assert parsed == ['["one", "two"]']
