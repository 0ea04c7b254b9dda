"""The signed addresses to which messages bounce and readers reply."""

from __future__ import annotations

from datetime import date

import pytest
from tests.helpers.edition_factories import edition, reader

from larkpost.inbound.return_address import AddressTag, ReturnAddresses
from larkpost.tokens import Tokens
from larkpost.urls import stamp

EDITION = edition(number=123_456_789, to=reader(number=7))
TOKENS = Tokens([b"k" * 32])
POST = ReturnAddresses("post@paper.example", TOKENS)


def test_each_address_says_what_it_is_for_and_which_edition_is_meant() -> None:
    mine = stamp(EDITION.reader)

    assert POST.read(f"To: <{POST.bounces(EDITION)}>") == AddressTag("bounce", 123_456_789, mine)
    assert POST.read(f"To: <{POST.answers(EDITION)}>") == AddressTag("answer", 123_456_789, mine)


def test_addresses_of_a_reader_say_who_and_of_which_day_the_notice_is() -> None:
    one = reader(number=70_000)
    mine, day = stamp(one), date(2026, 8, 7)

    assert POST.read(POST.notices(one, day)) == AddressTag("notice", 70_000, mine, day)
    assert POST.read(POST.notices(None, day)) == AddressTag("notice", 0, 0, day)
    assert POST.read(POST.unsubscribes(one)) == AddressTag("unsubscribe", 70_000, mine)
    for address in (POST.notices(one, date(2067, 1, 1)), POST.unsubscribes(one)):
        assert len(address.partition("@")[0]) <= 64
        assert address == address.lower()


@pytest.mark.parametrize("kind", "bvnu")
def test_an_address_for_one_thing_is_worth_nothing_for_another(kind: str) -> None:
    one = reader(number=7)
    genuine = {
        "b": POST.bounces(EDITION),
        "v": POST.answers(EDITION),
        "n": POST.notices(one, date(2026, 8, 7)),
        "u": POST.unsubscribes(one),
    }
    for other, address in genuine.items():
        forged = address.replace(f"+{other}", f"+{kind}", 1)

        assert (POST.read(forged) is not None) == (other == kind)


def test_an_address_fits_a_mailbox_and_needs_no_case() -> None:
    address = POST.bounces(EDITION)

    assert len(address.partition("@")[0]) <= 64
    assert address == address.lower()
    assert POST.read(address.upper()) == POST.read(address)


def test_a_forged_address_is_nobody_s() -> None:
    address = POST.bounces(EDITION)
    other = ReturnAddresses("post@paper.example", Tokens([b"x" * 32])).bounces(EDITION)
    last = "a" if address[-20] != "a" else "b"

    for forged in (
        other,
        address.replace("+b", "+v"),
        address.replace("@paper", last + "@paper"),
        address[:30] + last + address[31:],
        "post+b" + "a" * 42 + "@paper.example",
        "post+b" + "1" * 42 + "@paper.example",
        "post@paper.example",
        "",
    ):
        assert POST.read(forged) is None


def test_a_genuine_address_behind_a_forged_one_is_found() -> None:
    forged = "post+b" + "a" * 42 + "@paper.example"

    assert POST.read(f"{forged}, {POST.answers(EDITION)}") is not None


def test_addresses_of_an_older_key_stay_good() -> None:
    rotated = ReturnAddresses("post@paper.example", Tokens([b"n" * 32, b"k" * 32]))

    assert rotated.read(POST.bounces(EDITION)) == POST.read(POST.bounces(EDITION))


@pytest.mark.parametrize("number", [0, 1, 127, 128, 2**31])
def test_any_edition_can_be_named(number: int) -> None:
    one = edition(number=number)
    tag = POST.read(POST.bounces(one))

    assert tag is not None
    assert tag.number == number
