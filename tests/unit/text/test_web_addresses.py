"""Tests web addresses in ASCII, and text that is not a link."""

from __future__ import annotations

import pytest

from larkpost.domain import Identifier
from larkpost.text.identifiers import identifier_url, parse_identifier
from larkpost.text.urls import encode_url, is_web_address


@pytest.mark.parametrize(
    ("given", "ascii_only"),
    [
        ("https://example.org/a/b?c=d&e#f", "https://example.org/a/b?c=d&e#f"),
        ("HTTP://Example.ORG:8080", "http://example.org:8080"),
        ("https://example.org:/x", "https://example.org/x"),
        ("https://example.org./x", "https://example.org./x"),
        ("https://under_score.example.org/", "https://under_score.example.org/"),
        ("https://bücher.example/straße", "https://xn--bcher-kva.example/stra%C3%9Fe"),
        ("https://例え.jp/論文?q=本#節",
         "https://xn--r8jz45g.jp/%E8%AB%96%E6%96%87?q=%E6%9C%AC#%E7%AF%80"),
        ("https://example.org/a<b>c\"d{e}|f^g`h", "https://example.org/a%3Cb%3Ec%22d%7Be%7D%7Cf%5Eg%60h"),
        ("https://example.org/%3Cb%3e?q=%C3%BC", "https://example.org/%3Cb%3e?q=%C3%BC"),
        ("https://example.org/100%?p=50%zz", "https://example.org/100%25?p=50%25zz"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("http://192.0.2.7/x", "http://192.0.2.7/x"),
    ],
)  # fmt: skip  # pairs read better in rows
def test_an_address_is_spelt_in_ascii_and_only_once(given: str, ascii_only: str) -> None:
    assert encode_url(given) == ascii_only
    assert encode_url(ascii_only) == ascii_only


@pytest.mark.parametrize(
    "given",
    ["", "word", "example.org/x", "//example.org/x", "ftp://example.org/x", "javascript:alert(1)",
     "data:text/html,x", "https:", "https://", "https:///x", "https://?q", "https://:80/",
     "https://[::1", "https://[::1]x/", "https://[zz]/", "https://example.org:port/",
     "https://example.org:99999/", "https://example.org:0/", "https://user@example.org/",
     "https://user:pass@example.org/", "https://good.example\\@evil.example/", "https://a b.org/",
     "https://example.org/a b", "https://example.org/a\nb", "https://example.org/\x00",
     "https://example.org/\u2028", " https://example.org/", "https://a..b/", "https://.org/",
     "https://-a.org/", "https://ex%61mple.org/", "https://" + "a" * 64 + ".org/",
     "https://" + "a." * 130 + "org/", "https://xn--\u2603.org/", "https://example.org/\ud800"],
)  # fmt: skip  # a list of words reads better in rows
def test_what_cannot_be_followed_is_no_link(given: str) -> None:
    assert encode_url(given) == ""
    assert not is_web_address(given)


SICI = "10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (Identifier("arxiv", "2608.01001"), "https://arxiv.org/abs/2608.01001"),
        (Identifier("arxiv", "hep-th/9901001"), "https://arxiv.org/abs/hep-th/9901001"),
        (Identifier("doi", SICI.lower()),
         "https://doi.org/10.1002/(sici)1097-4571(199806)49:8%3C693::aid-asi4%3E3.0.co;2-o"),
        (Identifier("doi", "10.1000/a#b?c%41"), "https://doi.org/10.1000/a%23b%3Fc%2541"),
        (Identifier("url", "https://example.org/ü"), "https://example.org/%C3%BC"),
        (Identifier("text", "00ff"), ""),
        (Identifier("pmid", "123"), ""),
    ],
)  # fmt: skip  # pairs read better in rows
def test_a_name_leads_to_its_address(name: Identifier, address: str) -> None:
    assert identifier_url(name) == address
    if address:
        assert parse_identifier(address) in {name, Identifier("url", address)}


@pytest.mark.parametrize(
    "given",
    [SICI, f"doi:{SICI}", f"https://doi.org/{SICI}", f"doi:https://doi.org/{SICI}",
     "https://doi.org/10.1002/(SICI)1097-4571(199806)49:8%3C693::AID-ASI4%3E3.0.CO;2-O",
     "https://dx.doi.org/10.1002/%28SICI%291097-4571%28199806%2949%3A8%3C693%3A%3AAID-ASI4%3E3.0.CO%3B2-O"],
)  # fmt: skip  # a list of words reads better in rows
def test_a_doi_has_one_name_however_it_is_escaped(given: str) -> None:
    assert parse_identifier(given) == Identifier("doi", SICI.lower())
