"""The fixtures of integration tests: a site with a reader, and the reader's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    """Open a site on a new store."""
    with place(tmp_path, sqlite_url) as opened:
        yield opened


@pytest.fixture
def me(here: Place) -> str:
    """Return the path of the reader's own page."""
    return here.path(here.program.links.page(here.reader))
