"""The output of commands with --quiet, and for empty lists."""

from __future__ import annotations

import pytest
from tests.helpers.cli_helpers import SAMPLE, Shell

from larkpost.db.engine import Store
from larkpost.scheduler.mutex import alone

READER = "ann@example.org"


@pytest.mark.parametrize(
    "command",
    [
        ("tick",),
        ("ingest", SAMPLE),
        ("publish", "--due"),
        ("publish", READER),
        ("deliver",),
        ("vote", READER, "1", "up"),
        ("vote", "clear", READER, "--since", "2020-01-01"),
        ("reader", "add", "bea@example.org"),
        ("reader", "set", READER, "--name", "Ann"),
        ("interest", "set", READER, "folding", "--words", "protein"),
        ("export", "out"),
        ("migrate",),
        ("config", "check"),
        ("doctor",),
        ("reader", "remove", READER, "--yes"),
    ],
)
def test_quiet_commands_print_nothing_while_all_is_well(
    furnished: Shell, command: tuple[object, ...]
) -> None:
    furnished("publish", READER)

    done = furnished("-q", *command)

    assert (done.out, done.err) == ("", "")


def test_the_cron_line_of_the_docs_is_silent_on_every_day(furnished: Shell) -> None:
    line = ("-q", "tick")
    settled = Shell(furnished.folder, {"LARKPOST_INBOX__STABLE_SECONDS": "0"})
    (furnished.home / "inbox" / "today.txt").write_bytes(SAMPLE.read_bytes())

    for _ in range(2):
        done = settled(*line)
        assert (done.out, done.err) == ("", "")

    assert list((furnished.home / "inbox").glob("*.txt")) == []


def test_a_quiet_tick_beside_another_says_so_by_its_exit_code_alone(furnished: Shell) -> None:
    store = Store(f"sqlite:///{furnished.home / 'larkpost.db'}")
    with alone(store, "tick"):
        quiet = furnished("-q", "tick", code=75)
        loud = furnished("tick", code=75)
    store.close()

    assert (quiet.out, quiet.err) == ("", "")
    assert loud.err != ""


def test_a_quiet_tick_tells_of_a_file_that_is_refused(furnished: Shell) -> None:
    settled = Shell(furnished.folder, {"LARKPOST_INBOX__STABLE_SECONDS": "0"})
    (furnished.home / "inbox" / "photo.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))

    done = settled("-q", "tick")

    assert "photo.txt: refused" in done.out


@pytest.mark.parametrize(
    "command",
    [
        ("reader", "list"),
        ("papers",),
        ("publish", "--due"),
        ("publish", "--all"),
        ("deliveries",),
        ("deliver", "--dry-run"),
        ("rank", "--all"),
        ("evaluate",),
    ],
)
def test_an_empty_list_is_no_line_of_json(shell: Shell, command: tuple[str, ...]) -> None:
    assert shell(*command, "--json").out == ""
