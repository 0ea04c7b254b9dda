"""Tests new captures of the replica, made with the tools that are installed."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from tests.captures.capture import PAGES, TOOLS, Tool
from tests.captures.expectations import SHOWN, check_papers, read_capture
from tests.captures.replica import render
from tests.captures.samples import sample_papers
from tests.captures.shapes import collapse

from larkpost.domain import PaperRecord
from larkpost.errors import UnreadableDump

pytestmark = pytest.mark.captures

REFUSE_SKIPS = bool(os.environ.get("LARKPOST_REFUSE_SKIPS"))
CAPTURES = [pytest.param(page, tool, id=f"{page}/{tool.name}") for page in PAGES for tool in TOOLS]


def capture(page: str, tool: Tool) -> bytes:
    """Capture a page; without the tool the test is skipped, or fails where that is asked."""
    if tool.missing:
        message = f"no page is captured with {tool.program} here: apt-get install {tool.program}"
        if REFUSE_SKIPS:
            pytest.fail(message)
        pytest.skip(message)
    return tool.capture(render(page), PAGES[page]).encode()


@pytest.mark.parametrize(("page", "tool"), [case for case in CAPTURES if case.id in SHOWN])
def test_the_installed_tool_captures_the_thirty_papers_that_are_read(page: str, tool: Tool) -> None:
    check_papers(capture(page, tool), SHOWN[f"{page}/{tool.name}"], sample_papers())


@pytest.mark.parametrize(("page", "tool"), [case for case in CAPTURES if case.id not in SHOWN])
def test_a_tool_that_loses_papers_never_makes_one_up(page: str, tool: Tool) -> None:
    records = []
    with suppress(UnreadableDump):
        records = read_capture(capture(page, tool))

    titles = {record.title for record in records if isinstance(record, PaperRecord)}
    assert titles <= {collapse(paper.title) for paper in sample_papers()}
