"""The fixtures of integration tests: a site with a reader, the reader's own page, another disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.web.site_client import Place

# In memory, for what is to outlive a restart, for anybody, and the checkout itself: mostly not all
# of them are on one file system.
DISKS = (Path("/dev/shm"), Path("/var/tmp"), Path("/tmp"), Path(__file__).parents[2])  # noqa: S108


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """Make a folder on another file system than the test's own folder."""
    own = tmp_path.stat().st_dev
    for disk in DISKS:
        if disk.is_dir() and disk.stat().st_dev != own:
            with TemporaryDirectory(dir=disk) as name:
                yield Path(name)
            return
    pytest.skip("needs a second file system")


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    """Open a site on a new store."""
    with place(tmp_path, sqlite_url) as opened:
        yield opened


@pytest.fixture
def me(here: Place) -> str:
    """Return the path of the reader's own page."""
    return here.path(here.program.links.page(here.reader))


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put another program in the place of a child process: what is in this list."""
    program: list[str] = []
    real = subprocess.Popen

    def popen(command, **pipes):  # type: ignore[no-untyped-def]  # that of subprocess
        return real([sys.executable, "-c", *program] if program else command, **pipes)

    monkeypatch.setattr(subprocess, "Popen", popen)
    return program


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Give the commands of the processes that were started."""
    commands: list[list[str]] = []
    real = subprocess.Popen

    def popen(command, **pipes):  # type: ignore[no-untyped-def]  # that of subprocess
        commands.append(command)
        return real(command, **pipes)

    monkeypatch.setattr(subprocess, "Popen", popen)
    return commands
