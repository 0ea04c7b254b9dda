"""Finds the user behind the owner of a file: of a subordinate uid, the user who holds its range.

Most systems give each user 65,536 further uids for containers (subuid(5)). In folders where users
take turns, one user with files of a thousand of them would be a thousand users.
"""

from __future__ import annotations

import pwd
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

RANGES = Path("/etc/subuid")


def owner_lookup() -> Callable[[int], int]:
    """Return a function from the uid of a file to that of its user; the same for most uids."""
    try:
        changed = RANGES.stat().st_mtime_ns
    except OSError:  # no user has other uids
        return lambda uid: uid
    return _make_lookup(RANGES, changed)


@lru_cache(maxsize=1)
def _make_lookup(file: Path, _changed: int) -> Callable[[int], int]:
    ranges = sorted(_read_ranges(file))
    begins = [first for first, _, _ in ranges]

    def look_up(uid: int) -> int:
        at = bisect_right(begins, uid) - 1
        return ranges[at][2] if at >= 0 and uid < ranges[at][1] else uid

    return look_up


def _read_ranges(file: Path) -> Iterator[tuple[int, int, int]]:
    """Yield the first uid of each range, the one behind its last, and the user who holds it."""
    with suppress(OSError):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, KeyError):  # a comment, or a user who is gone
                name, first, count = line.strip().split(":")
                user = int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid
                yield int(first), int(first) + int(count), user
