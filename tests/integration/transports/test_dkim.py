"""Tests our DKIM signatures with dkimpy, which gets the public key without DNS."""

from __future__ import annotations

import email
import re
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dkim  # type: ignore[import-untyped]  # it ships no types
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.helpers.edition_factories import HOSTILE, OUT, edition, make_renderer, paper, reader
from tests.helpers.factories import NOW
from tests.helpers.mail.message_checks import MAILBOXES
from tests.helpers.mail.outbox_helpers import Mailbag, PlainRenderer, publish

from larkpost.errors import SettingsError
from larkpost.inbound.reply_addresses import ReplyableRenderer
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.render.email.newsletter import ON_THE_WIRE
from larkpost.transports.dkim import DkimSignature, DkimTransport, sign, signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.domain import Message, Paper
    from larkpost.interfaces import Transport

SENDER = "Larkpost <post@larkpost.example.org>"


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def key(private_key: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    """Write the private key as `openssl genrsa` does."""
    file = tmp_path / "dkim.pem"
    file.write_bytes(
        private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    file.chmod(0o600)
    return file


@pytest.fixture
def signature(key: Path) -> DkimSignature:
    found = signature_of("lark1", key, SENDER)
    assert found is not None
    return found


@pytest.fixture
def dns(private_key: rsa.RSAPrivateKey) -> Callable[..., bytes | None]:
    """Answer as the name server of the domain would."""
    public = private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + b64encode(public)

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        return record if name == b"lark1._domainkey.larkpost.example.org." else None

    return answer


def message(title: str = "Sparse routing") -> Message:
    page = edition(paper(title=title), to=reader(name=title))
    return next(iter(make_renderer().newsletter([page])))


def in_print(*papers: Paper) -> Message:
    """Make a message with a reply address."""
    page = edition(*papers, to=reader())
    return next(iter(ReplyableRenderer(make_renderer(), MAILBOXES).newsletter([page])))


@pytest.mark.parametrize("title", HOSTILE)
def test_a_signed_message_verifies_whatever_its_title(
    title: str, signature: DkimSignature, dns: Callable[..., bytes | None]
) -> None:
    content = sign(message(title), signature).content

    assert dkim.verify(content, dnsfunc=dns)
    assert content.endswith(message(title).content)


@pytest.mark.parametrize(
    "name",
    [
        *("From", "To", "Subject", "Date", "Reply-To"),
        *("List-Id", "List-Archive", "List-Unsubscribe", "List-Unsubscribe-Post"),
    ],
)
def test_a_header_added_on_the_way_breaks_the_signature(
    name: str, signature: DkimSignature, dns: Callable[..., bytes | None]
) -> None:
    content = sign(message(), signature).content

    assert dkim.verify(content, dnsfunc=dns)
    assert not dkim.verify(f"{name}: mallory@example.net\r\n".encode() + content, dnsfunc=dns)


def test_every_header_of_a_message_is_signed(
    signature: DkimSignature, dns: Callable[..., bytes | None]
) -> None:
    content = sign(in_print(paper()), signature).content
    head = email.message_from_bytes(content)
    names = [name for name in head if name != "DKIM-Signature"]

    assert {"List-Archive", "Feedback-ID", "Auto-Submitted", "Reply-To"} <= set(names)
    for name in names:
        changed = re.sub(rb"(?m)^%b: " % name.encode(), b"%b: x" % name.encode(), content, count=1)
        assert changed != content
        assert not dkim.verify(changed, dnsfunc=dns), name


def test_the_largest_message_is_below_the_limit_with_all_that_is_added_on_its_way(
    signature: DkimSignature,
) -> None:
    """Whatever the length at which the press begins to shorten it."""
    full = [paper(n, abstract="Word here. " * 900) for n in range(1, 21)]
    sizes = []
    for words in range(0, 150, 3):
        rest = [paper(n, abstract="Word here. " * words) for n in range(30, 34)]
        sizes.append(len(sign(in_print(*full, *rest), signature).content))

    assert ON_THE_WIRE - 1_500 < max(sizes) < ON_THE_WIRE


def test_a_message_signed_again_later_is_the_same_to_the_byte(
    signature: DkimSignature, monkeypatch: pytest.MonkeyPatch, dns: Callable[..., bytes | None]
) -> None:
    first = sign(message(), signature)
    monkeypatch.setattr("dkim.time.time", lambda: OUT.timestamp() + 3600)

    assert sign(message(), signature) == first
    assert f"t={OUT.timestamp():.0f};".encode() in first.content
    assert dkim.verify(first.content, dnsfunc=dns)


def test_a_body_changed_on_the_way_breaks_the_signature(
    signature: DkimSignature, dns: Callable[..., bytes | None]
) -> None:
    content = sign(message(), signature).content

    assert not dkim.verify(content.replace(b"routing", b"rooting"), dnsfunc=dns)


def test_lines_folded_anew_on_the_way_leave_it_good(
    signature: DkimSignature, dns: Callable[..., bytes | None]
) -> None:
    content = sign(message(), signature).content

    assert dkim.verify(content.replace(b"Subject: ", b"Subject:\r\n  "), dnsfunc=dns)


def test_a_new_selector_leaves_what_the_old_one_signed_good(
    signature: DkimSignature, key: Path, dns: Callable[..., bytes | None]
) -> None:
    old = sign(message(), signature).content
    new = signature_of("lark2", key, SENDER)

    assert new is not None
    assert b"s=lark2" in sign(message(), new).content
    assert dkim.verify(old, dnsfunc=dns)


def test_without_a_selector_nothing_is_signed(tmp_path: Path) -> None:
    assert signature_of("", tmp_path / "nowhere", SENDER) is None


def test_a_key_that_is_not_there_open_to_others_or_no_key_is_reported_at_once(
    key: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="cannot be read") as missing:
        signature_of("lark1", tmp_path / "nowhere.pem", SENDER)
    key.chmod(0o644)
    with pytest.raises(SettingsError, match="others can read"):
        signature_of("lark1", key, SENDER)
    key.chmod(0o600)
    key.write_text("no key at all")
    with pytest.raises(SettingsError, match="not an RSA key"):
        signature_of("lark1", key, SENDER)

    assert "openssl genrsa" in missing.value.hint


def test_messages_are_signed_on_their_way(store: Store, signature: DkimSignature) -> None:
    publish(store, 2)
    bag = Mailbag()

    @contextmanager
    def open_transport() -> Iterator[Transport]:
        yield DkimTransport(bag, signature)

    assert deliver(
        store, PlainRenderer(), open_transport, now=NOW, holder="test"
    ) == DeliveryCounts(sent=2)
    assert all(message.content.startswith(b"DKIM-Signature: ") for message in bag.messages)
