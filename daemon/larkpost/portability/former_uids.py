"""Imports the uids of papers that were merged into others: entries of feeds link to these uids."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from larkpost.db import papers
from larkpost.db.matching import former_papers
from larkpost.db.value_batches import batches
from larkpost.errors import UsageError
from larkpost.portability.reader_records import read_uid
from larkpost.text.identifiers import find_identifier
from larkpost.text.normalize import shorten

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Identifier
    from larkpost.portability.import_lines import ImportReport

KEY = "former_uids"
_MARK = f'"{KEY}"'.encode()


def take_former_uids(store: Store, path: Path, tally: ImportReport) -> None:
    """Import the ``former_uids`` of the lines of papers, after the papers themselves."""
    with path.open("rb") as file:
        for some in batches(_read(file, tally)):
            with store.begin() as connection:
                owners = papers.owners(connection, {name for _, names in some for name in names})
                led = {
                    uid: owners[name]
                    for uid, names in some
                    if (name := next((one for one in names if one in owners), None))
                }
                former_papers.add_uids(connection, led)


def _read(file: Iterable[bytes], tally: ImportReport) -> Iterator[tuple[str, list[Identifier]]]:
    """Yield each former uid with the identifiers of its paper; invalid ones become remarks."""
    for number, line in enumerate(file, 1):
        if _MARK in line and isinstance(given := _parse(line), dict):
            names = _names([given.get("id"), *_list(given.get("also"))])
            for uid in _list(given.get(KEY)):
                try:
                    yield read_uid(uid), names
                except UsageError:
                    what = shorten(str(uid), 80)
                    tally.remarks.append((number, f"“{what}” in {KEY} is not a uid; left out"))


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _names(given: list[object]) -> list[Identifier]:
    return [name for one in given if (name := find_identifier(str(one)))]
