"""Masks passwords in output, logs and errors: in URLs, in ``key=value``, and by value.

In the query of a database's URL only known harmless parameters are shown (CWE-532, CWE-209):
libpq takes ``password``, ``sslpassword``, ``passfile`` and more there, and so may any driver.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
# Parameters of libpq, psycopg, SQLAlchemy and SQLite that contain no secret.
HARMLESS = frozenset(
    {
        "application_name", "cache", "channel_binding", "check_same_thread", "client_encoding",
        "connect_timeout", "dbname", "gssencmode", "host", "hostaddr", "immutable", "keepalives",
        "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "mode",
        "nolock", "port", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslmode",
        "target_session_attrs", "tcp_user_timeout", "timeout", "uri", "user", "vfs",
    }
)  # fmt: skip
# The form of a word that names a secret, in a page's address or before an equals sign.
_NAMES_SECRET = re.compile(
    r"pass(?:word|wd|file|phrase)?$|^pw$|pwd|secret|token|api_?key|sslkey|credential|^auth$",
    re.IGNORECASE,
)
_URL_BEGINS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_URL = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*)(://)([^\s\"'<>`]+)")
_PAIR = re.compile(
    r"\b((?:ssl)?pass(?:word|wd|file|phrase)|sslkey|pwd)(\s*=\s*)"
    r"('(?:\\.|[^'\\]){0,1000}'|[^\s'\"&,;)]+)",  # bounded, so that its time is linear
    re.IGNORECASE,
)
_WEB = frozenset({"http", "https", "ws", "wss"})
_SIGNS = re.compile(r"[:/?#@&=]")  # where a driver splits a password that is not encoded
_FRAGMENT = 3  # characters of the part that it then parses as a host
_ANYWHERE = 6  # characters: a shorter secret is hidden as a whole word only


def mask_text(text: str, hide: Iterable[str] = ()) -> str:
    """Hide passwords in text: those in URLs and pairs, and the values of ``hide`` themselves."""
    for value in hide:
        text = _without(text, value)
    text = _URL.sub(lambda match: _mask_url(match[1], match[3]), text)
    return _PAIR.sub(rf"\1\2{HIDDEN}", text)


def mask_value(value: str) -> str:
    """Hide passwords in the value of one setting: also ``USER:PASSWORD@`` without a scheme."""
    if not _URL_BEGINS.match(value):
        return mask_text(re.sub(r"\S+", _mask_login, value))
    scheme, _, rest = value.partition("://")
    return _mask_url(scheme, rest)


def _mask_login(word: re.Match[str]) -> str:
    user, _, rest = word[0].partition(":")
    return f"{user}:{HIDDEN}@{rest.rpartition('@')[2]}" if "@" in rest else word[0]


def secrets_of_url(url: str) -> tuple[str, ...]:
    """List the secrets in a database's URL, as written and decoded."""
    scheme, _, rest = url.partition("://")
    login = _login(scheme, rest)
    found = [login.partition(":")[2]]
    found += (part for part in _SIGNS.split(found[0]) if len(part) >= _FRAGMENT)
    for some in (rest[len(login) :], rest):  # a login with a question mark is ambiguous
        query = some.partition("?")[2]
        found += [value for name, value in _parameters(query) if not _is_harmless(scheme, name)]
    if not login and _has_odd_port(rest):
        found.append(_authority(rest).partition(":")[2])
    return tuple(dict.fromkeys(s for one in found if one for s in (one, unquote(one))))


@lru_cache(maxsize=64)
def spellings(secret: str) -> tuple[str, ...]:
    """List the forms in which a program may repeat a secret, longest first."""
    encoded = secret.encode("utf-8", "surrogateescape")
    forms = {
        secret, unquote(secret), unquote_plus(secret), quote(encoded, safe=""), quote(encoded),
        quote(encoded, safe=" +"), quote_plus(encoded), repr(secret)[1:-1],
        json.dumps(secret)[1:-1], b64encode(encoded).decode("ascii"),
    }  # fmt: skip
    return tuple(sorted(filter(None, forms), key=len, reverse=True))


def _without(text: str, secret: str) -> str:
    for form in spellings(secret) if secret else ():
        if len(form) >= _ANYWHERE:
            text = text.replace(form, HIDDEN)
        else:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", HIDDEN, text)
    return text


def _mask_url(scheme: str, rest: str) -> str:
    login = _login(scheme, rest)
    user, colon, _ = login.partition(":")
    place = rest[len(login) :]
    if "?" in login or (not login and not _is_file(scheme, rest) and _has_odd_port(rest)):
        # The end of the login, and the start of the query, are ambiguous.
        return f"{scheme}://{_authority(rest).partition(':')[0]}:{HIDDEN}"
    before, question, query = place.partition("?")
    shown = f"{user}:{HIDDEN}" if colon else user
    return f"{scheme}://{shown}{before}{question}{_mask_query(scheme, query)}"


def _login(scheme: str, rest: str) -> str:
    """Find the login after ``://``: everything before the ``@``; empty if there is none.

    People forget to encode passwords, so one may contain slashes, question marks and more ``@``,
    and extend to the last ``@``. In the address of a page, an ``@`` after a slash is part of the
    path. A file of SQLite has no login.
    """
    if _is_file(scheme, rest):
        return ""
    last = rest.rpartition("@")[0]
    if scheme.lower() in _WEB:
        if "@" in _authority(rest):
            strict = _authority(rest).rpartition("@")[0]
            return last if ":" in strict else strict
        return last if _has_odd_port(rest) else ""
    first = rest.partition("@")[0]
    if ":" in first:
        return last
    return "" if "?" in first else rest.partition("?")[0].rpartition("@")[0]


def _authority(rest: str) -> str:
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


def _has_odd_port(rest: str) -> bool:
    """Whether the text in place of a port is not a number, and so a password."""
    hosts = _authority(rest).rpartition("@")[2].split(",")
    ports = (host.rpartition("]")[2].partition(":")[2] for host in hosts)
    return any(port and not port.isdecimal() for port in ports)


def _is_file(scheme: str, rest: str) -> bool:
    """Whether a URL is a path of SQLite; SQLCipher has a password in place of a login."""
    return scheme.lower().startswith("sqlite") and rest[:1] in ("", "/")


def _mask_query(scheme: str, query: str) -> str:
    query, hash_, fragment = query.partition("#")
    return "&".join(_mask_parameters(scheme, query)) + hash_ + fragment


def _mask_parameters(scheme: str, query: str) -> Iterator[str]:
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        yield f"{name}={HIDDEN}" if equals and not _is_harmless(scheme, name) else part


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for part in query.partition("#")[0].split("&"):
        name, _, value = part.partition("=")
        yield name, value


def _is_harmless(scheme: str, name: str) -> bool:
    name = unquote_plus(name).strip().lower()
    if scheme.lower() in _WEB:
        return not _NAMES_SECRET.search(name)
    return name in HARMLESS
