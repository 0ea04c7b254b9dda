"""Tests that all spellings of one mailbox count as one for limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.errors import UsageError
from larkpost.text.email_address import domain_key, mailbox_key, spell_address
from larkpost.text.mail_providers import is_large

GMAIL = (
    "ann.lee@gmail.com",
    "ANN.LEE@GMAIL.COM",
    "annlee@gmail.com",
    "a.n.n.l.e.e@gmail.com",
    "annlee+papers@gmail.com",
    "annlee+a+b@gmail.com",
    "annlee@googlemail.com",
    "Ann.Lee+x@GoogleMail.com.",
    '"ann.lee"@gmail.com',
    '"ann"."lee"@gmail.com',
    r'"ann\.lee"@gmail.com',
    "ann.lee(comment (nested))@gmail.com",
    "(x)annlee@(y)gmail.com(z)",
    " annlee @ gmail.com ",
    "\uff41\uff4e\uff4elee@\uff47\uff4d\uff41\uff49\uff4c.com",
    "annlee\uff0bpapers@gmail.com",
    "annlee@gmail\u3002com",
    "annlee@gmail.com\uff0e",
    "annlee\uff20gmail.com",
    "annlee%gmail.com@gmail.com",
    "gmail.com!annlee%Gmail.com%gmail.com@gmail.com",
    "ann\u200blee@gmail.com",
    "ann\u00adlee@gmail.com",
)


@pytest.mark.parametrize("spelling", GMAIL)
def test_all_spellings_of_one_mailbox_have_one_key(spelling: str) -> None:
    assert mailbox_key(spelling) == "annlee@gmail.com"


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("Ann.Lee+x@example.org", "ann.lee@example.org"),
        ("ann-lee@example.org", "ann-lee@example.org"),
        ("ann-shop@yahoo.com", "ann@yahoo.com"),
        ("ann-shop+b@yahoo.co.uk", "ann@yahoo.co.uk"),
        ("ann@yahoo.com.br", "ann@yahoo.com.br"),
        ("shop@ann.fastmail.com", "ann@fastmail.com"),
        ("shop+x@Ann.fastmail.fm", "ann@fastmail.fm"),
        ("ann+x@fastmail.com", "ann@fastmail.com"),
        ("a.n-n_@protonmail.com", "ann@proton.me"),
        ("ann@me.com", "ann@icloud.com"),
        ("ann.lee@ya.ru", "ann-lee@yandex.ru"),
        ("ann-lee@yandex.com", "ann-lee@yandex.ru"),
        ("ann@b\u00fccher.example", "ann@xn--bcher-kva.example"),
        ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
        ("+x@example.org", "+x@example.org"),
        ("ann%other.example@example.org", "ann%other.example@example.org"),
        ("%example.org@example.org", "%example.org@example.org"),
        ("...@gmail.com", "...@gmail.com"),
        ("ann@[IPv6:2001:DB8:0:0:0:0:0:1]", "ann@[2001:db8::1]"),
        ("ann@[IPv6:::ffff:192.0.2.1]", "ann@[192.0.2.1]"),
        ('"ann lee"@example.org', "ann lee@example.org"),
    ],
)
def test_each_provider_is_read_by_its_own_rules(spelling: str, key: str) -> None:
    assert mailbox_key(spelling) == key


def test_composed_and_decomposed_letters_have_one_key() -> None:
    assert mailbox_key("ren\u00e9e@example.org") == mailbox_key("RENE\u0301E@example.org")


@pytest.mark.parametrize(
    "other", ["bob@gmail.com", "annlee@example.org", "ann.lee@example.org", "annlee@gmail.org"]
)
def test_different_mailboxes_have_different_keys(other: str) -> None:
    assert mailbox_key(other) != mailbox_key("annlee@gmail.com")


@pytest.mark.parametrize("wrong", ["", "ann", "@example.org", "ann@", "a" * 5000])
def test_what_is_no_address_has_no_key(wrong: str) -> None:
    with pytest.raises(UsageError, match="not an email address"):
        mailbox_key(wrong)


@given(
    st.text(
        st.characters() | st.sampled_from("\uff08\uff09\uff02\ufe6b\ufe68+.\u0301"), max_size=20
    ),
    st.sampled_from(["gmail.com", "example.org", "x.fastmail.com"]),
)
def test_whatever_can_be_written_to_has_a_key_that_its_case_does_not_change(
    local: str, domain: str
) -> None:
    try:
        spelt = spell_address(f"{local}@{domain}")
    except UsageError:
        return
    name, _, host = spelt.rpartition("@")

    assert mailbox_key(spelt) == mailbox_key(f"{name}@{host.upper()}")


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("a@example.org", "example.org"),
        ("a@1.mail.example.org", "example.org"),
        ("a@googlemail.com", "gmail.com"),
        ("a@cs.uni.ac.uk", "uni.ac.uk"),
        ("a@uni.ac.uk", "uni.ac.uk"),
        ("a@mail.firma.de", "firma.de"),
        ("a@x.com.br", "x.com.br"),
        ("a@b.fastmail.com", "fastmail.com"),
        ("a@localhost", "localhost"),
        ("a@[192.0.2.1]", "[192.0.2.1]"),
    ],
)
def test_a_postmaster_is_told_by_the_domain_of_the_organisation(address: str, domain: str) -> None:
    assert domain_key(address) == domain


def test_large_providers_are_known_as_such() -> None:
    assert all(map(is_large, ("gmail.com", "yahoo.co.uk", "outlook.de", "gmx.net", "web.de")))
    assert not any(map(is_large, ("example.org", "gmail.evil.com", "mygmail.com")))


def test_a_dot_of_unicode_at_the_end_of_a_domain_makes_no_other_address() -> None:
    assert spell_address("ann@example.org\uff0e") == spell_address("ann@example.org")
