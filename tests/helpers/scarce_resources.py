"""Scarce resources: a small or read-only disk, no root privileges, entries hidden from all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).parents[2]
_SMALL = 'mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@"'
_FROZEN = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def on_a_small_disk(script: str, folder: Path, size: int) -> list[Any]:
    """Run a script with ``folder`` on a disk of that many bytes; returns its JSON output."""
    folder.mkdir()
    return _run([*_mounting(), "sh", "-c", _SMALL, str(size), str(folder)], script, folder)


def on_a_frozen_disk(script: str, folder: Path) -> list[Any]:
    """Run a script for which ``folder`` is mounted read-only."""
    return _run([*_mounting(), "sh", "-c", _FROZEN, str(folder)], script, folder)


def without_rights(script: str, folder: Path) -> list[Any]:
    """Run a script that the modes of files restrict, even if it runs as root."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    return _run(drop if os.geteuid() == 0 else [], script, folder)


def _mounting() -> list[str]:
    """Make a separate mount namespace: nothing is left when the script ends."""
    command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"nothing may be mounted here: {error}")
    return command


def _run(command: list[str], script: str, folder: Path) -> list[Any]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)])}
    done = subprocess.run(
        [*command, sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class _Mounted:
    """An entry of a folder on which a user has mounted a file system of their own (FUSE)."""

    def __init__(self, name: str) -> None:
        self.name = name

    def stat(self, *, follow_symlinks: bool) -> NoReturn:  # noqa: ARG002 - of os.DirEntry
        raise PermissionError(13, "Permission denied", self.name)


@contextmanager
def mounted_on(path: Path) -> Iterator[None]:
    """Let nobody look at an entry of a folder, as if FUSE were mounted there.

    The system refuses it even to root; only who mounted it may look.
    """
    listing, looking = os.scandir, os.lstat
    folder = path.parent.stat()

    def is_there(place: int | str | Path | None) -> bool:
        return place is not None and os.path.samestat(os.stat(place), folder)  # noqa: PTH116 - also of a descriptor

    @contextmanager
    def scandir(place: int | Path) -> Iterator[Iterator[Any]]:
        name = path.name if is_there(place) else None
        with listing(place) as entries:
            yield (_Mounted(one.name) if one.name == name else one for one in entries)

    def lstat(one: str | Path, *, dir_fd: int | None = None) -> os.stat_result:
        if Path(one).name == path.name and is_there(dir_fd or Path(one).parent):
            raise PermissionError(13, "Permission denied", str(one))
        return looking(one, dir_fd=dir_fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        patch.setattr(os, "lstat", lstat)
        patch.setattr(Path, "lstat", lambda one: lstat(one))
        yield
