"""Tests mails as dumps: which part is read, by which format, and with which day."""

from __future__ import annotations

import base64
from datetime import date
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from functools import partial

import pytest
from tests.helpers.formats.format_reading import (
    DUMPS,
    days_of,
    format_of,
    names_of,
    papers_of,
    read_records,
    sample_dump,
)
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.domain import IngestWarning
from larkpost.errors import UnreadableDump

HEADER = (
    "From: Alerts <alerts@example.org>\nMIME-Version: 1.0\nDate: Fri, 7 Aug 2026 08:00:00 +0000\n"
)
LINK = '<p><a href="https://arxiv.org/abs/2608.01001">Lantern Decoding at Night</a></p>'


def mail(text: str, kind: str = "text/html; charset=utf-8", more: str = "") -> bytes:
    return f"{HEADER}{more}Content-Type: {kind}\n\n{text}".encode()


@pytest.mark.parametrize("file", sorted((DUMPS / "mail").iterdir()), ids=lambda file: file.stem)
def test_each_sample_mail_is_read_on_the_day_it_was_sent(file: object) -> None:
    dump = sample_dump(f"mail/{file.name}")  # type: ignore[attr-defined]  # parametrize knows no types

    assert format_of(dump) == "mail"
    assert days_of(dump) == [date(2026, 8, 7)]
    assert papers_of(dump)


def test_the_digest_gives_titles_votes_and_ids_and_no_link_to_submit() -> None:
    papers = papers_of(sample_dump("mail/hf-digest.eml"))

    assert [(p.title, p.upvotes, names_of(p)) for p in papers] == [
        (
            "Harbour Pilots: Steering Mixture-of-Experts Models with One Scalar per Layer",
            64,
            ["arxiv:2608.01937"],
        ),
        ("Tides in Time Series", 12, ["arxiv:2608.01002"]),
    ]


def test_a_digest_in_html_alone_is_read_too() -> None:
    whole = sample_dump("mail/hf-digest.eml").decode()
    html = whole[whole.index("<html>") :].partition("\n--part")[0]

    papers = papers_of(
        mail(html, more="Content-Transfer-Encoding: quoted-printable\n").replace(b"\r", b"")
    )

    assert [(p.upvotes, names_of(p)) for p in papers] == [
        (64, ["arxiv:2608.01937"]),
        (12, ["arxiv:2608.01002"]),
    ]


def test_google_scholar_gives_titles_authors_addresses_and_snippets_marked_as_cut() -> None:
    lantern, marsh, bees = papers_of(sample_dump("mail/google-scholar.eml"))

    assert lantern.title == (
        "Lantern Decoding: Lighting One Expert at a Time Saves Half of the Heat"
    )
    assert names_of(lantern) == ["arxiv:2608.01001"]
    assert lantern.authors == ("A Lovett", "J Müller", "W Li")
    assert lantern.abstract.startswith("We light one expert of a mixture")
    assert lantern.abstract.endswith("The method needs …")
    assert marsh.url == "https://www.sciencedirect.com/science/article/pii/S0000000026001234"
    assert marsh.authors == ("E Noetherling",)
    assert names_of(bees) == ["doi:10.1038/s41586-026-01234-5"]
    assert bees.authors == ("B König", "AM Turing")
    assert bees.abstract.endswith("with one weight per camera …")


def test_semantic_scholar_gives_papers_and_no_footer() -> None:
    lantern, marsh = papers_of(sample_dump("mail/semantic-scholar.eml"))

    assert lantern.authors == ("Ada Lovett", "Jürgen Müller", "Wen Li")
    assert lantern.abstract.startswith("It is shown that one expert")
    assert lantern.url is not None
    assert lantern.url.startswith("https://www.semanticscholar.org/paper/Lantern-Decoding")
    assert "utm" not in lantern.url
    assert marsh.authors == ("Emmy Noetherling", "Otto Exempel")
    assert marsh.abstract.endswith("the flood of 1953…")


def test_tables_of_contents_give_titles_authors_and_dois_behind_counting_links() -> None:
    bees, light = papers_of(sample_dump("mail/journal-nature.eml"))
    marsh, fog, errors, cards = papers_of(sample_dump("mail/journal-toc.eml"))

    assert (bees.title, names_of(bees)) == (
        "Counting bees without counting wings",
        ["doi:10.1038/s41586-026-01234-5"],
    )
    assert bees.authors == ("Beate König", "Alan Turing-Test", "Grace Hopwell")
    assert (names_of(light), light.url) == (["doi:10.1038/s41586-026-04321-0"], None)
    assert marsh.url == "https://www.sciencedirect.com/science/article/pii/S0000000026001234"
    assert fog.title.startswith("The price of fog")
    assert names_of(errors) == ["doi:10.1002/exa.20261"]
    assert names_of(cards) == ["doi:10.1007/s00000-026-00001-2"]
    assert cards.abstract.startswith("Card houses fall for two reasons")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_titles_survive_transfer_encodings_and_charsets(charset: str, encoding: str) -> None:
    message = EmailMessage(policy=SMTP)
    message["From"] = "alerts@example.org"
    html = LINK.replace("Lantern Decoding at Night", "Straßenbahn für Zürich")
    if charset == "utf-16":  # no character set of mail: its bytes are read as UTF-8, without loss
        charset = "utf-8"
    message.set_content(html, subtype="html", charset=charset, cte=encoding)

    assert [p.title for p in papers_of(message.as_bytes())] == ["Straßenbahn für Zürich"]


def test_a_subject_and_date_that_make_no_sense_cost_nothing() -> None:
    dump = mail(LINK).replace(b"Fri, 7 Aug 2026 08:00:00 +0000", b"Friday, or so")

    assert days_of(dump) == []
    assert names_of(papers_of(dump)[0]) == ["arxiv:2608.01001"]


def test_a_mail_of_tomorrow_is_not_believed() -> None:
    assert days_of(mail(LINK), near=date(2026, 8, 1)) == []


def test_a_mail_without_papers_is_refused_by_its_subject() -> None:
    with pytest.raises(UnreadableDump, match=r"“Lunch”.*no paper in it") as refused:
        read_records(mail("<p>Lunch at noon?</p>", more="Subject: =?utf-8?q?Lunch?=\n"))

    assert refused.value.hint


def test_attached_files_that_are_no_text_are_passed_over() -> None:
    dump = mail(
        f"--b\nContent-Type: image/png\n\nxx\n--b\nContent-Type: text/html\n\n{LINK}\n--b--\n",
        'multipart/mixed; boundary="b"',
    )

    assert [p.title for p in papers_of(dump)] == ["Lantern Decoding at Night"]


def test_a_listing_in_a_mail_that_was_forwarded_as_a_whole_is_found() -> None:
    inner = sample_dump("mail/arxiv-listing.eml").decode()
    dump = mail(
        f"--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n", 'multipart/mixed; boundary="b"'
    )

    assert len(papers_of(dump)) == 5


def test_a_folder_of_mails_gives_the_papers_of_each() -> None:
    messages = [sample_dump(f"mail/{name}.eml") for name in ("hf-digest", "journal-toc")]
    lunch = mail("<p>Lunch?</p>", more="Subject: Lunch\n")
    mbox = b"".join(
        b"From x@example.org Fri Aug  7 08:00:00 2026\n" + one.replace(b"\r\n", b"\n") + b"\n\n"
        for one in (*messages, lunch)
    )

    told = [one.text for one in read_records(mbox) if isinstance(one, IngestWarning)]

    assert len(papers_of(mbox)) == 6
    assert told == ["mail 3: it is a mail (“Lunch”), and there is no paper in it"]


def test_more_parts_than_a_mail_program_sends_are_refused() -> None:
    parts = "--b\nContent-Type: text/plain\n\nx\n" * 200
    with pytest.raises(UnreadableDump, match="more than 100 parts"):
        read_records(mail(f"{parts}--b--\n", 'multipart/mixed; boundary="b"'))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "unit",
    ["<div>", "<a href=https://arxiv.org/abs/2608.01001>", "<p><b>", "&amp;", "<table><tr><td>",
     "<a href=https://x.example/?u=https://x.example/?u=>A title of words</a>", "<br>", "["],
)  # fmt: skip  # a list of short marks reads better in rows
def test_hostile_mails_take_linear_time(unit: str) -> None:
    def read(size: int) -> None:
        with pytest.raises(UnreadableDump):
            read_records(
                mail("Lunch" + (unit * size)[:size].rpartition(unit)[0].replace("arxiv", "x"))
            )

    def ratio() -> float:
        short, long = (cpu_seconds(partial(read, size), rounds=1) for size in (20_000, 160_000))
        return long / max(short, 0.02)

    assert_grows_less_than(ratio, 24)


@pytest.mark.parametrize(("paragraphs", "papers"), [(1_000, 1), (60_000, 0)])
def test_a_mail_is_searched_for_papers_up_to_a_limit_of_all_its_parts(
    paragraphs: int, papers: int
) -> None:
    """Each megabyte of tags takes seconds, and there may be any number of parts."""
    message = MIMEMultipart()
    message["From"], message["Date"] = "a@example.org", "Fri, 7 Aug 2026 08:00:00 +0000"
    message.attach(MIMEText("<p>x\n" * paragraphs, "html"))
    message.attach(MIMEText(LINK, "html"))

    if papers:
        assert len(papers_of(message.as_bytes())) == papers
    else:
        with pytest.raises(UnreadableDump, match="there is no paper in it"):
            papers_of(message.as_bytes())


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_more_lines_than_a_digest_has_are_refused_also_when_they_are_encoded(end: str) -> None:
    """As base64 they are few lines of the mail."""
    text = base64.encodebytes(f"Daily Papers\n\nAug 7\n\n{f'a{end}' * 100_000}".encode()).decode()

    with pytest.raises(UnreadableDump, match="more than 100,000 lines"):
        read_records(mail(text, "text/plain", "Content-Transfer-Encoding: base64\n"))
