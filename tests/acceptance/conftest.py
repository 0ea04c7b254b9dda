"""The fixtures of acceptance tests: the installed program and an empty home."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import SAMPLE, Shell

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a caller of the program on a home that does not exist yet."""
    return Shell(tmp_path)


@pytest.fixture(scope="session")
def furniture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with the sample's papers and one reader, for copies."""
    shell = Shell(tmp_path_factory.mktemp("furnished"))
    shell("ingest", SAMPLE)
    shell("reader", "add", "ann@example.org")
    return shell.home


@pytest.fixture
def furnished(shell: Shell, furniture: Path) -> Shell:
    """Return a caller of the program on a home with the sample's papers and one reader."""
    shutil.copytree(furniture, shell.home)
    return shell
