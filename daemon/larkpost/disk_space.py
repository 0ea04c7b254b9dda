"""Tells a full disk from a broken one: the one is mended by making room, the other by a backup."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import TYPE_CHECKING

from larkpost.errors import NoRoom

if TYPE_CHECKING:
    from pathlib import Path

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# SQLite makes a file of 32 KiB beside an open database, and grows its journal by pages of 4 KiB.
_TRIED = 64 * 1024  # bytes


def is_no_room(error: BaseException | None) -> bool:
    """Whether the system refused for want of room: full disk, spent quota, limit on a file."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def lacks_room(folder: Path) -> bool:
    """Whether a small file can be made in a folder and only room is wanting; leaves nothing.

    SQLite says "disk I/O error" of a quota and of its shared memory on a full disk, as of a disk
    that fails, and does not say which. False where something else is wrong with the folder.
    """
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".larkpost-") as file:
            file.write(bytes(_TRIED))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return is_no_room(error)
    return False


def no_room(what: object, why: object) -> NoRoom:
    """Make the error to raise: for what there was no room, in whose words."""
    return NoRoom(
        f"No room left for {what} ({why})",
        hint="make room on the disk and try again; nothing was lost",
    )
