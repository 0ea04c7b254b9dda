"""Puts files and folders where they belong, on file systems that lack this or that as well."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What link(2) answers where a file system has no hard links (vfat, exFAT, many network and FUSE
# mounts), or will not link this file to that place.
NO_LINKS = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES, errno.ENOSYS}
)
# What fsync(2) of a folder answers where a file system knows no such thing.
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF})
_CLAIM_SECONDS = 5.0  # an older claim is what a crash has left


def name_new_file(draft: Path, target: Path) -> None:
    """Give a finished file of the same folder its name, where nothing has that name yet.

    The file appears whole or not at all, and to one of several processes only. ``draft`` may or
    may not be there afterwards. Raises FileExistsError where the name is taken.
    """
    try:
        os.link(draft, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _claim_and_rename(draft, target)


def _claim_and_rename(draft: Path, target: Path) -> None:
    """Do it without hard links: rename(2) replaces what is there, so only one may look and do it.

    Whoever makes the claim beside the target (``O_EXCL``) is that one.
    """
    claim = target.with_name(f".{target.name}.claim")
    until = time.monotonic() + _CLAIM_SECONDS
    while not _make(claim) and time.monotonic() < until:
        time.sleep(0.02)
    try:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        draft.rename(target)
    finally:
        claim.unlink(missing_ok=True)


def _make(claim: Path) -> bool:
    try:
        os.close(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the file system can be asked for that."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(number)
