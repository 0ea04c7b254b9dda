"""Writes, names and opens files so that nobody else on the machine can redirect them.

Larkpost writes every file through this module (a test checks): under an unguessable name, made with
``O_EXCL`` and ``O_NOFOLLOW`` and mode 0600, flushed, then renamed into place; an existing link or
file of somebody else is never written through (CWE-59, CWE-377). Folders are opened once and used
by their descriptor, so that they cannot be swapped between check and use (CWE-367). File systems
without hard links or folder syncs work too.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700
# Errors of link(2) on a file system without hard links (vfat, exFAT, many network and FUSE mounts),
# or if it cannot link this file to that place.
NO_LINKS = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES, errno.ENOSYS}
)
# Errors of fsync(2) on a folder if the file system does not support it.
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF})
_CLAIM_SECONDS = 5.0  # an older claim was left by a crash
_STALE_SECONDS = 86_400.0  # so is an older draft
_DRAFT = re.compile(r"\..*\.[0-9a-f]{16}\.part(?:-journal|-wal)?")  # or SQLite's journal of one
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Follow no link, do not wait for a pipe, and do not make an opened file the controlling terminal.
CAREFUL = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def atomic_write(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Write a file completely or not at all, replacing an existing one; raises OSError."""
    with open_atomic(path, mode=mode) as file:
        file.write(content)


def write_note(path: Path, content: bytes) -> None:
    """Do the same for a hidden file in a folder where others may have put anything.

    If the name belongs to something other than a file, that is moved aside. Raises OSError.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            move_aside(path, path.with_name(_draft_name(path.name)))
    atomic_write(path, content)


@contextmanager
def open_atomic(
    path: Path, *, mode: int = PRIVATE, drafts: Path | None = None
) -> Iterator[BinaryIO]:
    """Open a file for writing that gets the name ``path`` at the end, complete and flushed.

    A symbolic link of that name is replaced, never followed; a folder, a pipe or a device is left
    alone. The draft is in the folder ``drafts`` on the same disk, or else next to ``path``. After
    an error nothing has changed. Raises OSError.
    """
    with open_folder(drafts or path.parent) as here, open_folder(path.parent) as folder:
        draft = _draft_name(path.name)
        try:
            with os.fdopen(_create(draft, path, here), "wb") as file:
                yield file
                file.flush()
                if mode != PRIVATE:
                    with suppress(OSError):  # a disk without permissions
                        os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            _must_be_replaceable(path, folder)
            os.replace(draft, path.name, src_dir_fd=here, dst_dir_fd=folder)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=here)
            raise
        flush_descriptor(folder)


def create_once(path: Path, content: bytes) -> None:
    """Write a private file if its name is free; of several processes only one succeeds.

    Raises FileExistsError if the name is taken, and OSError.
    """
    with draft_file(path) as draft:
        with draft.open("r+b") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        name_new_file(draft, path)


@contextmanager
def draft_file(path: Path) -> Iterator[Path]:
    """Make an empty private file next to ``path``, for a library that writes to a path.

    It is deleted at the end, unless it was renamed. Raises OSError.
    """
    draft = path.with_name(_draft_name(path.name))
    with open_folder(path.parent) as folder:
        os.close(_create(draft.name, path, folder))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def make_private_file(path: Path) -> None:
    """Make an empty file that only its owner can read; raises FileExistsError and OSError."""
    os.close(os.open(path, _CREATE, PRIVATE))


def put_in_place(draft: Path, path: Path) -> None:
    """Flush a finished draft to the disk and rename it into place, replacing an existing file."""
    number = os.open(draft, os.O_RDONLY | CAREFUL)
    try:
        os.fsync(number)
    finally:
        os.close(number)
    with open_folder(draft.parent) as here, open_folder(path.parent) as there:
        _must_be_replaceable(path, there)
        os.replace(draft.name, path.name, src_dir_fd=here, dst_dir_fd=there)
        flush_descriptor(there)


def remove_stale_drafts(folder: Path) -> None:
    """Remove the drafts that a crash left in a folder more than a day ago."""
    with suppress(OSError), open_folder(folder) as descriptor:
        for name in os.listdir(descriptor):  # noqa: PTH208 - by its descriptor
            if not _DRAFT.fullmatch(name):
                continue
            with suppress(OSError):
                status = os.lstat(name, dir_fd=descriptor)
                if is_own(status) and time.time() - status.st_mtime > _STALE_SECONDS:
                    os.unlink(name, dir_fd=descriptor)


def open_append(path: Path, *, linked: bool = False) -> int:
    """Open a private file of ours for appending, making it if it is missing.

    Returns the descriptor. Raises OSError, also if the name is a symbolic link, not a regular file
    or somebody else's, and, unless it may be ``linked``, if the file has other names: in other
    people's folders it might be any file of ours.
    """
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | CAREFUL, PRIVATE)
    return _must_be_own(number, path, linked=linked)


def read_own(path: Path, limit: int) -> bytes:
    """Read a small file of ours, at most ``limit`` bytes.

    Raises OSError, also if the name is a symbolic link, not a regular file or somebody else's.
    """
    number = _must_be_own(os.open(path, os.O_RDONLY | CAREFUL), path, linked=True)
    with os.fdopen(number, "rb") as file:
        return file.read(limit)


def is_own(status: os.stat_result) -> bool:
    """Return whether a file belongs to us or to root."""
    return status.st_uid in (0, os.geteuid())


def others_may_write(folder: Path) -> bool:
    """Return whether anybody except us and root can write into a folder; raises OSError."""
    status = folder.stat()
    return not is_own(status) or bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def make_folder(folder: Path, mode: int = PRIVATE_FOLDER) -> None:
    """Make a folder and its parents if they are missing, accessible to the owner only.

    An existing one keeps its permissions. Raises OSError.
    """
    missing = []
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            break
        missing.append(place)
    for place in reversed(missing):
        with suppress(FileExistsError):  # somebody else was first
            os.mkdir(place, mode)  # noqa: PTH102 - Path.mkdir gives parents other rights
    if not folder.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))


@contextmanager
def open_folder(folder: Path) -> Iterator[int]:
    """Open a folder, to use it by its descriptor.

    A symbolic link to one is followed if we or root made it: links of others could lead anywhere.
    Raises OSError.
    """
    number = _open_folder(folder)
    try:
        yield number
    finally:
        os.close(number)


@contextmanager
def open_part(name: str, folder: int, *, listable: bool = False) -> Iterator[int]:
    """Open a folder in an open folder; no symbolic link is followed, whoever made it.

    ``listable``: it must be possible to list it. Raises OSError.
    """
    try:
        number = _open_directory(name, os.O_NOFOLLOW, folder, listable=listable)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        why = f"{name} in it is a symbolic link or a file, not a folder"
        raise NotADirectoryError(why) from error
    try:
        yield number
    finally:
        os.close(number)


def name_new_file(draft: Path, target: Path) -> None:
    """Rename a finished file of the same disk, if the new name is free.

    The file appears completely or not at all, and only one of several processes succeeds. ``draft``
    may or may not exist afterwards. Raises FileExistsError if the name is taken.
    """
    with open_folder(draft.parent) as here, open_folder(target.parent) as there:
        name_new(draft.name, here, target.name, there)


def name_new(draft: str, here: int, target: str, there: int) -> None:
    """Do the same with two open folders; raises FileExistsError if the name is taken."""
    try:
        os.link(draft, target, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _claim_and_rename(draft, here, target, there)


def move_aside(path: Path, place: Path) -> None:
    """Rename a file or any other entry to a free name; raises FileExistsError."""
    with open_folder(path.parent) as here, open_folder(place.parent) as there:
        _claim_and_rename(path.name, here, place.name, there)


def rename_new(name: str, here: int, target: str, there: int) -> None:
    """Rename a file of others to a free name in another open folder, perhaps also one of others.

    As rename(2) overwrites, the name is taken first with an empty file, which a crash may leave. A
    claim would be a name that anybody can take to make this wait. Raises FileExistsError if the
    name is taken, and OSError.
    """
    os.close(os.open(target, _CREATE, PRIVATE, dir_fd=there))
    try:
        os.rename(name, target, src_dir_fd=here, dst_dir_fd=there)
    except BaseException:
        with suppress(OSError):
            os.unlink(target, dir_fd=there)
        raise


def create_draft(path: Path, folder: int) -> tuple[str, BinaryIO]:
    """Make a draft of ``path`` in its open folder; returns its name and the file to write to."""
    draft = _draft_name(path.name)
    return draft, os.fdopen(_create(draft, path, folder), "wb")


def flush_descriptor(folder: int) -> None:
    """Flush the names in an open folder to the disk; raises OSError if the disk fails."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _create(draft: str, path: Path, folder: int) -> int:
    """Make a draft; an error names the wanted file, and is the same at every attempt."""
    try:
        return os.open(draft, _CREATE, PRIVATE, dir_fd=folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _draft_name(name: str) -> str:
    return f".{name[:40]}.{secrets.token_hex(8)}.part"


def _must_be_replaceable(path: Path, folder: int) -> None:
    """Raise OSError if a name is a folder, a pipe or a device, which a file must not replace."""
    try:
        kind = os.lstat(path.name, dir_fd=folder).st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(kind) or stat.S_ISLNK(kind)):
        raise FileExistsError(errno.EEXIST, "there is something else by that name", str(path))


def _must_be_own(number: int, path: Path, *, linked: bool) -> int:
    """Return a descriptor of ours, or close it and raise PermissionError."""
    status = os.fstat(number)
    alone = linked or status.st_nlink == 1
    if stat.S_ISREG(status.st_mode) and alone and is_own(status):
        return number
    os.close(number)
    raise PermissionError(errno.EPERM, "not a file that we have made", str(path))


def _open_folder(folder: Path) -> int:
    looking = getattr(os, "O_PATH", 0)  # Linux: opens the link itself, not its target
    if looking:
        number = os.open(folder, looking | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(number)
        finally:
            os.close(number)
    else:  # pragma: no cover
        status = folder.lstat()
    if not stat.S_ISLNK(status.st_mode):
        return _open_directory(folder, os.O_NOFOLLOW)
    if not is_own(status):
        raise PermissionError(errno.EPERM, "a link that somebody else has made", str(folder))
    return _open_directory(folder, 0)


def _open_directory(
    folder: Path | str, flags: int, within: int | None = None, *, listable: bool = False
) -> int:
    flags |= os.O_DIRECTORY | os.O_CLOEXEC
    try:
        return os.open(folder, os.O_RDONLY | flags, dir_fd=within)
    except PermissionError:  # a folder that is writable but not listable
        if listable or not hasattr(os, "O_PATH"):
            raise
        return os.open(folder, os.O_PATH | flags, dir_fd=within)


def _claim_and_rename(draft: str, here: int, target: str, there: int) -> None:
    """Rename without hard links. As rename(2) overwrites, only one process may check and rename.

    That is the process that creates the claim next to the target (``O_EXCL``).
    """
    claim = f".{target}.claim"
    until = time.monotonic() + _CLAIM_SECONDS
    while not _make(claim, there) and time.monotonic() < until:
        time.sleep(0.02)
    try:
        if is_there(target, there):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        os.rename(draft, target, src_dir_fd=here, dst_dir_fd=there)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(claim, dir_fd=there)


def is_there(name: str, folder: int) -> bool:
    """Return whether anything has this name in an open folder."""
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _make(claim: str, folder: int) -> bool:
    try:
        os.close(os.open(claim, _CREATE, PRIVATE, dir_fd=folder))
    except FileExistsError:
        return False
    return True
