"""Digests by mail: from allowed senders, each once, reported like a file of the inbox."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.dump_files import everything
from tests.helpers.mail.digest_mails import DIGEST, LISTING, LUNCH, mails_in, make_maildir, put_mail
from tests.integration.inbound.test_maildir import POST

from larkpost.bootstrap import build
from larkpost.db import read_dumps
from larkpost.db.coordination import job_status
from larkpost.errors import Busy
from larkpost.inbound import digest_mail
from larkpost.inbound.digest_mail import LARGEST_DIGEST, DigestMail
from larkpost.inbound.digest_senders import DigestSenders
from larkpost.inbound.maildir import collect
from larkpost.inbound.process import InboundKind
from larkpost.ingest.dump_limits import MOST_NEW_MAILED, MOST_OF_OTHERS
from larkpost.ingest.refused_files import all_refusals
from larkpost.scheduler.tick import tick
from larkpost.settings import load
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store

NOW = datetime(2026, 8, 8, 6, tzinfo=UTC)
DIGESTS = DigestMail(DigestSenders(("@arxiv.org",)))
PASSED = b"Authentication-Results: mx.example.org; dmarc=pass header.from=arxiv.org\n"


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    return make_maildir(tmp_path / "mail")


def sweep(store: Store, maildir: Path, digests: DigestMail = DIGESTS) -> Counter[InboundKind]:
    return collect(store, POST, maildir, now=NOW, digests=digests, clock=lambda: 0.0)


def test_a_listing_from_an_allowed_sender_becomes_papers_of_its_day(
    store: Store, maildir: Path
) -> None:
    put_mail(maildir, "1.a", LISTING)

    assert sweep(store, maildir) == Counter({InboundKind.DIGEST: 1})

    assert len(everything(store)) == 5
    assert max(paper.first_seen for paper in everything(store)).date() == date(2026, 8, 7)
    assert mails_in(maildir) == ["1.a:2,S"]
    with store.read() as connection:
        (dump,) = read_dumps.latest(connection)
    assert (dump.name, dump.format, dump.papers) == (
        "cs daily Subj-class mailing 2000c1 1",
        "mail",
        5,
    )


@pytest.mark.parametrize(
    ("server", "field", "texts"),
    [
        ("", b"", Unverified.ALL),
        ("mx.example.org", PASSED, Unverified.NONE),
        ("", PASSED, Unverified.ALL),
    ],
)
def test_the_texts_of_a_mail_are_arxivs_only_if_the_mail_server_says_so(
    store: Store, maildir: Path, server: str, field: bytes, texts: Unverified
) -> None:
    put_mail(maildir, "1.a", field + LISTING)

    sweep(store, maildir, DigestMail(DigestSenders(("@arxiv.org",), server)))

    assert {paper.unverified for paper in everything(store)} == {texts}


@pytest.mark.parametrize("domain", ["example.org", "notarxiv.org", "arxiv.org.example.org"])
def test_the_texts_of_another_sender_are_never_arxivs(
    store: Store, maildir: Path, domain: str
) -> None:
    mail = LISTING.replace(b"arxiv.org", domain.encode())
    put_mail(maildir, "1.a", PASSED.replace(b"arxiv.org", domain.encode()) + mail)

    sweep(store, maildir, DigestMail(DigestSenders((f"@{domain}",), "mx.example.org")))

    assert {paper.unverified for paper in everything(store)} == {Unverified.ALL}


def test_mails_of_others_are_left_as_they_were(store: Store, maildir: Path) -> None:
    put_mail(maildir, "1.a", DIGEST)
    put_mail(maildir, "2.b", b"From: friend@example.org\nSubject: Lunch\n\nAt noon?\n")

    assert sweep(store, maildir) == Counter({InboundKind.FOREIGN: 2})

    assert everything(store) == []
    assert mails_in(maildir) == ["1.a:2,", "2.b:2,"]


def test_nobody_is_allowed_unless_named(store: Store, maildir: Path) -> None:
    put_mail(maildir, "1.a", LISTING)

    assert collect(store, POST, maildir, now=NOW) == Counter({InboundKind.FOREIGN: 1})
    assert everything(store) == []


def test_a_forged_name_counts_for_nothing_where_the_mail_server_proves_names(
    store: Store, maildir: Path
) -> None:
    proving = DigestMail(DigestSenders(("@arxiv.org",), "mx.example.org"))
    put_mail(maildir, "1.forged", LISTING)
    put_mail(
        maildir,
        "2.forged",
        b"Authentication-Results: mx.example.net; dkim=pass header.d=arxiv.org\n" + LISTING,
    )

    assert sweep(store, maildir, proving) == Counter({InboundKind.FOREIGN: 2})
    assert everything(store) == []

    put_mail(
        maildir,
        "3.proven",
        b"Authentication-Results: mx.example.org; dkim=pass header.d=arxiv.org\n" + LISTING,
    )
    assert sweep(store, maildir, proving) == Counter({InboundKind.DIGEST: 1})
    assert len(everything(store)) == 5


def test_a_second_copy_by_another_way_is_the_same_mail(store: Store, maildir: Path) -> None:
    put_mail(maildir, "1.a", LISTING)
    put_mail(maildir, "2.b", b"Received: by another.example.org; noon\n" + LISTING)

    assert sweep(store, maildir) == Counter({InboundKind.DIGEST: 2})

    with store.read() as connection:
        assert len(read_dumps.latest(connection, 10)) == 1
    assert len(everything(store)) == 5


def test_a_crash_between_reading_and_moving_reads_nothing_twice(
    store: Store, maildir: Path
) -> None:
    """The mail is new again, as if the move had never come to the disk."""
    put_mail(maildir, "1.a", LISTING)
    sweep(store, maildir)
    (maildir / "cur" / "1.a:2,S").rename(maildir / "new" / "1.a")

    assert sweep(store, maildir) == Counter({InboundKind.DIGEST: 1})

    with store.read() as connection:
        assert len(read_dumps.latest(connection, 10)) == 1
    assert len(everything(store)) == 5


def test_a_busy_database_leaves_the_mail_new(
    store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise Busy("somebody writes")

    put_mail(maildir, "1.a", LISTING)
    with monkeypatch.context() as patched:
        patched.setattr(digest_mail, "ingest", busy)
        with pytest.raises(Busy):
            sweep(store, maildir)
    assert mails_in(maildir, "new") == ["1.a"]

    assert sweep(store, maildir) == Counter({InboundKind.DIGEST: 1})


def test_a_digest_without_papers_is_reported_like_a_refused_file(
    store: Store, maildir: Path
) -> None:
    put_mail(maildir, "1.a", LUNCH)
    put_mail(maildir, "2.b", LUNCH.replace(b"Lunch", b"Dinner"))

    assert sweep(store, maildir) == Counter({InboundKind.NO_DIGEST: 2})

    assert mails_in(maildir) == ["1.a:2,", "2.b:2,"]
    with store.read() as connection:
        told = all_refusals(job_status.latest(connection), None)
    assert [one.file for one in told] == ["Lunch", "Dinner"]
    assert "no paper in it" in told[0].reason
    assert told[0].hint


def test_what_is_larger_than_any_digest_is_refused(store: Store, maildir: Path) -> None:
    put_mail(maildir, "1.a", LISTING + b"x\n" * (LARGEST_DIGEST // 2))

    assert sweep(store, maildir) == Counter({InboundKind.REFUSED: 1})
    assert len(mails_in(maildir, "refused")) == 1
    assert everything(store) == []


def test_a_hostile_mail_of_an_allowed_sender_stops_no_other(store: Store, maildir: Path) -> None:
    header = b"From: a@arxiv.org\nContent-Type: multipart/x; boundary=b\n\n"
    put_mail(maildir, "1.parts", header + b"--b\n\n" * 5_000)
    put_mail(
        maildir, "2.noise", b"From: a@arxiv.org\nMIME-Version: 1.0\n\n" + bytes(range(256)) * 40
    )
    put_mail(maildir, "3.good", LISTING)

    tally = sweep(store, maildir)

    assert tally[InboundKind.DIGEST] == 1
    assert tally.total() == 3
    assert mails_in(maildir, "new") == []


def test_the_tick_reads_both_maildirs_before_it_publishes(tmp_path: Path) -> None:
    flags = {
        "inbound.address": "post@example.org",
        "inbound.digest_senders": ["@arxiv.org", "digest@huggingface.example"],
        "inbound.digest_maildir": str(make_maildir(tmp_path / "digests")),
    }
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    put_mail(make_maildir(program.inbound_folder), "1.a", LISTING)
    put_mail(tmp_path / "digests", "1.a", DIGEST)

    done = tick(program.tick_context, now=NOW)
    again = tick(program.tick_context, now=NOW + timedelta(minutes=1))

    assert (done.troubles, done.returned) == ({}, Counter({InboundKind.DIGEST: 2}))
    assert (again.troubles, again.returned) == ({}, Counter())
    assert len(everything(program.store)) == 6  # one of them is in both
    program.store.close()


def flood(start: int) -> bytes:
    """Write a listing of more papers than any day has."""
    papers = (
        f"\\\\\narXiv:2608.{n:05}\nTitle: Lanterns of {n} harbours\n"
        for n in range(start, start + MOST_OF_OTHERS + 100)
    )
    return LISTING.partition(b"\n\n")[0] + b"\n\n" + "".join(papers).encode()


def test_a_flood_of_papers_ends_at_the_limit_of_a_mail_and_of_a_day(
    store: Store, maildir: Path
) -> None:
    enough = -(-MOST_NEW_MAILED // MOST_OF_OTHERS)
    for number in range(enough + 1):
        put_mail(maildir, f"{number}.a", flood(number * 10_000))

    assert sweep(store, maildir) == Counter({InboundKind.DIGEST: enough, InboundKind.REFUSED: 1})

    assert len(everything(store)) == enough * MOST_OF_OTHERS


def test_a_sender_does_not_use_up_what_another_may_add(store: Store, maildir: Path) -> None:
    both = DigestMail(DigestSenders(("@arxiv.org", "alerts@journal.example")))
    enough = -(-MOST_NEW_MAILED // MOST_OF_OTHERS)
    for number in range(enough + 1):
        mail = flood(number * 10_000).replace(b"no-reply@arxiv.org", b"alerts@journal.example")
        put_mail(maildir, f"{number}.a", mail)
    put_mail(maildir, "9.a", LISTING)

    received = sweep(store, maildir, both)

    assert received == Counter({InboundKind.DIGEST: enough + 1, InboundKind.REFUSED: 1})
