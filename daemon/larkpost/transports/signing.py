"""Signs letters (DKIM, RFC 6376) on their way, for those whose mail server does not."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from email.utils import parseaddr
from typing import TYPE_CHECKING

from larkpost.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.domain import Letter
    from larkpost.seams import Transport

# Named once more than they occur, so that nobody can add another one without breaking the
# signature (RFC 6376, 8.15); RFC 8058, 4, wants the List fields covered.
OVERSIGNED = (b"From", b"Reply-To", b"Subject", b"List-Unsubscribe", b"List-Unsubscribe-Post")
SIGNED = (b"To", b"Date", b"Message-ID", b"List-Id", b"MIME-Version", b"Content-Type")
_HINT = 'pip install "larkpost[dkim]", or leave dkim.selector empty and let the mail server sign'


@dataclass(frozen=True, slots=True)
class Signature:
    """Whose signature it is: the public key lies at ``selector._domainkey.domain``."""

    selector: str
    domain: str
    key: bytes


class Signed:
    """A road that signs each letter before it goes."""

    def __init__(self, road: Transport, signature: Signature) -> None:
        self._road = road
        self._signature = signature

    def send(self, letter: Letter) -> None:
        """Sign and send; raises what the road raises."""
        self._road.send(signed(letter, self._signature))


def signature_of(selector: str, key: Path, sender: str) -> Signature | None:
    """Read what to sign with, for the domain of ``sender``; None where no selector is set.

    Raises SettingsError where dkimpy is missing, or the key is, or others can read it.
    """
    if not selector:
        return None
    try:
        import dkim  # type: ignore[import-untyped]  # noqa: F401 - it ships no types; told now, not at a letter
    except ModuleNotFoundError as error:
        raise SettingsError("dkim.selector is set and dkimpy is missing", hint=_HINT) from error
    try:
        mode, text = key.stat().st_mode, key.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"the DKIM key {key} cannot be read: {error.strerror}",
            hint=f"openssl genrsa -out {key} 2048 && chmod 600 {key}",
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"others can read the DKIM key {key}", hint=f"chmod 600 {key}")
    signature = Signature(selector, parseaddr(sender)[1].rpartition("@")[2], text)
    _try(signature, key)
    return signature


def signed(letter: Letter, signature: Signature) -> Letter:
    """Put a DKIM-Signature on top of a letter; relaxed, so that a relay may fold lines anew."""
    return replace(letter, content=_header(letter.content, signature) + letter.content)


def _header(content: bytes, signature: Signature) -> bytes:
    import dkim

    head = content.partition(b"\r\n\r\n")[0].lower()
    there = [name for name in (*OVERSIGNED, *SIGNED) if b"\n" + name.lower() + b":" in b"\n" + head]
    header: bytes = dkim.sign(
        content,
        signature.selector.encode(),
        signature.domain.encode(),
        signature.key,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[*there, *OVERSIGNED],
    )
    return header


def _try(signature: Signature, key: Path) -> None:
    import dkim

    try:
        _header(b"From: post@example.org\r\n\r\n\r\n", signature)
    except (dkim.DKIMException, ValueError, TypeError) as error:
        raise SettingsError(
            f"the DKIM key {key} is no RSA key in PEM: {error}",
            hint=f"openssl genrsa -out {key} 2048 && chmod 600 {key}",
        ) from error
