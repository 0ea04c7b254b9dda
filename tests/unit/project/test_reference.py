"""Tests that the generated reference pages match the code."""

from __future__ import annotations

import pytest
from scripts import reference

from larkpost.settings import keys


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_of_the_reference_is_what_the_code_says(name: str) -> None:
    page = (reference.DOCS / name).read_text("utf-8")

    assert page == reference.PAGES[name](), "write it anew: python -m scripts.reference"


def test_every_setting_has_a_row_with_its_bounds_and_default() -> None:
    rows = [line for line in reference.settings_page().splitlines() if line.startswith("| `")]

    assert [row.split("`")[1] for row in rows] == list(keys())
    assert (
        "| `smtp.port` | `LARKPOST_SMTP__PORT` | integer, at least 1, at most 65535 | `587` |"
        in rows
    )
    assert (
        "| `log.level` | `LARKPOST_LOG__LEVEL` | `debug` or `info` or `warning` or `error` |"
        in ("\n".join(rows))
    )


def test_a_command_of_commands_and_a_command_within_it_both_have_a_section() -> None:
    page = reference.commands_page()

    assert "## `larkpost vote`\n\n`larkpost vote [OPTIONS] EMAIL PAPER" in page
    assert "## `larkpost vote clear`\n" in page
    assert "## `larkpost reader feed rotate`\n" in page
