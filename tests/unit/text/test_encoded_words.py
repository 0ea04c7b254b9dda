"""Tests that no address contains an encoded word (RFC 2047), which programs would decode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW

from larkpost.errors import SettingsError, UsageError
from larkpost.mail.confirmations import check_request
from larkpost.readers import subscriptions
from larkpost.render.email.mime import check_address, sender_of
from larkpost.settings.addresses import read_mailbox
from larkpost.text.email_address import address_key, spell_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from larkpost.db.engine import Store

HIDDEN = "=?utf-8?q?a=0d=0aBcc=3a_v=40x.y?=@example.org"


@pytest.mark.parametrize("address", [HIDDEN, "a=?b@example.org", '"=?utf-8?q?a?="@example.org'])
@pytest.mark.parametrize(
    "read",
    [
        spell_address,
        address_key,
        check_address,
        lambda text: check_request(text, {}),
    ],
    ids=["spell", "key", "header", "subscription"],
)
def test_an_encoded_word_before_the_at_sign_is_refused(
    read: Callable[[str], object], address: str
) -> None:
    with pytest.raises(UsageError, match="encoded text"):
        read(address)


def test_nobody_is_subscribed_under_an_encoded_word(store: Store) -> None:
    with pytest.raises(UsageError, match="encoded text"):
        subscriptions.add(store, HIDDEN, now=NOW)


def test_settings_refuse_an_encoded_word_too() -> None:
    with pytest.raises(ValueError, match="encoded text"):
        read_mailbox(HIDDEN)
    with pytest.raises(SettingsError):
        sender_of(f"Larkpost <{HIDDEN}>")


@pytest.mark.parametrize("address", ["a=b@example.org", "who?@example.org", "a?=@example.org"])
def test_other_signs_stay_possible(address: str) -> None:
    assert spell_address(address) == address
