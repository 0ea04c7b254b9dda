"""Signs messages with DKIM (RFC 6376), for mail servers that do not."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

from larkpost.domain import Message
from larkpost.errors import SettingsError
from larkpost.interfaces import Transport

# Fields named once more than they occur, present or not, so that nobody can add another one without
# breaking the signature (RFC 6376, 8.15); so is every List field (RFC 8058, 4, demands it).
OVERSIGNED = (b"From", b"To", b"Subject", b"Date", b"Reply-To")
LEAVING = (b"List-Unsubscribe", b"List-Unsubscribe-Post")
SIGNED = (
    b"Message-ID",
    b"MIME-Version",
    b"Content-Type",
    b"Auto-Submitted",
    b"Precedence",
    b"Feedback-ID",
)
_HINT = (
    'run pip install "larkpost[dkim]", or leave dkim.selector empty and let the mail server sign'
)


@dataclass(frozen=True, slots=True)
class DkimSignature:
    """The identity that signs: the public key is at ``selector._domainkey.domain``."""

    selector: str
    domain: str
    key: bytes


class DkimTransport:
    """A transport that signs each message before it goes."""

    def __init__(self, transport: Transport, signature: DkimSignature) -> None:
        self._transport = transport
        self._signature = signature

    def ready(self) -> None:
        """Return when the transport is ready."""
        self._transport.ready()

    def send(self, message: Message) -> None:
        """Sign and send; raises the transport's errors."""
        self._transport.send(sign(message, self._signature))


def signature_of(selector: str, key: Path, sender: str) -> DkimSignature | None:
    """Load the signing key for the domain of ``sender``; None if no selector is set.

    Raises SettingsError if dkimpy or the key is missing, or others can read the key.
    """
    if not selector:
        return None
    try:
        import dkim  # type: ignore[import-untyped]  # noqa: F401 - it ships no types; fails now, not at a message
    except ModuleNotFoundError as error:
        raise SettingsError(
            "dkim.selector is set, but dkimpy is not installed", hint=_HINT
        ) from error
    try:
        mode, text = key.stat().st_mode, key.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"the DKIM key {key} cannot be read: {error.strerror}",
            hint=f"run openssl genrsa -out {key} 2048 && chmod 600 {key}",
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"others can read the DKIM key {key}", hint=f"run chmod 600 {key}")
    signature = DkimSignature(selector, parseaddr(sender)[1].rpartition("@")[2], text)
    _try(signature, key)
    return signature


def sign(message: Message, signature: DkimSignature) -> Message:
    """Put a DKIM-Signature on top of a message; relaxed, so that a relay may fold lines again.

    It has the date of the message, so that a message sent again after doubt has the same bytes.
    """
    return replace(message, content=_header(message.content, signature) + message.content)


def _header(content: bytes, signature: DkimSignature) -> bytes:
    import dkim

    head = message_from_bytes(content.partition(b"\r\n\r\n")[0])

    class Dated(dkim.DKIM):  # type: ignore[misc]  # it ships no types
        """Signs with the message's date, where dkimpy would use the clock."""

        def gen_header(self, fields: list[tuple[bytes, bytes]], *rest: object) -> bytes:
            if moment := head["Date"]:
                at = str(int(parsedate_to_datetime(moment).timestamp())).encode()
                fields = [(name, at if name == b"t" else value) for name, value in fields]
            header: bytes = super().gen_header(fields, *rest)
            return header

    header: bytes = Dated(content).sign(
        signature.selector.encode(),
        signature.domain.encode(),
        signature.key,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=_header_names(head.keys()),
    )
    return header


def _header_names(there: list[str]) -> list[bytes]:
    """List the fields to sign, given those present, repeated as often as needed."""
    names = [name.lower().encode() for name in there]
    lists = dict.fromkeys(name for name in names if name.startswith(b"list-"))
    over = dict.fromkeys([*(name.lower() for name in (*OVERSIGNED, *LEAVING)), *lists])
    signed = {name.lower() for name in SIGNED} | over.keys()
    return [*(name for name in names if name in signed), *over]


def _try(signature: DkimSignature, key: Path) -> None:
    import dkim

    try:
        _header(b"From: post@example.org\r\n\r\n\r\n", signature)
    except (dkim.DKIMException, ValueError, TypeError) as error:
        raise SettingsError(
            f"the DKIM key {key} is not an RSA key in PEM: {error}",
            hint=f"run openssl genrsa -out {key} 2048 && chmod 600 {key}",
        ) from error
