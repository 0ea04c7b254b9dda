"""Signed mail addresses (VERP): for bounces, replies of a reader, and unsubscribing."""

from __future__ import annotations

import binascii
import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from larkpost.domain import Edition, Reader
from larkpost.errors import InvalidToken
from larkpost.tokens import MAC_BYTES, Tokens
from larkpost.urls import open_token, stamp

if TYPE_CHECKING:
    from larkpost.token_routes import Purpose

# The letter gives the purpose of the address, which selects the key.
_PURPOSES: dict[str, Purpose] = {"b": "bounce", "v": "answer", "n": "notice", "u": "unsubscribe"}
_TAGGED = re.compile(r"\+([bvnu])([a-z2-7]{30,60})@", re.IGNORECASE)
_MOST_TRIED = 50  # addresses of one mail whose signature is checked
_FIRST_DAY = date(2024, 1, 1)  # the days of notices count from here, to be short


@dataclass(frozen=True, slots=True)
class AddressTag:
    """The purpose of a signed address.

    ``number`` is that of an edition (bounce, answer) or of a reader (notice, unsubscribe; 0 is
    the operator), ``stamp`` that of the reader, and ``sent`` the day of a notice.
    """

    purpose: Purpose
    number: int
    stamp: int
    sent: date | None = None


class ReturnAddresses:
    """Makes ``post+b…@example.org`` from ``post@example.org``, and parses such addresses.

    The mail server must deliver addresses with a ``+`` to the same mailbox (RFC 5233 calls it
    sub-addressing). Servers may change the case of the local part, so the token is in base32; with
    it a local part of 20 characters stays below the 64 of RFC 5321, 4.5.3.1.1.
    """

    def __init__(self, address: str, tokens: Tokens) -> None:
        self._local, _, self._domain = address.rpartition("@")
        self._tokens = tokens

    def bounces(self, edition: Edition) -> str:
        """Make the return path of an edition's message (VERP)."""
        return self._tag("b", edition)

    def answers(self, edition: Edition) -> str:
        """Make the address for replies to an edition."""
        return self._tag("v", edition)

    def notices(self, reader: Reader | None, day: date) -> str:
        """Make the return path of a message that is not an edition; None is the operator."""
        number, mark = (reader.id, stamp(reader)) if reader else (0, 0)
        return self._sign("n", number, mark, max(0, (day - _FIRST_DAY).days))

    def unsubscribes(self, reader: Reader) -> str:
        """Make the address where any mail ends the reader's subscription (RFC 2369, 3.2)."""
        return self._sign("u", reader.id, stamp(reader))

    def read(self, text: str) -> AddressTag | None:
        """Find the first address in ``text`` with a valid signature; None if there is none."""
        for match in islice(_TAGGED.finditer(text), _MOST_TRIED):
            kind, code = match.groups()
            purpose = _PURPOSES[kind.lower()]
            try:
                return self._open(purpose, _token(code))
            except InvalidToken:
                continue
        return None

    def _open(self, purpose: Purpose, token: str) -> AddressTag:
        if purpose != "notice":
            return AddressTag(purpose, *open_token(self._tokens, purpose, token))
        number, mark, days = self._tokens.verify(purpose, token)
        return AddressTag(purpose, number, mark, _FIRST_DAY + timedelta(days=days))

    def _tag(self, kind: str, edition: Edition) -> str:
        return self._sign(kind, edition.id, stamp(edition.reader))

    def _sign(self, kind: str, *numbers: int) -> str:
        token = self._tokens.sign(_PURPOSES[kind], *numbers)
        return f"{self._local}+{kind}{_code(token)}@{self._domain}"


def _code(token: str) -> str:
    payload, _, mac = token.partition(".")
    raw = b"".join(urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (payload, mac))
    return b32encode(raw).decode("ascii").rstrip("=").lower()


def _token(code: str) -> str:
    """Turn a code back into a token; raises InvalidToken if it is not base32."""
    try:
        raw = b32decode(code.upper() + "=" * (-len(code) % 8))
    except binascii.Error as error:
        raise InvalidToken("this address is not valid") from error
    parts = (raw[:-MAC_BYTES], raw[-MAC_BYTES:])
    return ".".join(urlsafe_b64encode(part).decode("ascii").rstrip("=") for part in parts)
