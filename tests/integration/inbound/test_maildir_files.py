"""Nothing in the inbound Maildir blocks mail or costs unbounded time."""

from __future__ import annotations

import os
import socket
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.outbox_helpers import publish
from tests.integration.inbound.test_maildir import HARD, POST, VACATION, bounce_of, status_of, to

from larkpost.domain import Status
from larkpost.errors import Failure
from larkpost.formats.mail.mail_parser import LARGEST, MOST_READ
from larkpost.inbound import maildir as inbound_maildir
from larkpost.inbound.maildir import collect
from larkpost.inbound.maildir_files import RefusedMail, move_mail, open_maildir
from larkpost.inbound.process import InboundKind, receive

if TYPE_CHECKING:
    from typing import Any

    from larkpost.db.engine import Store

MINUTE = timedelta(minutes=1)
PARTS = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 5000


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (tmp_path / "returns" / part).mkdir(parents=True)
    return tmp_path / "returns"


def put_oddities(maildir: Path, secret: Path) -> None:
    """Put in what is no file, each under a name that comes before the mail."""
    new = maildir / "new"
    (new / "1.folder").mkdir()
    (new / "1.full").mkdir()
    (new / "1.full" / "inside").write_bytes(b"x")
    os.mkfifo(new / "2.pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(new / "3.socket"))
    (new / "4.secret").symlink_to(secret)
    (new / "5.itself").symlink_to(new / "5.itself")
    (new / "6.dangling").symlink_to(maildir / "nowhere")
    (new / "7.folder").symlink_to(maildir)
    (new / "8.device").symlink_to("/dev/zero")


def descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_what_is_no_file_blocks_no_mail_and_is_put_aside_unread(
    store: Store, maildir: Path, tmp_path: Path
) -> None:
    (reader,) = publish(store, 1)
    secret = tmp_path / "secret.key"
    secret.write_bytes(b"k" * 32)
    put_oddities(maildir, secret)
    (maildir / "new" / "9.good").write_bytes(bounce_of(store, reader, HARD))

    tally = collect(store, POST, maildir, now=NOW)

    assert tally == Counter({InboundKind.FOREIGN: 9, InboundKind.SUSPENDED: 1})
    assert status_of(store, reader) is Status.SUSPENDED
    assert list((maildir / "new").iterdir()) == []
    assert [mail.name for mail in (maildir / "cur").iterdir()] == ["9.good:2,S"]
    aside = {one.name.partition(".")[2] for one in (maildir / "refused").iterdir()}
    assert aside == {"1.folder", "1.full", "2.pipe", "3.socket", "4.secret", "5.itself",
                     "6.dangling", "7.folder", "8.device"}  # fmt: skip
    assert secret.read_bytes() == b"k" * 32
    assert next((maildir / "refused").glob("*.1.full/inside")).read_bytes() == b"x"


def test_two_hundred_rounds_leave_no_descriptor_open(
    store: Store, maildir: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.key"
    secret.write_bytes(b"k" * 32)
    collect(store, POST, maildir, now=NOW)
    before = descriptors()

    for _ in range(200):
        put_oddities(maildir, secret)
        (maildir / "new" / "9.mail").write_bytes(b"Subject: hello\n\nhello\n")
        collect(store, POST, maildir, now=NOW)
        for one in (maildir / "refused").iterdir():
            if one.is_dir() and not one.is_symlink():
                for inside in one.iterdir():
                    inside.unlink()
                one.rmdir()

    assert descriptors() <= before
    assert len(list((maildir / "cur").iterdir())) == 200


def test_what_cannot_be_read_or_moved_is_reported_once_and_blocks_no_mail(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (reader,) = publish(store, 1)
    for name in ("1.unreadable", "2.unmovable"):
        (maildir / "new" / name).write_bytes(b"Subject: hello\n\nhello\n")

    def stubborn(function: Any, name: str) -> Any:
        def call(path: Any, *args: Any, **named: Any) -> Any:
            if name in str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return function(path, *args, **named)

        return call

    monkeypatch.setattr(os, "open", stubborn(os.open, "unreadable"))
    monkeypatch.setattr(os, "rename", stubborn(os.rename, "2.unmovable"))
    for number in range(3):
        (maildir / "new" / f"9.{number}").write_bytes(b"Subject: x\n\nx\n")
        assert collect(store, POST, maildir, now=NOW + number * MINUTE)[InboundKind.FOREIGN] >= 1

    left = [record for record in caplog.records if "inbound.skipped" in record.getMessage()]
    assert len(left) == 2
    assert sorted(mail.name for mail in (maildir / "new").iterdir()) == [
        "1.unreadable",
        "2.unmovable",
    ]
    monkeypatch.undo()
    (maildir / "new" / "1.unreadable").write_bytes(bounce_of(store, reader, HARD))
    collect(store, POST, maildir, now=NOW + 90 * MINUTE)

    assert status_of(store, reader) is Status.SUSPENDED
    assert not any((maildir / "new").iterdir())


def test_a_mail_that_vanishes_meanwhile_stops_nothing(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (maildir / "new" / "2.there").write_bytes(b"Subject: x\n\nx\n")
    monkeypatch.setattr(
        inbound_maildir, "first_names", lambda *_args, **_named: ["1.gone", "2.there"]
    )

    assert collect(store, POST, maildir, now=NOW) == Counter({InboundKind.FOREIGN: 1})


@pytest.mark.parametrize("part", ["new", "cur"])
def test_a_folder_that_cannot_be_used_is_reported_in_words(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir" if part == "cur" else "scandir", refuse)

    with pytest.raises(Failure, match="Permission denied"):
        collect(store, POST, maildir, now=NOW)


@pytest.mark.parametrize("part", ["new", "cur"])
def test_no_other_folder_is_emptied_or_filled_through_a_link(
    store: Store, maildir: Path, tmp_path: Path, part: str
) -> None:
    (maildir / "new" / "1.mail").write_bytes(b"Subject: x\n\nx\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "smtp__password").write_text("secret")
    (maildir / part).rename(maildir / "moved")
    (maildir / part).symlink_to(tmp_path / "secrets")

    with pytest.raises(Failure, match=f"{part} in it is a symbolic link"):
        collect(store, POST, maildir, now=NOW)

    assert [one.name for one in (tmp_path / "secrets").iterdir()] == ["smtp__password"]


def test_a_mail_replaces_no_other_of_its_name(store: Store, maildir: Path) -> None:
    (maildir / "cur" / "1.a:2,").write_bytes(b"the first")
    (maildir / "cur" / "1.a,2:2,").mkdir()
    (maildir / "new" / "1.a").write_bytes(b"Subject: x\n\nthe second")

    collect(store, POST, maildir, now=NOW)

    assert (maildir / "cur" / "1.a:2,").read_bytes() == b"the first"
    assert (maildir / "cur" / "1.a,3:2,").read_bytes().endswith(b"the second")


def test_the_longest_name_there_can_be_is_moved(store: Store, maildir: Path) -> None:
    (maildir / "new" / ("ü" * 127)).write_bytes(b"Subject: x\n\nx")

    collect(store, POST, maildir, now=NOW)

    assert not any((maildir / "new").iterdir())
    (moved,) = (maildir / "cur").iterdir()
    assert moved.name.endswith(":2,")


def test_a_name_in_no_encoding_is_moved_as_it_is(store: Store, maildir: Path) -> None:
    name = os.fsdecode(b"1.\xff\xfe")
    (maildir / "new" / name).write_bytes(b"Subject: x\n\nx")
    (maildir / "new" / f"{name}.parts").write_bytes(PARTS)

    collect(store, POST, maildir, now=NOW)

    assert [mail.name for mail in (maildir / "cur").iterdir()] == [f"{name}:2,"]
    assert len(list((maildir / "refused").iterdir())) == 1


def test_hidden_files_are_none_of_ours(store: Store, maildir: Path) -> None:
    (maildir / "new" / ".nfs0001").write_bytes(b"x")

    assert not collect(store, POST, maildir, now=NOW)
    assert (maildir / "new" / ".nfs0001").exists()


def test_what_no_mail_program_sends_is_put_aside_with_a_word_once_and_not_tried_again(
    store: Store, maildir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (reader,) = publish(store, 1)
    (maildir / "new" / "1.parts").write_bytes(bounce_of(store, reader, PARTS))
    with (maildir / "new" / "2.large").open("wb") as file:
        file.write(bounce_of(store, reader, HARD))
        file.truncate(64_000_000)

    assert collect(store, POST, maildir, now=NOW) == Counter({InboundKind.REFUSED: 2})
    assert not collect(store, POST, maildir, now=NOW)

    told = [record.getMessage() for record in caplog.records]
    assert len([line for line in told if "inbound.rejected" in line]) == 2
    assert any("100 parts" in line for line in told)
    assert any("64000000 bytes" in line for line in told)
    assert status_of(store, reader) is Status.ACTIVE
    kept = sorted(mail.name for mail in (maildir / "refused").iterdir())
    assert [name.partition(".")[2] for name in kept] == ["1.parts", "2.large"]


def test_a_bounce_that_carries_a_large_message_along_is_read_by_its_beginning(store: Store) -> None:
    (reader,) = publish(store, 1)
    mail = bounce_of(store, reader, HARD + b"<p>abstract</p>\n" * 20_000)

    assert MOST_READ < len(mail) < LARGEST
    assert receive(store, POST, mail, now=NOW).meaning is InboundKind.SUSPENDED


def test_what_was_refused_is_kept_up_to_a_number_and_a_size(maildir: Path) -> None:
    (maildir / "refused").mkdir()
    (maildir / "refused" / "0.folder").mkdir()
    with open_maildir(maildir) as parts:
        refused = RefusedMail(parts.top, most=5, most_bytes=1000)
        for number in range(9):
            (maildir / "new" / f"{number}").write_bytes(b"x" * 100)
            refused.take_in(f"{number}", parts.new, f"2026080{number + 1}")
        names = sorted(one.name for one in (maildir / "refused").iterdir())
        assert names == ["0.folder", *(f"2026080{n + 1}.{n}" for n in range(4, 9))]

        (maildir / "new" / "large").write_bytes(b"x" * 950)
        _, dropped = refused.take_in("large", parts.new, "20260810")

    assert len(dropped) == 5
    assert sorted(one.name for one in (maildir / "refused").iterdir()) == [
        "0.folder",
        "20260810.large",
    ]


def test_nothing_is_put_aside_through_a_link(store: Store, maildir: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (maildir / "refused").symlink_to(tmp_path / "elsewhere")
    (maildir / "new" / "1.parts").write_bytes(PARTS)

    collect(store, POST, maildir, now=NOW)

    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (maildir / "new" / "1.parts").exists()


def test_a_flood_is_taken_in_portions_of_so_many_mails(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_maildir, "MOST", 7)
    for number in range(20):
        (maildir / "new" / f"{number:02}").write_bytes(b"Subject: x\n\nx\n")

    taken = [collect(store, POST, maildir, now=NOW).total() for _ in range(4)]

    assert taken == [7, 7, 6, 0]


def test_a_portion_ends_by_its_bytes_and_by_its_time(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (maildir / "new" / f"{number:02}").write_bytes(b"Subject: x\n\n" + b"x" * 988)
    seconds = iter(range(100))

    by_time = collect(store, POST, maildir, now=NOW, clock=lambda: next(seconds)).total()
    monkeypatch.setattr(inbound_maildir, "MOST_BYTES", 3500)
    by_size = collect(store, POST, maildir, now=NOW).total()

    assert by_time == inbound_maildir.MOST_SECONDS - 1
    assert by_size == 4


def test_a_hundred_thousand_mails_keep_the_tick_for_one_portion(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_maildir, "MOST", 50)
    original = maildir / "tmp" / "one"
    original.write_bytes(to("post@paper.example", VACATION))
    for batch in range(10):  # hard links are quick to make; ext4 allows 65,000 of one file
        copy = maildir / "tmp" / f"copy{batch}"
        copy.write_bytes(original.read_bytes())
        for number in range(10_000):
            os.link(copy, maildir / "new" / f"{batch}.{number:05}")

    assert collect(store, POST, maildir, now=NOW).total() == 50
    assert min(mail.name for mail in (maildir / "cur").iterdir()) == "0.00000:2,"


def test_what_is_left_does_not_keep_mail_behind_it_out_of_a_portion(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_maildir, "MOST", 3)
    rename = os.rename

    def stubborn(name: str, target: str, **places: int) -> None:
        if name.startswith("1."):
            raise PermissionError(13, "Permission denied")
        rename(name, target, **places)

    monkeypatch.setattr(os, "rename", stubborn)
    for number in range(6):
        (maildir / "new" / f"1.{number}").mkdir()
    (maildir / "new" / "2.mail").write_bytes(b"Subject: x\n\nx\n")

    for _ in range(3):
        collect(store, POST, maildir, now=NOW)

    assert [mail.name for mail in (maildir / "cur").iterdir()] == ["2.mail:2,"]


def test_a_folder_in_which_nothing_can_be_moved_is_reported_as_one(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_name: str, _target: str, **_places: int) -> None:
        raise OSError(28, "No space left on device")

    for number in range(20):
        (maildir / "new" / f"{number}").write_bytes(b"Subject: x\n\nx\n")
    monkeypatch.setattr(os, "rename", full)

    with pytest.raises(Failure, match="No space left"):
        collect(store, POST, maildir, now=NOW)
    assert len(list((maildir / "new").iterdir())) == 20


def test_a_name_is_cut_between_characters_or_not_at_all(maildir: Path) -> None:
    (maildir / "new" / ("é" * 120)).write_bytes(b"x")

    with open_maildir(maildir) as parts:
        name = "é" * 120
        moved = move_mail(name, parts.new, parts.cur, before="20260807T060000.", flags="S")

    assert (maildir / "cur" / moved).read_bytes() == b"x"
    assert len(os.fsencode(moved)) < 255
