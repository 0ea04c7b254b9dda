"""Finds files that were written to after they were moved out of the inbox."""

from __future__ import annotations

import re
from collections.abc import Set
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from larkpost.db import read_dumps
from larkpost.errors import LarkpostError, UnreadableDump
from larkpost.ingest.ingest import was_read
from larkpost.ingest.spool import WHY, InboxFile, files_in, inspect_file
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.db.engine import Store

_RECENT = timedelta(days=1)  # how long a file that was moved may still be written to
_NUMBER = re.compile(r"-[0-9]+(?=\.[^.]*$|$)")  # the number that ``move`` adds to a taken name
COMPARE_SECONDS = 5.0  # of one sweep; the next one compares the rest

# The recent files that were compared with their dumps, by folder. Their user can set any time, and
# with one that is ahead a file looks as if it had just been written to: thirty of 100 MB were
# unpacked at each sweep, for a day, before the files of anybody else were read.
_compared: dict[Path, frozenset[InboxFile]] = {}
# The refused files that were moved back into the inbox, by folder: name, size and time.
_returned: dict[Path, Set[tuple[str, int, int]]] = {}


def list_changed_dumps(store: Store, done: Path, now: datetime) -> list[InboxFile]:
    """List the files in ``done`` whose bytes differ from the dump of their name.

    Only files changed after they were moved or read are opened: by the clock of their disk, or by
    our clock if somebody has set the file's time. Each is compared once, until it changes. Raises
    OSError.
    """
    recent = [one for one in files_in(done) if one.still_for(now) < _RECENT]
    known = _compared.pop(done, frozenset()).intersection(recent)
    fresh = [one for one in recent if one not in known]
    if not fresh:
        _compared[done] = known
        return []
    with store.read() as connection:
        read_at = read_dumps.read_times(connection)
    changed: list[InboxFile] = []
    unchanged: list[InboxFile] = []
    ends = monotonic() + COMPARE_SECONDS
    for one in fresh:
        name = one_line(one.path.name)
        read = read_at.get(name) or read_at.get(_NUMBER.sub("", name))
        if read is None:  # somebody put it there: it was never in the inbox
            continue
        with suppress(LarkpostError):  # being written, or the database is busy
            (changed if _is_changed(store, one, read) else unchanged).append(one)
        if monotonic() >= ends:  # its user may write to each again and again
            break
    _compared[done] = known.union(unchanged)
    return changed


def _is_changed(store: Store, one: InboxFile, read: datetime) -> bool:
    """Whether a file was written to after it was read; raises LarkpostError if nobody can tell."""
    if one.modified < one.changed and one.modified <= read.timestamp() * 1e9:
        return False
    try:
        return not was_read(store, one.path)
    except (UnreadableDump, OSError):  # gone, or no dump at all
        return False


def list_changed_refusals(bad: Path) -> list[InboxFile]:
    """List the files in ``bad`` that were written to after their ``.why`` files, each once.

    Their user can set any time: one that is ahead of the clock had a file read and refused again at
    each sweep, with two lines in the log. Raises OSError.
    """
    before, known, changed = _returned.pop(bad, frozenset()), set(), []
    for one in files_in(bad):
        if (version := _version(one)) in before:
            known.add(version)
        elif _is_after_its_reason(one):
            changed.append(one)
    _returned[bad] = known.union(map(_version, changed))
    return changed


def _is_after_its_reason(one: InboxFile) -> bool:
    with suppress(OSError):
        why = inspect_file(why_file(one.path))
        # Moving a file changes the latter time, and its reason is written after that.
        return one.modified > why.modified and one.changed >= why.changed
    return False


def _version(one: InboxFile) -> tuple[str, int, int]:
    return one.path.name, one.size, one.modified


def why_file(path: Path) -> Path:
    """Return the file beside a refused one that has the reason."""
    return path.with_name(f"{path.name}{WHY}")
