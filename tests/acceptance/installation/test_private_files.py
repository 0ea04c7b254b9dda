"""Tests that only the owner can read what Larkpost makes, whatever the umask of the caller."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import PROGRAM, SAMPLE, Shell

if TYPE_CHECKING:
    from pathlib import Path

CALLS = (
    ("init",),
    ("ingest", str(SAMPLE)),
    ("reader", "add", "ann@example.org"),
    ("publish", "ann@example.org"),
    ("deliver",),
    ("tick",),
    ("export", "out/export"),
    ("evaluate", "ann@example.org", "--html", "report.html"),
)


def call(shell: Shell, *arguments: str) -> None:
    """Call as a user would whose umask lets everybody do everything."""
    subprocess.run(
        [PROGRAM, "--home", str(shell.home), *arguments],
        cwd=shell.folder, env=shell.environ, check=True, capture_output=True, umask=0,
    )  # fmt: skip


def open_to_others(folder: Path) -> list[str]:
    """List what others may read, write or enter."""
    return sorted(
        f"{path.relative_to(folder)} {stat.S_IMODE(path.stat().st_mode):o}"
        for path in folder.rglob("*")
        if path.stat().st_mode & 0o077
    )


def test_nothing_in_a_home_an_export_or_a_report_is_open_to_others(tmp_path: Path) -> None:
    shell = Shell(tmp_path)

    for arguments in CALLS:
        call(shell, *arguments)

    assert {path.name for path in tmp_path.iterdir()} >= {"home", "out", "report.html"}
    assert open_to_others(tmp_path) == []


def test_nothing_that_the_demo_makes_is_open_to_others(tmp_path: Path) -> None:
    subprocess.run(
        [PROGRAM, "demo", "--dir", "demo"],
        cwd=tmp_path, env=Shell(tmp_path).environ, check=True, capture_output=True, umask=0,
    )  # fmt: skip

    assert (tmp_path / "demo" / "newsletter.html").is_file()
    assert open_to_others(tmp_path) == []


def test_the_mark_of_a_demo_that_others_have_planted_is_not_written_through(tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("ours")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".larkpost-demo").symlink_to(secret)

    done = subprocess.run(
        [PROGRAM, "demo", "--dir", "demo"],
        cwd=tmp_path, env=Shell(tmp_path).environ, check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 2
    assert "not a folder of the demo" in done.stderr
    assert secret.read_text() == "ours"


@pytest.mark.parametrize("target", ["secret.key", "/dev/null", "pipe"])
def test_a_report_is_not_written_through_a_link_or_over_a_device(
    tmp_path: Path, target: str
) -> None:
    shell = Shell(tmp_path)
    secret = tmp_path / "secret.key"
    secret.write_text("ours")
    os.mkfifo(tmp_path / "pipe")
    page = tmp_path / ("pipe" if target == "pipe" else "report.html")
    if target != "pipe":
        page.symlink_to(target)

    said = shell("evaluate", "--html", page.name, code=2).err

    assert "is a link, or not a file" in said
    assert secret.read_text() == "ours"
    assert page.is_symlink() or page.is_fifo()


def test_the_doctor_says_what_others_may_read_and_write(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_WEB__PORT": "0"})
    shell("init")
    quiet = [one for one in shell.json("doctor") if one["what"] == "permissions"]
    (shell.home / "inbox").chmod(0o1777)
    (shell.home / "larkpost.db").chmod(0o644)
    shell.home.chmod(0o770)

    found = [one for one in shell.json("doctor") if one["what"] == "permissions"]

    assert quiet == []
    assert [one["state"] for one in found] == ["warning"] * 3
    for one, place in zip(found, (shell.home, shell.home / "inbox", "larkpost.db"), strict=True):
        assert str(place) in one["detail"]
        assert "chmod" in one["hint"]
    assert shell.home.stat().st_mode & 0o070  # nothing is changed by itself
