"""Other users who may write to the inbound Maildir reach no other folder, and delay no mail."""

from __future__ import annotations

import os
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.outbox_helpers import publish
from tests.helpers.scarce_resources import mounted_on
from tests.integration.inbound.test_maildir import HARD, POST, bounce_of, status_of

from larkpost.domain import Status
from larkpost.inbound import maildir as inbound_maildir
from larkpost.inbound.maildir import collect
from larkpost.inbound.maildir_files import RefusedMail, first_names, open_maildir

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from larkpost.db.engine import Store
    from larkpost.inbound.process import InboundResult

MAIL = b"Subject: x\n\nx\n"


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (tmp_path / "returns" / part).mkdir(parents=True)
    return tmp_path / "returns"


def swap(maildir: Path, part: str, target: Path) -> None:
    """Put a link in the place of a folder of the Maildir, as its owner can at any time."""
    if (maildir / part).exists():
        (maildir / part).rename(maildir / f"{part}.real")
    (maildir / part).symlink_to(target)


@pytest.mark.parametrize("part", ["new", "cur"])
def test_a_folder_that_becomes_a_link_while_mails_are_read_moves_nothing_elsewhere(
    store: Store, maildir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("secret.key", "larkpost.db"):
        (home / name).write_bytes(b"precious")
        (maildir / "new" / name).write_bytes(MAIL)
    (maildir / "new" / "0").write_bytes(MAIL)
    receive = inbound_maildir.receive_safely

    def receive_and_swap(*args: object, **named: object) -> InboundResult:
        if not (maildir / part).is_symlink():
            swap(maildir, part, home)
        return receive(*args, **named)  # type: ignore[arg-type]  # as the program calls it

    monkeypatch.setattr(inbound_maildir, "receive_safely", receive_and_swap)
    assert collect(store, POST, maildir, now=NOW).total() == 3

    assert sorted(one.name for one in home.iterdir()) == ["larkpost.db", "secret.key"]
    assert (home / "secret.key").read_bytes() == b"precious"


def test_no_file_of_another_folder_is_deleted_through_a_link_in_place_of_refused(
    maildir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for number in range(5):
        (home / f"backup{number}").write_bytes(b"precious")
    (maildir / "refused").mkdir()
    (maildir / "new" / "1.parts").write_bytes(MAIL)
    scandir = os.scandir

    def swap_and_scan(place: int) -> object:
        swap(maildir, "refused", home)  # between the move and the look for the oldest
        return scandir(place)

    with open_maildir(maildir) as parts:
        monkeypatch.setattr(os, "scandir", swap_and_scan)
        RefusedMail(parts.top, most=1).take_in("1.parts", parts.new, "20260810")

    assert len(list(home.iterdir())) == 5


def test_hidden_names_keep_no_mail_from_being_read(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("larkpost.inbound.maildir_files.MOST_LISTED", 50)
    (reader,) = publish(store, 1)
    for number in range(200):
        (maildir / "new" / f".{number}").touch()
    (maildir / "new" / "9.good").write_bytes(bounce_of(store, reader, HARD))

    collect(store, POST, maildir, now=NOW)

    assert status_of(store, reader) is Status.SUSPENDED


class Owned:
    """An entry of a folder, as ``os.scandir`` gives it, that belongs to a user."""

    def __init__(self, name: str, owner: int) -> None:
        self.name = name
        self._owner = owner

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        assert not follow_symlinks
        return os.stat_result((0o100600, 0, 0, 1, self._owner, 0, 0, 0, 0, 0))


class Listing(list[Owned]):
    """What ``os.scandir`` returns."""

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


@pytest.fixture
def flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one user put thousands of mails with early names beside two of the mail server."""
    entries = [Owned(f"0{number:04}", 1234) for number in range(5_000)]
    entries += [Owned("1795.host", 8), Owned("1796.host", 8)]
    monkeypatch.setattr(os, "scandir", lambda _folder: Listing(entries))


@pytest.mark.usefixtures("flood")
def test_users_whose_mails_wait_take_turns() -> None:
    names = first_names(0, 6, last=lambda _name: False)

    assert names == ["00000", "1795.host", "00001", "1796.host", "00002", "00003"]


@pytest.mark.usefixtures("flood")
def test_the_user_who_waited_longest_is_first() -> None:
    served = {1234: 7, 8: 3}

    assert first_names(0, 1, last=lambda _name: False, served=served.__getitem__) == ["1795.host"]


@pytest.mark.usefixtures("flood")
def test_what_could_not_be_read_comes_behind_the_mails_of_all() -> None:
    names = first_names(0, 5_002, last=lambda name: name == "1795.host")

    assert (len(names), names[-1]) == (5_002, "1795.host")


def test_a_user_whose_mail_was_read_is_behind_others_at_the_next_sweep(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(0, 1_000, 3))
    asked: list[int] = []

    def first_and_ask(folder: int, most: int, **named: object) -> list[str]:
        served = named["served"]
        assert callable(served)
        asked.append(served(os.geteuid()))
        return first_names(folder, most, **named)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(inbound_maildir, "first_names", first_and_ask)
    for number in range(4):
        (maildir / "new" / f"{number}").write_bytes(MAIL)

    for _ in range(3):
        collect(store, POST, maildir, now=NOW, clock=lambda: next(seconds))

    assert asked[0] < asked[1] < asked[2]


def test_thousands_of_mails_that_cannot_be_read_are_not_logged_again_and_again(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inbound_maildir, "MOST", 4)
    monkeypatch.setattr(inbound_maildir, "_MOST_REMEMBERED", 5)
    monkeypatch.setattr(inbound_maildir, "_left", OrderedDict())
    opening = os.open

    def refuse(path: Any, *args: Any, **named: Any) -> int:
        if str(path).startswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return opening(path, *args, **named)

    monkeypatch.setattr(os, "open", refuse)
    for number in range(20):
        (maildir / "new" / f"locked{number:02}").write_bytes(MAIL)

    for sweep in range(12):
        collect(store, POST, maildir, now=NOW + sweep * timedelta(minutes=1))

    skipped = [one for one in caplog.records if "inbound.skipped" in one.getMessage()]
    assert len(skipped) == 5


def test_an_entry_that_nobody_may_look_at_keeps_no_mail_from_being_read(
    store: Store, maildir: Path
) -> None:
    (maildir / "new" / "0").mkdir()
    (maildir / "new" / "1").write_bytes(MAIL)

    with mounted_on(maildir / "new" / "0"):
        collect(store, POST, maildir, now=NOW)

    assert [one.name for one in (maildir / "new").iterdir()] == ["0"]
    assert [one.name for one in (maildir / "cur").iterdir()] == ["1:2,"]
