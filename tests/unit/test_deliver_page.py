"""The page about delivery tells the truth: every test it names is there, and every command."""

from __future__ import annotations

import re

from larkpost.cli import post
from larkpost.resources import CHECKOUT

PAGE = (CHECKOUT / "docs" / "delivery.md").read_text("utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    written = "\n".join(path.read_text("utf-8") for path in (CHECKOUT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))

    missing = [name for name in sorted(named) if f"def {name}(" not in written]

    assert len(named) > 60
    assert missing == []


def test_every_command_about_letters_is_on_the_page() -> None:
    for command in post.COMMANDS:
        assert f"larkpost {command.name}" in PAGE
