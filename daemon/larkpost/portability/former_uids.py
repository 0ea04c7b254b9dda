"""Imports the uids of papers that were merged into others: entries of feeds link to these uids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from larkpost.db import papers
from larkpost.db.matching import former_papers
from larkpost.db.value_batches import batches
from larkpost.errors import UsageError
from larkpost.portability.reader_records import read_uid
from larkpost.text.identifiers import parse_identifier

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Identifier

KEY = "former_uids"
_MARK = f'"{KEY}"'.encode()


def take_former_uids(store: Store, path: Path) -> None:
    """Import the ``former_uids`` of the lines of papers, after the papers themselves."""
    with path.open("rb") as file:
        for some in batches(_read(file)):
            with store.begin() as connection:
                owners = papers.owners(connection, {name for _, names in some for name in names})
                led = {
                    uid: owners[name]
                    for uid, names in some
                    if (name := next((one for one in names if one in owners), None))
                }
                former_papers.add_uids(connection, led)


def _read(file: Iterator[bytes]) -> Iterator[tuple[str, list[Identifier]]]:
    """Yield each former uid with the identifiers of its paper; invalid ones are skipped."""
    for line in file:
        if _MARK in line and isinstance(given := _parse(line), dict):
            names = _names([given.get("id"), *_list(given.get("also"))])
            for uid in _list(given.get(KEY)):
                try:
                    yield read_uid(uid), names
                except (UsageError, ValueError, TypeError):
                    continue


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _names(given: list[object]) -> list[Identifier]:
    names = []
    for one in given:
        try:
            names.append(parse_identifier(str(one)))
        except UsageError:
            continue
    return names
