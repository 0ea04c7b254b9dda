"""The report on merged readers whose addresses differ only in case."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from tests.helpers.cli_helpers import Shell
from tests.helpers.old_databases import Before, left_at

from larkpost.tokens import make_key

if TYPE_CHECKING:
    from pathlib import Path


def old_home(folder: Path) -> Shell:
    """Make a home of the version before, with two readers for one mailbox."""
    folder.mkdir()
    request = cast("Any", SimpleNamespace(param="sqlite"))
    with left_at("0009", request, folder) as store, store.begin() as connection:
        before = Before(connection)
        before.reader(1, "ann@example.org", status="left")
        before.reader(2, "Ann@example.org")
        before.interest(1, 1, "main")
        before.interest(2, 2, "main")
    make_key(folder / "home" / "secret.key")
    return Shell(folder, {"LARKPOST_DATABASE__URL": f"sqlite:///{folder}/old.db"})


def test_migrate_names_who_was_merged(tmp_path: Path) -> None:
    told = old_home(tmp_path / "a")("migrate")
    (record,) = old_home(tmp_path / "b").json("migrate")

    assert "ann@example.org was merged into Ann@example.org, left" in told.out
    assert record["merged"] == [
        {"former_address": "ann@example.org", "reader": "Ann@example.org", "status": "left"}
    ]


def test_any_command_that_migrates_tells_of_it_once_and_status_for_good(tmp_path: Path) -> None:
    shell = old_home(tmp_path / "a")
    first, second = shell("reader", "list"), shell("reader", "list")
    (shown,) = shell.json("reader", "show", "ANN@example.org")

    assert "reader.merged" in first.err
    assert '"former_address": "ann@example.org"' in first.err
    assert second.err == ""
    assert shown["former_addresses"] == ["ann@example.org"]
    assert "former:         ann@example.org" in shell("reader", "show", "ann@example.org").out
    assert "merged because their addresses differ only in case: 1" in shell("status").out
    assert shell.json("status")[0]["jobs"]["merge"]["detail"]["stopped"] == 1
