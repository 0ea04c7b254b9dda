"""Tests that tests prove the fault tables in the guides, and that these name the commands."""

from __future__ import annotations

import re

import pytest
from tests.helpers.documented_faults.delivery import DELIVERY
from tests.helpers.documented_faults.operating import OPERATING

from larkpost.cli.commands import mail
from larkpost.packaged_files import CHECKOUT

DOCS = CHECKOUT / "docs"
TEST_NAMES = frozenset(
    name
    for path in (CHECKOUT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)\(", path.read_text("utf-8"))
)


def documented_faults(page: str) -> list[str]:
    """The first cells of a page's table of faults."""
    table = (DOCS / page).read_text("utf-8").partition("| fault | what happens |\n|---|---|\n")[2]
    rows = table.partition("\n\n")[0].splitlines()
    return [row.split(" | ")[0].removeprefix("| ") for row in rows]


@pytest.mark.parametrize(
    ("page", "proofs"), [("delivery.md", DELIVERY), ("operating.md", OPERATING)]
)
def test_every_fault_of_a_page_has_its_tests(page: str, proofs: dict[str, tuple[str, ...]]) -> None:
    assert documented_faults(page) == list(proofs)
    assert [fault for fault, names in proofs.items() if not names] == []
    assert sorted({name for names in proofs.values() for name in names} - TEST_NAMES) == []


def test_the_tables_are_as_long_as_the_faults_that_are_handled() -> None:
    assert len(DELIVERY) > 40
    assert len(OPERATING) > 15


@pytest.mark.parametrize("page", ["delivery.md", "operating.md"])
def test_a_guide_names_no_test(page: str) -> None:
    assert re.findall(r"test_\w+", (DOCS / page).read_text("utf-8")) == []


def test_every_command_about_mail_is_in_the_guide() -> None:
    page = (DOCS / "delivery.md").read_text("utf-8")

    assert all(f"larkpost {command.name}" in page for command in mail.COMMANDS)
