"""The transport into a Maildir."""

from __future__ import annotations

import email
import mailbox
import stat
import threading
from dataclasses import replace
from email import policy
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost import safe_files
from larkpost.domain import Message
from larkpost.errors import Deferred
from larkpost.transports.maildir import Maildir, remove_messages

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"To: ada@example.org\r\nMessage-ID: <1@example.org>\r\n\r\n.one\r\n\r\ntwo\r\n"
ADA = Message("post@example.org", "ada@example.org", "<1@example.org>", CONTENT)
BOB = replace(ADA, recipient="bob@example.org", message_id="<2@example.org>")


def put(folder: Path, *messages: Message) -> None:
    with Maildir(folder) as open_transport:
        for newsletter in messages:
            open_transport.send(newsletter)


def test_any_mail_program_finds_the_messages_unread(tmp_path: Path) -> None:
    put(tmp_path / "mail", ADA, BOB)

    box = mailbox.Maildir(tmp_path / "mail", create=False)
    try:
        found = list(box)
    finally:
        box.close()
    assert len(found) == 2
    assert {message.get_subdir() for message in found} == {"new"}
    assert {message.get_payload() for message in found} == {".one\n\ntwo\n"}


def test_a_message_in_the_folder_parses_without_a_defect(tmp_path: Path) -> None:
    put(tmp_path, ADA)

    (file,) = (tmp_path / "new").iterdir()
    message = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert message.defects == []
    assert message["Message-ID"] == "<1@example.org>"
    assert file.read_bytes() == CONTENT.replace(b"\r\n", b"\n")


def test_a_message_that_is_there_is_not_put_there_again(tmp_path: Path) -> None:
    put(tmp_path, ADA, ADA)
    put(tmp_path, ADA, BOB)

    assert len(list((tmp_path / "new").iterdir())) == 2


def test_a_message_that_has_been_read_is_not_put_there_again(tmp_path: Path) -> None:
    put(tmp_path, ADA)
    (file,) = (tmp_path / "new").iterdir()
    file.rename(tmp_path / "cur" / f"{file.name}:2,RS")

    put(tmp_path, ADA)

    assert list((tmp_path / "new").iterdir()) == []


def test_a_message_id_never_becomes_a_path(tmp_path: Path) -> None:
    put(tmp_path / "mail", replace(ADA, message_id="</../../../outside@example.org>"))

    assert [path.name for path in tmp_path.iterdir()] == ["mail"]
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 1


def test_what_a_crash_left_half_written_is_no_message(tmp_path: Path) -> None:
    put(tmp_path, ADA)
    (name,) = [file.name for file in (tmp_path / "new").iterdir()]
    (tmp_path / "new" / name).rename(tmp_path / "tmp" / f"{name}.1")

    put(tmp_path, ADA)

    assert [file.name for file in (tmp_path / "new").iterdir()] == [name]


def test_nobody_else_can_read_the_folder(tmp_path: Path) -> None:
    put(tmp_path / "mail", ADA)

    assert stat.S_IMODE((tmp_path / "mail" / "new").stat().st_mode) == 0o700


def test_two_mail_servers_into_one_folder_leave_one_copy(tmp_path: Path) -> None:
    messages = [replace(ADA, message_id=f"<{number}@example.org>") for number in range(30)]
    threads = [threading.Thread(target=put, args=(tmp_path, *messages)) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(list((tmp_path / "new").iterdir())) == 30
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_folder_that_cannot_be_written_stops_sending(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the folder should be")

    with pytest.raises(Deferred, match="mail cannot be written") as deferral:
        put(tmp_path / "mail", ADA)

    assert deferral.value.server_fault
    assert deferral.value.hint


def write(folder: Path, name: str, text: str) -> Path:
    (folder / "cur").mkdir(parents=True, exist_ok=True)
    newsletter = folder / "cur" / name
    newsletter.write_text(text, "utf-8")
    return newsletter


def test_messages_to_an_address_are_removed_and_those_to_longer_ones_stay(tmp_path: Path) -> None:
    gone = [
        write(tmp_path, "1", "To: Ada@Example.org\n\nx"),
        write(tmp_path, "2", "From: a\nTo: Ada <ada@example.org>\n\nx"),
        write(tmp_path, "3", "Subject: x\nTo: emmy@example.org,\n ada@example.org.\n\nx"),
    ]
    others = [
        write(tmp_path, "4", "To: x.ada@example.org\n\nx"),
        write(tmp_path, "5", "To: ada@example.org.au\n\nx"),
        write(
            tmp_path, "6", "To: emmy@example.org\n\nby ada@example.org"
        ),  # an abstract may say so
        write(tmp_path, "7", "To: emmy@example.org\nSubject: ada@example.org\n\nx"),  # a title
        write(tmp_path, "8", "From: ada@example.org\nTo: emmy@example.org\n\nx"),
    ]

    stayed = remove_messages(tmp_path, addresses=["ada@example.org"])

    assert stayed == 0
    assert [newsletter.exists() for newsletter in gone] == [False] * 3
    assert [newsletter.exists() for newsletter in others] == [True] * 5


def test_mail_that_came_back_is_removed_by_what_its_report_says(tmp_path: Path) -> None:
    gone = write(tmp_path, "1", "To: bounces@x.org\n\nFinal-Recipient: rfc822; ada@example.org\n")
    outside = tmp_path / "outside"
    outside.write_text("ada@example.org")
    (tmp_path / "cur" / "link").symlink_to(outside)

    remove_messages(tmp_path, addresses=["ada@example.org"], whole=True)

    assert not gone.exists()
    assert outside.exists()  # what a link leads to is neither read nor removed
    assert remove_messages(tmp_path / "nowhere", addresses=["ada@example.org"]) == 0


def test_nothing_is_removed_through_a_folder_that_somebody_else_made_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = write(tmp_path / "backups", "larkpost.db", "SQLite, and ada@example.org")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "cur").symlink_to(tmp_path / "backups" / "cur")
    monkeypatch.setattr(safe_files, "is_own", lambda status: not stat.S_ISLNK(status.st_mode))

    remove_messages(tmp_path / "mail", addresses=["ada@example.org"], whole=True)

    assert backup.exists()


def test_to_look_for_an_address_takes_little_longer_than_to_read_a_mail(tmp_path: Path) -> None:
    mails = [write(tmp_path, str(n), "ada@example.net and others " * 10_000) for n in range(8)]

    def ratio() -> float:
        find = partial(remove_messages, tmp_path, addresses=["ada@example.org"], whole=True)
        return cpu_seconds(find, 5) / cpu_seconds(read, 5)

    def read() -> list[bytes]:
        return [mail.read_bytes().lower() for mail in mails]

    assert_grows_less_than(ratio, 6)
