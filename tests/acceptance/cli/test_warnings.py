"""Valid settings that make links unreachable: reported in interactive commands, not in cron."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import Shell

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = {"LARKPOST_MAIL__TRANSPORT": "smtp", "LARKPOST_SMTP__HOST": "127.0.0.1"}
PUBLIC = LOCAL | {
    "LARKPOST_SITE__BASE_URL": "https://paper.example.org",
    "LARKPOST_MAIL__SENDER": "Lark <lark@example.org>",
}


def made(folder: Path, name: str) -> Path:
    """Make a folder in which a shell can be."""
    (folder / name).mkdir()
    return folder / name


@pytest.mark.parametrize("words", [("config", "check"), ("reader", "add", "ann@example.org")])
def test_messages_that_lead_to_this_machine_are_warned_of(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    told = Shell(made(tmp_path, "a"), LOCAL)(*words)
    (record,) = Shell(made(tmp_path, "b"), LOCAL).json(*words)
    public = Shell(made(tmp_path, "c"), PUBLIC)(*words)

    assert "links lead to http://127.0.0.1:8025" in told.err
    assert "come from Larkpost <larkpost@localhost>" in told.err
    assert "Set site.base_url" in told.err
    assert len(record["warnings"]) == 2
    assert public.err == ""


def test_the_doctor_warns_of_newsnewsletters_that_lead_to_this_machine(tmp_path: Path) -> None:
    found = Shell(tmp_path, LOCAL | {"LARKPOST_SMTP__PORT": "1"}).json("doctor", code=1)

    warnings = [one for one in found if one["state"] == "warning"]
    assert {one["what"] for one in warnings} == {"addresses"}
    assert len(warnings) == 2


def test_a_command_for_cron_says_nothing_of_it(tmp_path: Path) -> None:
    shell = Shell(tmp_path, LOCAL)
    shell("init")

    assert shell("-q", "tick").err == ""


def test_an_impossible_address_is_refused_with_exit_code_2(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_SITE__BASE_URL": "https://paper.example.org:99999"})

    for words in (("config", "check"), ("status",)):
        done = shell(*words, code=2)
        assert "site.base_url cannot be 'https://paper.example.org:99999'" in done.err
    assert not shell.home.exists()
