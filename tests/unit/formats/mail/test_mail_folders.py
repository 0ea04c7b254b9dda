"""Tests folders of mails (mbox): which lines begin a mail, and how many mails are read."""

from __future__ import annotations

import pytest
from tests.helpers.formats.format_reading import papers_of, read_records, sample_dump

from larkpost.domain import IngestWarning, Record
from larkpost.errors import UnreadableDump
from larkpost.formats.mail import mail_dump
from larkpost.inbound.digest_mail import essential_mail

ENVELOPE = b"From x@example.org Fri Aug  7 08:00:00 2026\n"
LUNCH = b"From: a@example.org\nMIME-Version: 1.0\nSubject: Lunch\n\nAt noon?\n\n"
DIGEST = sample_dump("mail/hf-digest.eml").replace(b"\r\n", b"\n")


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Record the mails that are parsed."""
    seen: list[bytes] = []
    real = mail_dump.mail_records

    def record(content: bytes, near: object) -> list[Record]:
        seen.append(content)
        return real(content, near)  # type: ignore[arg-type]  # a date

    monkeypatch.setattr(mail_dump, "mail_records", record)
    return seen


@pytest.mark.parametrize(
    "envelope",
    [
        ENVELOPE,
        b"From - Fri Aug 07 08:00:00 2026\n",
        b"From MAILER-DAEMON Fri Aug  7 08:00:00 2026\n",
        b"From 1839900000000000000@xxx Fri Aug 07 08:00:00 +0000 2026\n",
        b"From x@example.org  Fri Aug  7 08:00 MET DST 2026\n",
        b"From x@example.org Fri, 7 Aug 2026 08:00:00 +0200\r\n",
    ],
    ids=["RFC 4155", "Thunderbird", "daemon", "Takeout", "old", "mail date"],
)
def test_envelopes_as_programs_write_them_begin_a_mail(
    envelope: bytes, parsed: list[bytes]
) -> None:
    folder = envelope + LUNCH + envelope + DIGEST

    assert len(papers_of(folder)) == 2
    assert len(parsed) == 2


@pytest.mark.parametrize(
    "line",
    [b"From ", b"From : x", b"From the editors", b"From Mon to Fri at noon", b"From x 08:00"],
)
def test_text_that_begins_with_from_begins_no_mail(line: bytes, parsed: list[bytes]) -> None:
    read_records(ENVELOPE + DIGEST + (b"\n\n" + line + b"\n") * 50)
    with pytest.raises(UnreadableDump):
        read_records(line + b"\n" + LUNCH + (b"\n\n" + line) * 5_000)

    assert len(parsed) == 2


def test_a_folder_of_more_mails_than_anybody_saves_is_refused_before_any_is_parsed(
    parsed: list[bytes],
) -> None:
    with pytest.raises(UnreadableDump, match="more than 1,000 mails"):
        read_records((ENVELOPE + LUNCH) * 1_001)

    assert parsed == []


def test_of_many_mails_without_papers_some_are_named_and_the_rest_counted(
    parsed: list[bytes],
) -> None:
    records = read_records((ENVELOPE + LUNCH) * 30 + ENVELOPE + DIGEST)

    told = [one.text for one in records if isinstance(one, IngestWarning)]
    assert len(parsed) == 31
    assert told[0] == "mail 1: it is a mail (“Lunch”), and there is no paper in it"
    assert len(told) == 21
    assert told[-1] == "10 more mails without papers"


def test_where_no_mail_has_a_paper_the_first_reason_is_given_without_its_frames() -> None:
    with pytest.raises(UnreadableDump, match="Lunch") as refused:
        read_records((ENVELOPE + LUNCH) * 3)

    trace = refused.value.__traceback__
    names = []
    while trace:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert "mail_records" not in names
    assert refused.value.__context__ is None


@pytest.mark.parametrize("name", [b"From : x", b"From\t: x", b"from : x", b"From x"])
def test_a_digest_mail_is_never_read_as_a_folder(name: bytes) -> None:
    kept = essential_mail(name + b"\nFrom: a@arxiv.org\nSubject: x\nTo: b\n\nFrom here\n")

    assert kept == b"From: a@arxiv.org\nSubject: x\n\nFrom here\n"
