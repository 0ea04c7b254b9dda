"""Tests the commands for readers: added, shown, changed, removed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell


def test_a_reader_is_added_with_every_wish(shell: Shell) -> None:
    shell(
        "reader", "add", "Ann@Example.org", "--name", "Ann", "--zone", "Europe/Berlin",
        "--at", "06:30", "--days", "mon,tue", "--size", 5,
        "--interest", "mixture of experts", "--interest", "routing",
    )  # fmt: skip

    (reader,) = shell.json("reader", "list")

    wished = {
        "reader": "Ann@example.org",
        "name": "Ann",
        "zone": "Europe/Berlin",
        "send_time": "06:30",
        "weekdays": ["mon", "tue"],
        "papers_per_edition": 5,
        "interests": [{"name": "main", "words": ["mixture of experts", "routing"], "quota": 1}],
        "status": "active",
    }
    assert wished.items() <= reader.items()
    assert reader["next_edition"] is not None
    assert reader["feed"].endswith(".rss")


def test_what_is_not_given_comes_from_the_settings(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "config.toml").write_text(
        '[readers]\nzone = "Asia/Tokyo"\nsend_time = "05:15"\ndays = ["sun"]\n'
        "papers_per_edition = 3\n",
        encoding="utf-8",
    )

    (reader,) = shell.json("reader", "add", "ann@example.org")

    assert (reader["zone"], reader["send_time"]) == ("Asia/Tokyo", "05:15")
    assert (reader["weekdays"], reader["papers_per_edition"]) == (["sun"], 3)


def test_an_address_is_taken_once(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org")

    done = shell("reader", "add", "ann@EXAMPLE.org", code=2)

    assert "ann@example.org" in done.err.lower()
    assert len(shell.json("reader", "list")) == 1


@pytest.mark.parametrize("arguments", [["not-an-address"], ["a@example.org", "--zone", "Mars/X"]])
def test_an_impossible_reader_is_refused(shell: Shell, arguments: list[str]) -> None:
    done = shell("reader", "add", *arguments, code=2)

    assert done.err.startswith("larkpost: ")
    assert shell.json("reader", "list") == []


def test_wishes_change_one_by_one(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org", "--size", 5, "--interest", "routing")

    (changed,) = shell.json("reader", "set", "ann@example.org", "--at", "21:00")

    assert changed["send_time"] == "21:00"
    assert changed["papers_per_edition"] == 5
    assert [one["words"] for one in changed["interests"]] == [["routing"]]


def test_a_reader_gets_a_notice_on_empty_days_or_not(shell: Shell) -> None:
    (added,) = shell.json("reader", "add", "ann@example.org", "--notify-empty")
    told = shell("reader", "show", "ann@example.org").out
    (kept,) = shell.json("reader", "set", "ann@example.org", "--size", 5)
    (ended,) = shell.json("reader", "set", "ann@example.org", "--no-notify-empty")

    assert [one["notify_when_empty"] for one in (added, kept, ended)] == [True, True, False]
    assert "empty days:     a short email" in told
    assert "no email" in shell("reader", "show", "ann@example.org").out


def test_a_reader_pauses_resumes_and_leaves(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org")

    states = [
        shell.json("reader", "set", "ann@example.org", option)[0]["status"]
        for option in ("--pause", "--resume", "--leave")
    ]

    assert states == ["paused", "active", "left"]


def test_a_feed_is_switched_off_until_it_gets_a_new_address(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org")

    (off,) = shell.json("reader", "feed", "disable", "ann@example.org")
    told = shell("reader", "show", "ann@example.org").out
    (on,) = shell.json("reader", "feed", "rotate", "ann@example.org")

    assert off["feed"] is None
    assert "disabled" in told
    assert "/feed/" not in told
    assert on["feed"].endswith(".rss")


def test_a_new_feed_address_replaces_the_old_one(shell: Shell) -> None:
    (before,) = shell.json("reader", "add", "ann@example.org")

    (after,) = shell.json("reader", "feed", "rotate", "ann@example.org")

    assert after["feed"] != before["feed"]


def test_a_reader_is_shown_in_words(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org", "--interest", "routing")

    shown = shell("reader", "show", "ann@example.org").out

    assert "ann@example.org" in shown
    assert "routing" in shown
    assert shown.count("/feed/") == 3


def test_a_reader_is_forgotten(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org")

    shell("reader", "remove", "ann@example.org", "--yes")

    assert shell.json("reader", "list") == []


@pytest.mark.parametrize("command", ["show", "remove"])
def test_a_reader_who_is_not_there_is_named(shell: Shell, command: str) -> None:
    done = shell("reader", command, "nobody@example.org", code=2)

    assert "nobody@example.org" in done.err


def test_a_reader_is_not_forgotten_where_nobody_can_be_asked(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org")

    for more in ([], ["--json"]):
        refused = shell("reader", "remove", "ann@example.org", *more, stdin=b"y\n", code=2)
        assert "--yes" in refused.err
        assert refused.out == ""

    assert len(shell.json("reader", "list")) == 1


@pytest.mark.parametrize(
    "impossible",
    [
        ("--pause", "--until", "2001-01-01"),
        ("--address", "bea@example.org"),
        ("--zone", "Mars/Olympus"),
        ("--interest", "x" * 500),
        ("--threshold", "1"),
    ],
)
def test_wishes_are_granted_together_or_not_at_all(
    shell: Shell, impossible: tuple[str, ...]
) -> None:
    shell("reader", "add", "bea@example.org")
    shell("reader", "add", "ann@example.org", "--interest", "proteins")
    before = shell.json("reader", "show", "ann@example.org")
    wishes = ["--name", "Anna", "--at", "07:30", "--weekly", "--size", "3"]

    shell("reader", "set", "ann@example.org", *wishes, *impossible, code=2)

    assert shell.json("reader", "show", "ann@example.org") == before


def test_a_reader_who_left_keeps_all_where_there_is_nothing_to_pause(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org")
    shell("reader", "set", "ann@example.org", "--leave")
    before = shell.json("reader", "show", "ann@example.org")

    shell("reader", "set", "ann@example.org", "--name", "Anna", "--weekly", "--pause", code=2)

    assert shell.json("reader", "show", "ann@example.org") == before


def test_wishes_and_acts_go_in_one_call(shell: Shell) -> None:
    shell("reader", "add", "ann@example.org")

    [told] = shell.json(
        "reader", "set", "ann@example.org", "--name", "Anna", "--days", "weekdays", "--pause",
    )  # fmt: skip

    assert (told["name"], told["status"]) == ("Anna", "paused")
    assert told["weekdays"] == ["mon", "tue", "wed", "thu", "fri"]


def test_the_list_tells_when_a_reader_who_came_by_the_form_goes(shell: Shell) -> None:
    shell("init")
    shell("reader", "add", "ada@example.org")
    line = {"reader": "5c2e2e52-0b7c-4d60-8f7e-0d6b3a0f2b11", "expires": True}
    path = shell.folder / "readers.jsonl"
    path.write_text(json.dumps(line | {"created": datetime.now(UTC).isoformat()}) + "\n")
    shell("import", "--readers", path)

    ada, stranger = shell("reader", "list", "--json").lines

    end = datetime.now(UTC).date() + timedelta(days=7)
    assert (ada["expires"], ada["expires_on"]) == (False, None)
    assert stranger["expires"] is True
    assert stranger["expires_on"] in {str(end), str(end - timedelta(days=1))}
    assert str(end)[:4] in shell("reader", "list").out.splitlines()[2].split("\t")[-1]
    assert json.loads(shell("status", "--json").out)["expiring"] == 1
    assert "may expire: 1 reader" in " ".join(shell("status").out.split())
