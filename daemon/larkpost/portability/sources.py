"""Imports polled sources that were added by command, from the lines of ``sources.jsonl``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from larkpost.db.polling import polled_sources
from larkpost.db.polling.polled_sources import SourceState
from larkpost.portability.import_lines import ImportReport, read_lines, refusing
from larkpost.portability.record_fields import read_moment
from larkpost.settings.polled_sources import (
    PolledSource,
    read_interval,
    read_source_address,
    read_source_name,
)

if TYPE_CHECKING:
    from larkpost.db.engine import Store


def take_sources(store: Store, path: Path, *, now: datetime) -> ImportReport:
    """Import sources, which are due at once; a source is unchanged if its address exists already.

    A source with the name of another source in the database is refused.
    """
    tally = ImportReport()
    for number, line in read_lines(path, "source", tally):
        with refusing(number, tally):
            source = _read(line)
            added_at = read_moment(line, "added_at") if line.get("added_at") else now
            with store.begin() as connection:
                here = [state.source for state in polled_sources.list_states(connection)]
                if source.address in {one.address for one in here}:
                    tally.remarks.append((number, f"{source.name} is here already"))
                elif source.name in {one.name for one in here}:
                    raise ValueError(f"another source here has the name {source.name}")
                else:
                    state = SourceState(source, added_at=min(added_at, now), next_poll_at=now)
                    polled_sources.save(connection, state)
    return tally


def _read(line: Mapping[str, Any]) -> PolledSource:
    return PolledSource(
        name=read_source_name(str(line["name"])),
        address=read_source_address(str(line["address"])),
        interval_minutes=read_interval(line.get("interval_minutes")),
        allow_private=_read_switch(line, "allow_private"),
        authority=_read_switch(line, "authority"),
        by_command=True,
    )


def _read_switch(line: Mapping[str, Any], key: str) -> bool:
    given = line.get(key, False)
    if not isinstance(given, bool):
        raise TypeError(f"{key} is neither true nor false")
    return given
