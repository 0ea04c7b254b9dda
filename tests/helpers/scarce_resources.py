"""Runs a script with scarce resources: a small or read-only disk, or no root privileges."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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
