"""Normalises mail addresses: for sending, for comparing, and for counting limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from larkpost.errors import UsageError
from larkpost.text.mail_providers import provider_of
from larkpost.text.normalize import clean, normal_form, shorten

if TYPE_CHECKING:
    from email_validator import ValidatedEmail

_LONGEST_TRIED = 1_000  # characters; no more than 254 may be left, and idna's time is quadratic
_ENCODED_WORD = "=?"
_DOTS = ".\u3002\uff0e\uff61"  # the dots of a domain, which may end with one (RFC 3490, 3.1)
_ADDRESS_LITERAL = re.compile(r"\[(?:IPv6:)?[0-9A-Fa-f:.]+\]", re.IGNORECASE)
# Domains of countries often have names registered under one of these, as ac.uk and com.br.
_REGISTRIES = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "govt", "gv", "ltd", "me", "mil", "ne",
     "net", "nhs", "nom", "or", "org", "plc", "res", "sch"}
)  # fmt: skip


def address_key(address: str) -> str:
    """Return the key for comparing addresses: ``spell_address`` without the local part's case.

    Only the receiving host may distinguish ``Ann`` from ``ann`` (RFC 5321, 2.4); hardly any does.
    So two addresses that differ only in case are one mailbox, and mail goes to the address as
    typed. Raises UsageError if mail cannot be sent to it.
    """
    local, _, domain = spell_address(address).rpartition("@")
    return f"{_fold(local)}@{domain}"


def refuse_other_spelling(address: str) -> None:
    """Raise UsageError if another mailbox, in ASCII, has the same key.

    Folding the case makes ``s`` of U+017F and ``ss`` of U+00DF. So a request for such an address
    kept the owner of the one in ASCII from subscribing, for as long as it was not confirmed.
    """
    if not address.rpartition("@")[0].isascii() and address_key(address).isascii():
        raise UsageError(
            f"“{shorten(address, 120)}” has characters before the @ that are read as others",
            hint="give another address of this mailbox",
        )


def spell_address(address: str) -> str:
    """Normalise an address for sending: NFC, its local part as typed, its domain in ASCII (IDNA).

    Raises UsageError if mail cannot be sent to it (RFC 5321, 4.1.2), and for a local part with
    ``=?``: programs would decode it as an encoded word (RFC 2047, 5), to any other address.
    """
    if len(address) > _LONGEST_TRIED:
        raise _no_address(address)
    _refuse_encoded_word(address)
    try:
        valid = _validator()(address.strip().rstrip(_DOTS))
    except ValueError as error:
        raise _no_address(address) from error
    spelt = f"{valid.local_part}@{valid.ascii_domain.lower()}"
    if clean(spelt) != spelt or len(spelt.encode()) > 254:  # RFC 5321, 4.5.3.1.3, less the brackets
        raise _no_address(address)
    return spelt


def _refuse_encoded_word(address: str) -> None:
    if _ENCODED_WORD in address.rpartition("@")[0]:
        raise UsageError(
            f"“{shorten(address, 120)}” has “{_ENCODED_WORD}” before the @, which begins encoded "
            "text in mail",
            hint="give another address of this mailbox",
        )


@cache
def _validator() -> Callable[[str], ValidatedEmail]:
    """Return the check that raises ValueError for text that is no address; loads on first use."""
    import email_validator

    # Internal mail goes to hosts such as localhost and example.test.
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
    return partial(
        email_validator.validate_email,
        allow_domain_literal=True,
        check_deliverability=False,
        globally_deliverable=False,
        strict=True,
    )


def mailbox_key(address: str) -> str:
    """Return the mailbox of an address, as far as its spelling shows; only used for limits.

    ``ann@gmail.com`` for ``A.nn+news@googlemail.com``: without case, tags, characters that the
    provider ignores (``mail_providers``), forms of Unicode, quotation marks, comments and white
    space (RFC 5322, 3.2.2 and 3.4.1). Two mailboxes may have one key, such as ``ann`` and ``ann+b``
    of a host without tags; so it is never used to find, merge or write to readers. Raises
    UsageError if it is no address.
    """
    local, domain = _parts(address)
    provider = provider_of(domain)
    name, dot, parent = domain.partition(".")
    if dot and (above := provider_of(parent)).subdomains:
        return f"{_name(name, above.tags)}@{above.mailbox_domain or parent}"
    local = _name(local, provider.tags, provider.ignored, provider.alike)
    return f"{local}@{provider.mailbox_domain or domain}"


def domain_key(address: str) -> str:
    """Return the domain that receives the mail of an address; only used for limits.

    Subdomains count as the organisation's domain, because the owner of ``example.org`` can receive
    mail for all of them. That domain is a guess of two or three labels. Raises UsageError if it is
    no address.
    """
    domain = mailbox_key(address).rpartition("@")[2]
    labels = domain.split(".")
    if domain.startswith("[") or len(labels) < 3:
        return domain
    country = len(labels[-1]) == 2 and labels[-2] in _REGISTRIES
    return ".".join(labels[-3:] if country else labels[-2:])


def _parts(address: str) -> tuple[str, str]:
    """Return the normalised parts before and after the ``@``; raises UsageError."""
    if len(address) > _LONGEST_TRIED:
        raise _no_address(address)
    whole = clean(normal_form("NFKD", clean(address)))
    local, _, domain = _without_comments(whole).rpartition("@")
    if not local or not domain:  # parentheses that are not part of a comment
        local, _, domain = whole.rpartition("@")
    local = normal_form("NFKD", _fold(local))
    if not local or not domain:
        raise _no_address(address)
    domain = _plain_literal(_domain(domain, address))
    return _without_route(local, domain), domain


def _without_route(local: str, domain: str) -> str:
    """Remove the host from a local part that repeats it, as Postfix does.

    ``ann%example.org@example.org`` (allow_percent_hack) and ``example.org!ann@example.org``
    (swap_bangpath), postconf(5), go to ``ann@example.org``.
    """
    behind, before = f"%{domain}", f"{domain}!"
    while local.endswith(behind) or local.startswith(before):
        shorter = local.removesuffix(behind).removeprefix(before)
        if not shorter:
            break
        local = shorter
    return local


def _name(local: str, tags: str, ignored: str = "", alike: str = "") -> str:
    """Remove the parts of a local part that its host ignores, unless nothing would be left."""
    name = re.split(f"[{re.escape(tags)}]", local, maxsplit=1)[0] or local
    name = name.translate(dict.fromkeys(map(ord, alike), "-"))
    return name.translate(dict.fromkeys(map(ord, ignored))) or name


def _without_comments(text: str) -> str:
    """Remove comments, quotation marks and white space around words from an address."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped or character not in '\\"()':
            space = character.isspace() and not quoted and not escaped
            if not depth and not space:
                kept.append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"' and not depth:
            quoted = not quoted
        elif not quoted:
            depth = max(0, depth + (1 if character == "(" else -1 if character == ")" else 0))
        elif not depth:
            kept.append(character)
    return "".join(kept)


def _plain_literal(domain: str) -> str:
    """Normalise an address literal (RFC 5321, 4.1.3; RFC 5952)."""
    if not domain.startswith("["):
        return domain
    try:
        address = ip_address(domain.strip("[]").removeprefix("ipv6:"))
    except ValueError:
        return domain
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return f"[{mapped or address}]"


def _fold(local: str) -> str:
    """Fold the case (Unicode, 3.13, D146): folding can undo a normal form, and the reverse."""
    folded = normal_form("NFC", local.casefold())
    return normal_form("NFC", folded.casefold())


def _domain(domain: str, address: str) -> str:
    if _ADDRESS_LITERAL.fullmatch(domain):
        return domain.lower()
    import idna  # imported late, as in ``text.urls``

    try:
        # A Unicode dot at the end becomes an ASCII dot only now.
        return idna.encode(domain.rstrip("."), uts46=True).decode("ascii").lower().rstrip(".")
    except (idna.IDNAError, UnicodeError) as error:
        raise _no_address(address) from error


def _no_address(address: str) -> UsageError:
    return UsageError(
        f"“{shorten(address, 120)}” is not an email address", hint="write it like anna@example.org"
    )
