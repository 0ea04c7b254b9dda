"""A user with thousands of subordinate uids (subuid(5)) has the turns of one user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from larkpost.inbound.maildir_files import first_names, read_mail
from larkpost.ingest import file_owners
from larkpost.ingest.file_owners import owner_lookup
from larkpost.ingest.spool import inspect_file, lying_in
from larkpost.safe_files import open_folder

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = 1_234


@pytest.fixture
def ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty list of ranges."""
    file = tmp_path / "subuid"
    file.write_text("")
    monkeypatch.setattr(file_owners, "RANGES", file)
    return file


@pytest.mark.parametrize(
    ("uid", "user"),
    [(99_999, 99_999), (100_000, HOLDER), (165_535, HOLDER), (165_536, 0), (300_000, 300_000),
     (HOLDER, HOLDER), (400_000, 400_000), (-1, -1)],
)  # fmt: skip  # a list of numbers reads better in rows
def test_a_subordinate_uid_is_that_of_the_user_who_holds_its_range(
    ranges: Path, uid: int, user: int
) -> None:
    ranges.write_text(
        f"{HOLDER}:100000:65536\nroot:165536:65536\n# a comment\nx:y:z\nwho-left:400000:9\n"
    )

    assert owner_lookup()(uid) == user


def test_without_ranges_each_uid_is_a_user(ranges: Path) -> None:
    ranges.unlink()

    assert owner_lookup()(100_000) == 100_000


def test_changed_ranges_are_read_again(ranges: Path) -> None:
    assert owner_lookup()(100_000) == 100_000
    ranges.write_text(f"{HOLDER}:100000:65536\n")
    os.utime(ranges, (1, 1))

    assert owner_lookup()(100_000) == HOLDER


def test_files_and_mails_of_subordinate_uids_are_in_the_turns_of_their_user(
    ranges: Path, tmp_path: Path
) -> None:
    ranges.write_text(f"{HOLDER}:{os.geteuid()}:1\n")
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "page.txt").write_text("page")
    asked: list[int] = []

    def served(owner: int) -> int:
        asked.append(owner)
        return 0

    with open_folder(folder) as new:
        first_names(new, 1, last=lambda _name: False, served=served)
        mail = read_mail("page.txt", new)

    assert asked == [HOLDER]
    assert mail.owner == HOLDER
    assert [one.owner for one in lying_in(folder)] == [HOLDER]
    assert inspect_file(folder / "page.txt").owner == HOLDER
