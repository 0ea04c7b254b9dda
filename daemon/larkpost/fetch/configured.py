"""Combines the sources of the settings and those added by command into one list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from larkpost.db.polling import polled_sources
from larkpost.db.polling.polled_sources import SourceState
from larkpost.errors import LarkpostError, UsageError
from larkpost.fetch.opml import read_opml
from larkpost.settings import expand
from larkpost.settings.polled_sources import PolledSource, SourceEntry

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store


@dataclass(frozen=True, slots=True)
class ConfiguredSources:
    """The sources of the settings; ``problems`` name the unreadable OPML files and the reasons."""

    sources: tuple[PolledSource, ...] = ()
    problems: tuple[LarkpostError, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceChanges:
    """The changes that bring the database in line with the sources of the settings."""

    saved: tuple[SourceState, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any changes."""
        return bool(self.saved or self.removed)


def read_configured(entries: Iterable[SourceEntry], folder: Path) -> ConfiguredSources:
    """List the sources of the settings, with each feed of the OPML files that they name.

    A relative path starts at ``folder``. If two sources have the same name or address, the first
    counts.
    """
    sources: dict[str, PolledSource] = {}
    addresses: set[str] = set()
    problems: list[LarkpostError] = []
    for entry in entries:
        try:
            some = _sources_of(entry, folder)
        except LarkpostError as error:
            problems.append(error)
            continue
        for source in some:
            if source.name not in sources and source.address not in addresses:
                sources[source.name] = source
                addresses.add(source.address)
    return ConfiguredSources(tuple(sources.values()), tuple(problems))


def _sources_of(entry: SourceEntry, folder: Path) -> list[PolledSource]:
    from pathlib import Path

    options = (entry.interval_minutes, entry.allow_private, entry.authority)
    if not entry.opml:
        return [PolledSource(entry.name, entry.address, *options)]
    feeds = read_opml(folder / expand(Path(entry.opml)))
    return [PolledSource(feed.name, feed.address, *options) for feed in feeds]


def compare_sources(
    states: Sequence[SourceState], configured: ConfiguredSources, *, now: datetime
) -> SourceChanges:
    """Compare the database with the sources of the settings.

    A source of the settings replaces one with its name or address that was added by command, so
    that no address is polled twice. While an OPML file cannot be read, none is removed.
    """
    known = {state.source.name: state for state in states}
    saved = [
        new_state(source, now=now, before=known.get(source.name))
        for source in configured.sources
        if source.name not in known or known[source.name].source != source
    ]
    wanted = {source.name for source in configured.sources}
    addresses = {source.address for source in configured.sources}
    removed = [
        state.source.name
        for state in states
        if state.source.name not in wanted
        and (not state.source.by_command or state.source.address in addresses)
    ]
    return SourceChanges(tuple(saved), () if configured.problems else tuple(removed))


def new_state(
    source: PolledSource, *, now: datetime, before: SourceState | None = None
) -> SourceState:
    """Make the initial state of a source, due at once; a new address resets it."""
    if before is None or before.source.address != source.address:
        return SourceState(source, added_at=now, next_poll_at=now)
    return replace(before, source=source, next_poll_at=now)


def save_changes(connection: Connection, changes: SourceChanges) -> None:
    """Store the changes; pages of a source with a new address are forgotten.

    So are those of one that became an authority, or is none any more: the same bytes count anew.
    """
    before = {state.source.name: state for state in polled_sources.list_states(connection)}
    other = [
        state.source.name
        for state in changes.saved
        if (known := before.get(state.source.name)) and _is_read_anew(known.source, state.source)
    ]
    polled_sources.remove(connection, [*changes.removed, *other])
    for state in changes.saved:
        polled_sources.save(connection, state)


def _is_read_anew(before: PolledSource, after: PolledSource) -> bool:
    return (before.address, before.authority) != (after.address, after.authority)


def list_sources(
    store: Store, configured: ConfiguredSources, *, now: datetime
) -> list[SourceState]:
    """List all sources by name, including those of the settings that were never polled."""
    with store.read() as connection:
        states = polled_sources.list_states(connection)
    changes = compare_sources(states, configured, now=now)
    fresh = {state.source.name: state for state in changes.saved}
    listed = {state.source.name: state for state in states} | fresh
    for name in changes.removed:
        del listed[name]
    return [listed[name] for name in sorted(listed)]


def add_sources(
    store: Store,
    sources: Sequence[PolledSource],
    configured: ConfiguredSources,
    *,
    now: datetime,
) -> list[PolledSource]:
    """Add sources by command, and return the new ones.

    A source with an existing address is not added again. Raises UsageError if its name is that of
    another source, before anything is added.
    """
    listed = {state.source.name: state.source for state in list_sources(store, configured, now=now)}
    addresses = {source.address for source in listed.values()}
    fresh = [source for source in sources if source.address not in addresses]
    for source in fresh:
        if source.name in listed:
            raise UsageError(
                f"there is a source {source.name} already: {listed[source.name].address}",
                hint="choose another name with --name, or remove the other source",
            )
    with store.begin() as connection:
        for source in fresh:
            polled_sources.save(connection, new_state(source, now=now))
    return fresh


def remove_source(
    store: Store, name: str, configured: ConfiguredSources, *, now: datetime
) -> PolledSource:
    """Remove a source that was added by command; raises UsageError for any other."""
    source = find_source(store, name, configured, now=now).source
    if not source.by_command:
        raise UsageError(
            f"{source.name} is in the settings file", hint="remove it from `sources` there"
        )
    with store.begin() as connection:
        polled_sources.remove(connection, [source.name])
    return source


def find_source(
    store: Store, name: str, configured: ConfiguredSources, *, now: datetime
) -> SourceState:
    """Find a source by its name, or by its address; raises UsageError if there is none."""
    states = list_sources(store, configured, now=now)
    found = [one for one in states if one.source.name == name]
    found += [one for one in states if one.source.address == name]
    if not found:
        raise UsageError(
            f"there is no source {name}", hint="run larkpost source list to see all sources"
        )
    return found[0]
