"""Spells mail addresses, for sending and in the one way that compares."""

from __future__ import annotations

import re

import idna

from larkpost.errors import UsageError
from larkpost.text.normalize import clean, normal_form, shorten

_LOCAL_PART = re.compile(r"""[^\s<>()\[\],;:\\"@]{1,64}""")
_LONGEST_TRIED = 1_000  # characters; no more than 254 may be left, and idna's time is quadratic
_ADDRESS_LITERAL = re.compile(r"\[(?:IPv6:)?[0-9A-Fa-f:.]+\]", re.IGNORECASE)


def address_key(address: str) -> str:
    """Give what addresses are compared by: ``spell_address`` without the case of the local part.

    Only the receiving host may tell ``Ann`` from ``ann`` (RFC 5321, 2.4); hardly any does. So two
    that differ in case alone are one mailbox here, and mail goes to what was typed. Raises
    UsageError when it is no address that mail can be sent to.
    """
    local, _, domain = spell_address(address).rpartition("@")
    return f"{_fold(local)}@{domain}"


def spell_address(address: str) -> str:
    """Spell a mail address for sending: NFC, its local part as typed, its domain in ASCII (IDNA).

    Raises UsageError when it is no address that mail can be sent to (RFC 5321, 4.1.2).
    """
    if len(address) > _LONGEST_TRIED:
        raise _no_address(address)
    local, at, domain = normal_form("NFC", address.strip()).rpartition("@")
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    if not at or dotted or not _LOCAL_PART.fullmatch(local) or clean(local) != local:
        raise _no_address(address)
    spelt = f"{local}@{_domain(domain, address)}"
    if len(spelt.encode()) > 254:  # RFC 5321, 4.5.3.1.3, less the angle brackets
        raise _no_address(address)
    return spelt


def _fold(local: str) -> str:
    """Take the case away (Unicode, 3.13, D146): to fold can undo a normal form, and the reverse."""
    folded = normal_form("NFC", local.casefold())
    return normal_form("NFC", folded.casefold())


def _domain(domain: str, address: str) -> str:
    if _ADDRESS_LITERAL.fullmatch(domain):
        return domain.lower()
    try:
        return idna.encode(domain.rstrip("."), uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise _no_address(address) from error


def _no_address(address: str) -> UsageError:
    return UsageError(
        f"“{shorten(address, 120)}” is not a mail address", hint="write it like anna@example.org"
    )
