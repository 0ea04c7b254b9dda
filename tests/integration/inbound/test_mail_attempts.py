"""Tests that a mail which ends the daemon is set aside after some attempts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.digest_mails import LUNCH, mails_in, make_maildir, put_mail
from tests.integration.inbound.test_maildir import POST

from larkpost.errors import Busy
from larkpost.inbound import maildir as inbound_maildir
from larkpost.inbound.maildir import collect
from larkpost.inbound.process import InboundKind, InboundResult
from larkpost.ingest import spool

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store


class Killed(BaseException):
    """Stands for the end of the process: nothing runs after it."""


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    return make_maildir(tmp_path / "mail")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Record the mails that are read; the process is killed by the one that says so."""
    seen: list[bytes] = []

    def receive(_store: object, _mailboxes: object, content: bytes, **_named: object) -> object:
        seen.append(content)
        if content == b"killer":
            # What a killed process would have done at its end is not done.
            monkeypatch.setattr(spool.ReadAttempts, "forget", lambda _attempts: None)
            raise Killed
        if content == b"busy":
            raise Busy("the database is locked")
        return InboundResult(InboundKind.FOREIGN)

    monkeypatch.setattr(inbound_maildir, "receive_safely", receive)
    return seen


def start_again(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> Counter[InboundKind] | None:
    """Sweep as a new process does; None if a mail killed it."""
    forget = spool.ReadAttempts.forget
    inbound_maildir._tidied.clear()
    inbound_maildir._left.clear()
    try:
        return collect(store, POST, maildir, now=NOW)
    except Killed:
        return None
    finally:
        monkeypatch.setattr(spool.ReadAttempts, "forget", forget)


def test_a_mail_that_ends_the_program_three_times_is_set_aside_and_the_others_are_read(
    store: Store, maildir: Path, read: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_mail(maildir, "1.a", b"killer")
    put_mail(maildir, "2.b", LUNCH)

    ends = [start_again(store, maildir, monkeypatch) for _ in range(4)]

    assert ends == [None, None, None, Counter({InboundKind.REFUSED: 1, InboundKind.FOREIGN: 1})]
    assert read.count(b"killer") == 3
    assert mails_in(maildir) == ["2.b:2,"]
    assert [name[-3:] for name in mails_in(maildir, "refused")] == ["1.a"]
    assert mails_in(maildir, "new") == []


def test_a_mail_that_is_read_leaves_no_count_behind(
    store: Store, maildir: Path, read: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_mail(maildir, "1.a", LUNCH)

    start_again(store, maildir, monkeypatch)

    assert read == [LUNCH]
    assert mails_in(maildir, "new") == []


def test_a_busy_database_does_not_count_against_a_mail(
    store: Store, maildir: Path, read: list[bytes]
) -> None:
    put_mail(maildir, "1.a", b"busy")

    for number in range(5):
        with pytest.raises(Busy):
            collect(store, POST, maildir, now=NOW + timedelta(hours=number))

    assert read == [b"busy"] * 5
    assert mails_in(maildir, "new") == ["1.a"]


def test_the_count_of_a_mail_that_somebody_removed_goes_too(
    store: Store, maildir: Path, read: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_mail(maildir, "1.a", b"killer")
    start_again(store, maildir, monkeypatch)
    (maildir / "new" / "1.a").unlink()
    assert len(mails_in(maildir, "new")) == 1

    start_again(store, maildir, monkeypatch)

    assert mails_in(maildir, "new") == []
    assert read == [b"killer"]
