"""Puts the temporary files of the tests into memory, where the machine has room for them.

Each test makes files: a home, a copy of a migrated database. On a disk with a journal the
kernel spends as much processor time on them as the tests do on all else, and a copy of PostgreSQL's
template takes ten times as long.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in memory of every Linux
ROOM = 2 << 30  # bytes; a whole run takes up to one GiB, with a PostgreSQL server per process


def use_memory() -> None:
    """Make the folder in memory the one for temporary files, unless TMPDIR names another."""
    if not os.environ.get("TMPDIR") and has_room(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it is looked up again


def has_room(folder: Path, room: int = ROOM) -> bool:
    """Return whether files may be written and executed there, and that many bytes fit."""
    try:
        there = os.statvfs(folder)
    except OSError:
        return False
    usable = os.access(folder, os.W_OK | os.X_OK) and not there.f_flag & os.ST_NOEXEC
    return usable and min(there.f_bavail * there.f_frsize, _free_memory()) >= room


def _free_memory() -> int:
    """Return the bytes that programs can still take, which may be fewer than the folder's."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 0
