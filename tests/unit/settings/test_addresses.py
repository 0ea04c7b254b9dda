"""Tests addresses in the settings: converted to ASCII once, or refused at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from larkpost.errors import SettingsError
from larkpost.settings import load
from larkpost.settings.reachability import unreachable


def setting(key: str, value: object) -> str:
    """Return a setting as it is read from a flag."""
    section, _, name = key.partition(".")
    settings = load(home=Path("/nowhere"), environ={}, flags={key: value})
    return str(getattr(getattr(settings, section), name))


@pytest.mark.parametrize(
    ("given", "spelt"),
    [
        ("https://paper.example.org", "https://paper.example.org"),
        ("https://paper.example.org/", "https://paper.example.org"),
        ("https://paper.example.org//", "https://paper.example.org"),
        ("HTTPS://Paper.Example.ORG:8443/Lark/", "https://paper.example.org:8443/Lark"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example/läß/", "https://xn--bcher-kva.example/l%C3%A4%C3%9F"),
        ("https://xn--bcher-kva.example/l%C3%A4", "https://xn--bcher-kva.example/l%C3%A4"),
        ("https://faß.example", "https://xn--fa-hia.example"),  # IDNA 2008; 2003 said fass
        ("https://paper.example.org./x", "https://paper.example.org/x"),
        ("https://paper.example.org.:8443", "https://paper.example.org:8443"),
        ("https://paper.example.org:", "https://paper.example.org"),
        ("http://my_papers:8025", "http://my_papers:8025"),  # a container's name
        ("http://[2001:DB8::1]:8025/x", "http://[2001:db8::1]:8025/x"),
        ("http://192.0.2.7", "http://192.0.2.7"),
        ('https://paper.example.org/"x"', "https://paper.example.org/%22x%22"),
    ],
)
def test_the_address_of_links_is_spelt_in_ascii(given: str, spelt: str) -> None:
    assert setting("site.base_url", given) == spelt
    assert setting("site.base_url", spelt) == spelt


@pytest.mark.parametrize(
    "given",
    ["https://paper example.org", "https://paper.example.org/a b", " https://paper.example.org",
     'https://"paper".example.org', "https://'paper'.example.org", "https://paper.example.org:99999",
     "https://paper.example.org:0", "https://paper.example.org:port", "https://", "https:///x",
     "https:/x", "http:/paper.example.org", "https:paper.example.org", "//paper.example.org",
     "https://user@paper.example.org", "https://user:pass@paper.example.org",
     "https://paper.example.org?", "https://paper.example.org/?q=1", "https://paper.example.org/#x",
     "https://paper.example.org..", "https://.example.org", "https://a..b", "https://[::1",
     "https://::1", "https://[zz]", "https://[fe80::1%25eth0]", "https://paper.example.org/\x00",
     "https://paper.example.org\n", "https://paper\\.example.org", "https://paper.example.org\\x",
     "https://paper.example.org/../x", "https://paper.example.org/a/%2e%2E/b", "https://300.1.2.3",
     "https://1.2.3.4.5", "https://-a.org", "https://xn--\u2603.org", "https://☃..org",
     "ftp://paper.example.org", "", "https://paper.example.org/" + "x" * 500],
)  # fmt: skip  # a list of words reads better in rows
def test_what_cannot_begin_a_link_is_refused_by_name(given: str) -> None:
    with pytest.raises(SettingsError, match=r"site\.base_url cannot be") as caught:
        setting("site.base_url", given)
    assert caught.value.exit_code == 2
    assert caught.value.hint


@pytest.mark.parametrize(
    ("key", "given", "spelt"),
    [
        ("mail.sender", "Läuse <post@bücher.example>", '"Läuse" <post@xn--bcher-kva.example>'),
        ("mail.sender", "post@BÜCHER.example", "post@xn--bcher-kva.example"),
        ("mail.sender", "Läuse <post@example.org>", "Läuse <post@example.org>"),
        ("mail.sender", '"a, \\"b\\"" <p@bü.example>', '"a, \\"b\\"" <p@xn--b-eha.example>'),
        ("mail.admin_address", "me@bücher.example", "me@xn--bcher-kva.example"),
        ("mail.admin_address", "", ""),
        ("inbound.address", "post@bücher.example", "post@xn--bcher-kva.example"),
        ("smtp.host", "mail.bücher.example", "mail.xn--bcher-kva.example"),
        ("smtp.host", "[::1]", "::1"),
        ("smtp.host", "::1", "::1"),
        ("smtp.host", "192.0.2.7", "192.0.2.7"),
        ("smtp.host", "mail_server", "mail_server"),
    ],
)
def test_names_of_hosts_are_spelt_in_ascii(key: str, given: str, spelt: str) -> None:
    assert setting(key, given) == spelt
    assert setting(key, spelt) == spelt


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("mail.sender", "pöst@example.org"),
        ("mail.sender", "post@exa mple.org"),
        ("mail.sender", "post@a..b"),
        ("mail.sender", "a@b@example.org"),
        ("mail.sender", "a@example.org, c@example.org"),
        ("mail.sender", "A <a@example.org>, C <c@example.org>"),
        ("mail.sender", "both: a@example.org, c@example.org;"),
        ("mail.sender", "one: a@example.org;"),
        ("mail.sender", "Lark\x07 <post@example.org>"),
        ("mail.sender", "Lark, Post <post@example.org>"),
        ("mail.admin_address", "Boss <boss@example.org>"),
        ("mail.admin_address", "bö@example.org"),
        ("mail.admin_address", "boss@example..org"),
        ("inbound.address", "pöst@example.org"),
        ("inbound.address", "a-very-long-local-part@example.org"),
        ("smtp.host", "mail.example.org:25"),
        ("smtp.host", "smtp://mail.example.org"),
        ("smtp.host", "mail example.org"),
        ("smtp.host", "mail.example.org\n"),
        ("smtp.host", "user@mail.example.org"),
        ("web.host", "a b"),
        ("web.host", "a\\b"),
        ("web.host", "zz::1"),
    ],
)
def test_what_is_no_address_is_refused_where_it_is_set(key: str, given: str) -> None:
    with pytest.raises(SettingsError, match=f"{key} cannot be") as caught:
        setting(key, given)
    assert caught.value.hint


def test_where_the_server_listens_is_spelt_in_ascii_too() -> None:
    settings = load(home=Path("/nowhere"), environ={"LARKPOST_WEB__HOST": "bücher.example"})

    assert settings.site.base_url == "http://xn--bcher-kva.example:8025"


REACHABLE = {
    "mail.transport": "smtp",
    "mail.sender": "post@example.org",
    "site.base_url": "https://paper.example.org",
}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({}, []),
        ({"site.base_url": "http://127.9.9.9:80"}, ["site.base_url"]),
        ({"site.base_url": "http://[::1]:8025/x"}, ["site.base_url"]),
        ({"site.base_url": "http://lark.localhost"}, ["site.base_url"]),
        ({"site.base_url": "http://0.0.0.0:8025"}, ["site.base_url"]),
        ({"site.base_url": "http://[::ffff:127.0.0.1]"}, ["site.base_url"]),
        ({"site.base_url": "http://[::ffff:192.0.2.7]"}, []),
        ({"mail.sender": "Lark <lark@localhost>"}, ["mail.sender"]),
        ({"mail.sender": "lark@localhost.localdomain"}, ["mail.sender"]),
        ({"mail.sender": "lark@[127.0.0.1]"}, ["mail.sender"]),
        ({"mail.sender": "a@localhost", "site.base_url": None}, ["site.base_url", "mail.sender"]),
        ({"mail.transport": "maildir", "mail.sender": "a@localhost", "site.base_url": None}, []),
    ],
)
def test_settings_that_lead_readers_to_their_own_machine_deserve_a_warning(
    flags: dict[str, object], words: list[str]
) -> None:
    settings = load(home=Path("/nowhere"), environ={}, flags=REACHABLE | flags)
    hints = [hint for _, hint in unreachable(settings)]

    assert [hint.split()[1] for hint in hints] == words
