"""Tests time zones by command: allowed ones, and readers with one that this machine lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import SAMPLE, Shell

from larkpost.db import readers
from larkpost.db.engine import Store

if TYPE_CHECKING:
    from pathlib import Path

LACKING = "Mars/Olympus_Mons"  # stands for a zone newer than this machine's


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a home with papers and two readers, one of whom has a zone unknown here."""
    shell = Shell(tmp_path)
    shell("ingest", SAMPLE)
    shell("reader", "add", "ok@example.org")
    shell("reader", "add", "lost@example.org")
    store = Store(f"sqlite:///{shell.home}/larkpost.db")
    with store.begin() as connection:
        lost = readers.by_address(connection, "lost@example.org")
        readers.update(connection, lost.id, zone=LACKING)
    store.close()
    return shell


@pytest.mark.parametrize(
    "zone",
    [
        "localtime",
        "posix/Europe/Berlin",
        "right/UTC",
        "posixrules",
        "Factory",
        "europe/berlin",
        "",
        ".",
    ],
)
def test_a_zone_that_other_machines_lack_is_refused(tmp_path: Path, zone: str) -> None:
    shell = Shell(tmp_path)
    refused = shell("reader", "add", "a@example.org", "--zone", zone, code=2)
    shell("reader", "add", "b@example.org")

    assert "there is no time zone called" in refused.err
    shell("reader", "set", "b@example.org", "--zone", zone, code=2)
    assert [one["reader"] for one in shell.json("reader", "list")] == ["b@example.org"]


def test_a_zone_in_the_settings_is_held_to_the_same(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_READERS__ZONE": "localtime"})

    assert "readers.zone cannot be 'localtime'" in shell("config", "check", code=2).err


def test_a_reader_with_an_unknown_zone_is_listed_with_the_others(shell: Shell) -> None:
    listed = shell("reader", "list").out

    assert "ok@example.org" in listed
    assert f"{LACKING} (unknown on this machine; UTC is used)" in listed
    assert LACKING in shell("reader", "show", "lost@example.org").out


def test_a_reader_with_an_unknown_zone_stops_no_other_edition(shell: Shell) -> None:
    published = shell.json("publish", "--all")
    assert {one["reader"]: one["outcome"] for one in published}["ok@example.org"] == "published"


def test_a_reader_with_an_unknown_zone_can_be_changed_paused_and_removed(shell: Shell) -> None:
    who = "lost@example.org"
    for words in (
        ("--size", 5),
        ("--zone", LACKING, "--size", 6),  # as a form sends it back
        ("--at", "07:30"),
        ("--pause", "--until", "2999-01-01"),
        ("--pause",),
        ("--resume",),
        ("--leave",),
        ("--resume", "--zone", "Europe/Berlin"),
    ):
        shell("reader", "set", who, *words)
    (record,) = shell.json("reader", "show", who)

    assert (record["zone"], record["papers_per_edition"]) == ("Europe/Berlin", 6)
    assert record["status"] == "active"
    assert record["next_edition"]
    shell("reader", "remove", who, "--yes")
