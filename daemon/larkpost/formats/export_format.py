"""Reads the version of our exchange format from a record's ``"format"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from larkpost.errors import UsageError
from larkpost.text.normalize import one_line, shorten

FIRST = 1  # of records without a format: field names from before tables and columns were renamed
CURRENT = 2


def export_format(record: Mapping[str, Any]) -> int:
    """Return the format of a record, ``FIRST`` if it has none.

    Raises UsageError for an unknown format.
    """
    said = record.get("format")
    if said is None:
        return FIRST
    if isinstance(said, int) and not isinstance(said, bool) and FIRST <= said <= CURRENT:
        return said
    raise UsageError(
        f"“format” is {shorten(one_line(repr(said)), 40)}, but must be {FIRST} or {CURRENT}:"
        " a newer Larkpost wrote it, or another program"
    )
