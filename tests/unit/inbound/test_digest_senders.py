"""Tests digest senders: one allowed From, authenticated by our own mail server."""

from __future__ import annotations

import pytest

from larkpost.formats.mail.mail_parser import parse
from larkpost.inbound.digest_mail import essential_mail
from larkpost.inbound.digest_senders import DigestSenders

ALLOWED = ("digest@huggingface.co", "@arxiv.org")
MX = "mx.example.org"
FIELD = f"Authentication-Results: {MX}"
BELOW = (
    f"Authentication-Results: {MX}; dkim=fail header.d=arxiv.org\n"
    f"Authentication-Results: {MX}; dkim=pass header.d=arxiv.org"
)


def refusal(header: str, authserv_id: str = "") -> str:
    return DigestSenders(ALLOWED, authserv_id).refusal(parse(f"{header}\n\ntext".encode()))


@pytest.mark.parametrize(
    "sender",
    [
        "digest@huggingface.co",
        "Daily Papers <Digest@HuggingFace.co>",
        '"arxiv.org, a list" <no-reply@arxiv.org>',
    ],
)
def test_allowed_addresses_and_domains_are_taken_in_any_spelling(sender: str) -> None:
    assert refusal(f"From: {sender}") == ""


@pytest.mark.parametrize(
    "header",
    [
        "Subject: none",
        "From: other@huggingface.co",
        "From: digest@huggingface.co.example.net",
        "From: a@sub.arxiv.org",
        "From: a@notarxiv.org",
        'From: "digest@huggingface.co" <x@example.net>',
        "From: digest@huggingface.co, x@example.net",
        "From: digest@huggingface.co (x@example.net) <x@example.net>",
        "From: a@arxiv.org)x@example.net",
        "From: digest@huggingface.co\nFrom: x@example.net",
        "From: x@example.net\nSender: digest@huggingface.co",
        "From: digest@huggingface.co@example.net",
        "From: <digest@huggingface.co> <x@example.net>",
    ],
)
def test_any_other_from_is_refused(header: str) -> None:
    assert refusal(header)


@pytest.mark.parametrize(
    "results",
    [
        "dkim=pass header.d=arxiv.org header.s=k1",
        'dkim=pass header.d="arxiv.org"',
        'spf=fail smtp.mailfrom="a (b"@evil.example; dkim=pass (a ";" here) header.d=arxiv.org',
        "dkim=fail header.d=x.net; dkim=pass (2048-bit key) header.i=@arxiv.org",
        "spf=pass smtp.mailfrom=bounce@lists.arxiv.org",
        "dmarc=pass (p=none; dis=none) header.from=arxiv.org",
    ],
)
def test_a_pass_for_the_domain_of_the_sender_is_proof(results: str) -> None:
    header = f"Authentication-Results: {MX} 1;\n {results}\nFrom: a@arxiv.org"

    assert refusal(header, MX) == ""


@pytest.mark.parametrize(
    "field",
    [
        "X-None: none",
        f"Authentication-Results: {MX}; none",
        f"Authentication-Results: {MX}; dkim=fail header.d=arxiv.org",
        f"Authentication-Results: {MX}; dkim=pass header.d=example.net",
        f"Authentication-Results: {MX}; spf=pass smtp.mailfrom=x@example.net",
        f"Authentication-Results: {MX}; spf=softfail smtp.mailfrom=x@arxiv.org",
        f"Authentication-Results: {MX}; dkim=pass header.d=org",
        f"Authentication-Results: {MX}; x=fail (dkim=pass header.d=arxiv.org)",
        f'{FIELD}; spf=pass smtp.mailfrom="a; dkim=pass header.d=arxiv.org; x"@example.net',
        f'{FIELD}; dkim=pass (sig ") header.d=x.net; dkim=fail (sig ") header.d=arxiv.org',
        f"{FIELD}; dkim=pass (a \\) b; dkim=pass header.d=arxiv.org) header.d=x.net",
        "Authentication-Results: mx.example.net; dkim=pass header.d=arxiv.org",
        f"Authentication-Results: {MX}.example.net; dkim=pass header.d=arxiv.org",
        BELOW,
    ],
)
def test_without_such_a_pass_a_name_in_from_is_worth_nothing(field: str) -> None:
    assert "does not say that a@arxiv.org sent it" in refusal(f"{field}\nFrom: a@arxiv.org", MX)


def test_all_copies_of_a_mail_are_the_same_bytes() -> None:
    mail = b"From: a@arxiv.org\nSubject: two\n lines\nMessage-ID: <1@a>\n\nbody\n\nmore\n"
    copy = b"Received: by b\n\tat noon\nDelivered-To: x\n" + mail.replace(b"\n", b"\r\n", 5)

    assert essential_mail(copy) == essential_mail(mail) == mail
    assert essential_mail(b"From: a") == b"From: a\n\n"
