"""Hides passwords in what is shown, logged or raised: in URLs, in ``key=value``, and by value.

In the query of a database's URL only what is known to be harmless is shown (CWE-532, CWE-209):
libpq takes ``password``, ``sslpassword``, ``passfile`` and more there, and so may any driver.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "***"
# Parameters of libpq, psycopg, SQLAlchemy and SQLite that hold nothing secret.
HARMLESS = frozenset(
    {
        "application_name", "cache", "channel_binding", "check_same_thread", "client_encoding",
        "connect_timeout", "dbname", "gssencmode", "host", "hostaddr", "immutable", "keepalives",
        "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "mode",
        "nolock", "port", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslmode",
        "target_session_attrs", "tcp_user_timeout", "timeout", "uri", "user", "vfs",
    }
)  # fmt: skip
# What a word looks like that names a secret, in a page's address or before an equals sign.
_NAMES_SECRET = re.compile(
    r"pass(?:word|wd|file|phrase)?$|^pw$|pwd|secret|token|api_?key|sslkey|credential|^auth$",
    re.IGNORECASE,
)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)(://)([^\s\"'<>`]+)")
_PAIR = re.compile(
    r"\b((?:ssl)?pass(?:word|wd|file|phrase)|sslkey|pwd)(\s*=\s*)('(?:\\.|[^'\\])*'|[^\s'\"&,;)]+)",
    re.IGNORECASE,
)
_BARE_LOGIN = re.compile(r"([^\s:@/'\"]+):([^\s'\"]+)@")
_WEB = frozenset({"http", "https", "ws", "wss"})
_ANYWHERE = 6  # characters: a shorter secret is hidden as a whole word only


def mask_text(text: str, hide: Iterable[str] = ()) -> str:
    """Hide passwords in text: those in URLs and pairs, and the values of ``hide`` themselves."""
    for value in hide:
        text = _without(text, value)
    text = _URL.sub(lambda match: _mask_url(match[1], match[3]), text)
    return _PAIR.sub(rf"\1\2{HIDDEN}", text)


def mask_value(value: str) -> str:
    """Hide passwords in the value of one setting: also ``USER:PASSWORD@`` without a scheme."""
    if "://" in value:
        scheme, _, rest = value.partition("://")
        return _mask_url(scheme, rest)
    return mask_text(_BARE_LOGIN.sub(rf"\1:{HIDDEN}@", value))


def secrets_of_url(url: str) -> tuple[str, ...]:
    """List the secrets in a database's URL, as they are written there and decoded."""
    scheme, _, rest = url.partition("://")
    login, query = _parts(scheme, rest)
    found = [login.partition(":")[2]]
    for some in (query, rest.partition("?")[2]):  # a login with a question mark can be read twice
        found += [value for name, value in _parameters(some) if not _is_harmless(scheme, name)]
    return tuple(dict.fromkeys(s for one in found if one for s in (one, unquote(one))))


def spellings(secret: str) -> tuple[str, ...]:
    """List the forms in which a program may repeat a secret, the longest first."""
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
    login, query = _parts(scheme, rest)
    place = rest[len(login) + 1 :] if login or rest.startswith("@") else rest
    user, colon, _ = login.partition(":")
    if "?" in login:  # where it ends, and where the query begins, only its author knows
        return f"{scheme}://{re.split('[?/]', user)[0]}:{HIDDEN}"
    shown = f"{user}{colon}{HIDDEN if colon else ''}@" if place != rest else ""
    if query:
        place = place[: len(place) - len(query)] + _mask_query(scheme, query)
    return f"{scheme}://{shown}{place}"


def _parts(scheme: str, rest: str) -> tuple[str, str]:
    """Find the login and the query of what follows ``://``.

    In the address of a page the login ends before the first slash; elsewhere people forget to
    encode what is in a password, so that it may reach to the last ``@`` of all. A file of SQLite
    has no login.
    """
    if scheme.lower().startswith("sqlite"):
        return "", rest.partition("?")[2]
    before_query = rest.partition("?")[0]
    if scheme.lower() in _WEB:
        login = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[0]
    elif "@" in before_query:
        login = before_query.rpartition("@")[0]
    else:
        login = rest.rpartition("@")[0]
        if ":" not in login:  # the sign is in the query
            login = ""
    return login, rest[len(login) :].partition("?")[2]


def _mask_query(scheme: str, query: str) -> str:
    query, hash_, fragment = query.partition("#")
    return "&".join(_masked_parameters(scheme, query)) + hash_ + fragment


def _masked_parameters(scheme: str, query: str) -> Iterator[str]:
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
