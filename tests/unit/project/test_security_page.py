"""Tests that SECURITY.md names existing tests, pages and commands."""

from __future__ import annotations

import re

from larkpost.packaged_files import CHECKOUT

PAGE = (CHECKOUT / "SECURITY.md").read_text("utf-8")


def test_every_test_that_proves_a_row_is_there() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and ".py`" in line]
    named = {name for row in rows for name in re.findall(r"`([\w/]+/test_\w+\.py)`", row)}

    assert len(rows) > 15
    assert [name for name in sorted(named) if not (CHECKOUT / "tests" / name).is_file()] == []


def test_every_actor_has_rows_and_every_row_a_proof() -> None:
    sections = PAGE.partition("## The threat model")[2].partition("\n## ")[0].split("\n### ")[1:]

    assert len(sections) == 6
    for section in sections:
        rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
        assert rows
        assert [row for row in rows if not re.search(r"`[\w/]+/test_\w+\.py` *\|$", row)] == []


def test_every_link_and_command_is_there() -> None:
    script = (CHECKOUT / "run").read_text("utf-8")

    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (CHECKOUT / target).is_file()
    for command in re.findall(r"`\./run ([\w-]+)`", PAGE):
        assert f"\n{command})" in script
    assert "SECURITY.md" in (CHECKOUT / "README.md").read_text("utf-8")
