"""The pages about faults tell the truth: every test they name is there, and every command."""

from __future__ import annotations

import re

import pytest

from larkpost.cli.commands import mail
from larkpost.packaged_files import CHECKOUT

PAGES = CHECKOUT / "docs"


@pytest.mark.parametrize(("page", "least"), [("delivery.md", 60), ("operating.md", 30)])
def test_every_test_that_a_page_names_is_there(page: str, least: int) -> None:
    written = "\n".join(path.read_text("utf-8") for path in (CHECKOUT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", (PAGES / page).read_text("utf-8")))

    missing = [name for name in sorted(named) if f"def {name}(" not in written]

    assert len(named) > least
    assert missing == []


def test_every_command_about_letters_is_on_the_page() -> None:
    page = (PAGES / "delivery.md").read_text("utf-8")

    assert all(f"larkpost {command.name}" in page for command in mail.COMMANDS)
