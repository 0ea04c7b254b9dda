"""Validates addresses in the settings, and converts them to ASCII."""

from __future__ import annotations

import re
from email.utils import getaddresses, parseaddr
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from larkpost.errors import UsageError
from larkpost.text.email_address import spell_address
from larkpost.text.normalize import clean
from larkpost.text.urls import encode_host, encode_url

UNIX = "unix:"  # before the path of a socket to listen on
_ATOMS = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
# A link with its token must fit on one line of a message (RFC 5322, 2.1.1: 998 characters).
_LONGEST_BASE_URL = 500
_LONGEST_SENDER = 400
_LONGEST_BEFORE_TAG = 18


def read_base_url(url: str) -> str:
    """Convert the start of links to ASCII (RFC 3986, IDNA), without ``/`` at its end.

    Raises ValueError, with the reason, for an address that cannot start a link: a query or a
    fragment would absorb the rest, a password would be sent to every reader, and browsers remove
    ``..`` from a path.
    """
    spelt = encode_url(url)
    parts = urlsplit(spelt)
    if not spelt or _is_no_host(parts.hostname or ""):
        raise ValueError(f"{url!r} is not a web address such as https://paper.example.org")
    if "?" in url or "#" in url:
        raise ValueError(f"{url!r} has a query or a fragment: links are made by adding a path")
    if {".", ".."} & set(re.split("/|%2[Ff]", parts.path.replace("%2E", ".").replace("%2e", "."))):
        raise ValueError(f"{url!r} has . or .. in its path, which browsers leave out")
    if len(spelt) > _LONGEST_BASE_URL:
        raise ValueError(f"it has {len(spelt)} characters, and {_LONGEST_BASE_URL} are possible")
    host, dot, port = parts.netloc.partition(":") if "[" not in parts.netloc else (spelt, "", "")
    if host.endswith("."):  # TLS allows no dot at the end of a name (RFC 6066, 3)
        spelt = spelt.replace(parts.netloc, f"{host.rstrip('.')}{dot}{port}", 1)
    return spelt.rstrip("/")


def read_sender(text: str) -> str:
    """Convert the domain of the sender's mailbox to ASCII; raises ValueError.

    Only one mailbox is allowed: several, or a group, would need a Sender field (RFC 5322, 3.6.2).
    """
    name, address = parseaddr(text)
    odd = clean(text) != text or "\n" in text or "\t" in text or len(text) > _LONGEST_SENDER
    if not odd and (len(getaddresses([text])) > 1 or text.rstrip().endswith((";", ","))):
        raise ValueError(f"{text!r} is more than one address: emails are sent from exactly one")
    if odd or address not in text:  # parseaddr removes spaces from an address
        raise _no_mailbox(text, "Larkpost <larkpost@example.org>")
    spelt = _spell(address, text, "Larkpost <larkpost@example.org>")
    if spelt == address:
        return text
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{spelt}>' if name else spelt


def read_mailbox(text: str) -> str:
    """Convert the domain of a plain mail address to ASCII; empty stays; raises ValueError."""
    if not text:
        return text
    spelt = _spell(text, text, "post@example.org")
    local, _, domain = spelt.rpartition("@")
    if not (_ATOMS.fullmatch(local) and _ATOMS.fullmatch(domain)):
        raise _no_mailbox(text, "post@example.org")
    return spelt


def read_taggable_mailbox(text: str) -> str:
    """Read a mailbox with room for a signed tag before the ``@``; raises ValueError."""
    if len(text.rpartition("@")[0]) > _LONGEST_BEFORE_TAG:
        raise ValueError(
            f"the part before the @ may have {_LONGEST_BEFORE_TAG} characters, because a signed tag"
            " is added"
        )
    return read_mailbox(text)


def read_digest_senders(value: object) -> tuple[str, ...]:
    """Normalise addresses, and domains as ``@example.org``, to lower case.

    The value is a list, or a text separated by commas. Raises ValueError for other values.
    """
    senders = value.split(",") if isinstance(value, str) else value
    if not isinstance(senders, list | tuple) or not all(isinstance(one, str) for one in senders):
        raise ValueError("write a list of addresses, or of domains such as @example.org")
    return tuple(_read_digest_sender(one.strip()) for one in senders if one.strip())


def _read_digest_sender(text: str) -> str:
    if text.startswith("@"):
        return read_mailbox(f"a{text}")[1:].lower()
    return read_mailbox(text).lower()


def read_server(text: str) -> str:
    """Convert the name or address of a mail server to ASCII; raises ValueError if it is invalid."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(IPv6Address(bare)) if ":" in bare and "%" not in bare else encode_host(bare)
    except ValueError:
        raise ValueError(
            f"{text!r} is not the name of a server such as mail.example.org; its port is smtp.port"
        ) from None


def read_listening_host(text: str) -> str:
    """Normalise the listening address: an IP address, a name, or ``unix:`` and a path.

    ``[::1]`` is ``::1``. Raises ValueError for other values.
    """
    if text == UNIX:
        raise ValueError("a path must follow, as in unix:/run/larkpost/larkpost.sock")
    if text.startswith(UNIX):
        return text
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(IPv6Address(bare)) if ":" in bare else encode_host(bare)
    except ValueError:
        raise ValueError(
            f"{text!r} is not the name or number of a host; 127.0.0.1 is this machine alone,"
            " 0.0.0.0 every way to it, and the port is web.port"
        ) from None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: 127.0.0.0/8, ::1, localhost (RFC 6761, 6.3).

    The unspecified address, 0.0.0.0 or ::, which is only for listening, counts too, and each of
    these mapped into IPv6, such as ::ffff:127.0.0.1 (RFC 4291, 2.5.5.2).
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".localdomain")):
        return True
    try:
        number = ip_address(name.removeprefix("ipv6:"))
    except ValueError:
        return False
    number = getattr(number, "ipv4_mapped", None) or number
    return number.is_loopback or number.is_unspecified


def _is_no_host(host: str) -> bool:
    """Whether browsers would parse a name as an IPv4 address and refuse it (WHATWG URL, 3.5)."""
    if not host.rstrip(".").rpartition(".")[2].isdigit():
        return False
    try:
        IPv4Address(host.rstrip("."))
    except ValueError:
        return True
    return False


def _spell(address: str, text: str, example: str) -> str:
    try:
        spelt = spell_address(address)
    except UsageError as error:
        if "=?" in address:
            raise ValueError(str(error)) from None
        raise _no_mailbox(text, example) from None
    if not spelt.isascii():  # messages would need SMTPUTF8 (RFC 6531), which few servers support
        raise ValueError(
            f"{text!r} has characters that are not ASCII before the @, which few servers accept"
        )
    return spelt


def _no_mailbox(text: str, example: str) -> ValueError:
    return ValueError(f"{text!r} is not an email address such as {example}")
