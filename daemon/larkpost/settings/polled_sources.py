"""The setting ``sources``, and the addresses of polled sources: known names and web addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainSerializer

from larkpost.text.arxiv_categories import ALL_CODES, ARCHIVES
from larkpost.text.normalize import one_line

LONGEST_NAME = 100
LONGEST_URL = 2000
SHORTEST_INTERVAL = 5  # minutes
LONGEST_INTERVAL = 7 * 24 * 60
MOST_SOURCES = 1000
_OPTIONS = frozenset(
    {"name", "url", "category", "interval_minutes", "allow_private", "authority", "opml"}
)
_EXAMPLE = '[[sources]] with name = "hf-daily"'


class SourceKind(StrEnum):
    """The kind of source that an address names."""

    HF_DAILY = "hf-daily"
    HF_TRENDING = "hf-trending"
    ARXIV = "arxiv"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class PolledSource:
    """A source that is polled for papers: its unique name, and its address.

    ``address`` is a known name (``hf-daily``, ``arxiv:cs.CL+cs.LG``) or a web address.
    ``interval_minutes`` is None for the kind's default. ``authority``: the operator vouches for
    its texts, as for dumps. ``by_command``: added by ``larkpost source add``, not by the settings.
    """

    name: str
    address: str
    interval_minutes: float | None = None
    allow_private: bool = False
    authority: bool = False
    by_command: bool = False

    @property
    def kind(self) -> SourceKind:
        """The kind of the source."""
        return source_kind(self.address)


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One entry of the setting ``sources``: a source, or the path of an OPML file of several."""

    name: str = ""
    address: str = ""
    interval_minutes: float | None = None
    allow_private: bool = False
    authority: bool = False
    opml: str = ""


NO_SOURCES: tuple[SourceEntry, ...] = ()  # nothing is polled until a source is added


def source_kind(address: str) -> SourceKind:
    """Return the kind of an address from ``read_source_address``."""
    if address in (SourceKind.HF_DAILY, SourceKind.HF_TRENDING):
        return SourceKind(address)
    return SourceKind.ARXIV if address.startswith("arxiv:") else SourceKind.FEED


def read_source_address(text: str) -> str:
    """Read a known name, in upper or lower case, or a web address; raises ValueError.

    Categories get arXiv's spelling: ``arXiv:cs.cl`` becomes ``arxiv:cs.CL``.
    """
    bare = text.strip()
    low = bare.lower()
    if low in (SourceKind.HF_DAILY, SourceKind.HF_TRENDING):
        return low
    if low.startswith("arxiv:"):
        return f"arxiv:{_read_categories(bare.partition(':')[2])}"
    if "://" not in bare:
        raise ValueError(
            f"{text!r} is not a source: write hf-daily, hf-trending, arxiv:cs.CL,"
            " or an address that begins with https://"
        )
    return _read_web_address(bare)


def _read_categories(text: str) -> str:
    names = [name.strip() for name in re.split(r"[+,\s]+", text) if name.strip()]
    if not names:
        raise ValueError("arxiv: needs a category, such as arxiv:cs.CL")
    for name in names:
        if name.lower() not in ALL_CODES | ARCHIVES:
            raise ValueError(f"{name!r} is not a category of arXiv such as cs.CL")
    return "+".join(dict.fromkeys(map(_spell_category, names)))


def _spell_category(name: str) -> str:
    """Return arXiv's spelling of a category: ``cs.CL``, ``astro-ph.CO``, ``cond-mat.str-el``."""
    archive, dot, part = name.lower().partition(".")
    return f"{archive}{dot}{part.upper() if len(part) == 2 else part}"


def _read_web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme.lower() in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or len(text) > LONGEST_URL or not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} is not a web address such as https://example.org/feed.xml")
    return text.partition("#")[0]


def read_source_name(text: str) -> str:
    """Read the name of a source, one line of at most 100 characters; raises ValueError."""
    name = one_line(text).strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise ValueError(f"a name has 1 to {LONGEST_NAME} characters: {text!r}")
    return name


def name_of_address(address: str) -> str:
    """Return the default name of a source: its known name, or host and path without logins."""
    if "://" not in address:
        return address[:LONGEST_NAME]
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return one_line(f"{host}{parts.path}".rstrip("/"))[:LONGEST_NAME] or host


def read_sources(value: object) -> tuple[SourceEntry, ...]:
    """Read a list of tables or of addresses, the same as JSON, or addresses separated by spaces.

    Raises ValueError, which names an invalid entry, or one with the name of another.
    """
    if isinstance(value, str):
        value = json.loads(value) if value.lstrip().startswith("[") else value.split()
    if not isinstance(value, Iterable) or isinstance(value, Mapping):
        raise ValueError(f"it is a list of tables: {_EXAMPLE}")  # noqa: TRY004 - pydantic reports ValueError, not TypeError
    entries = tuple(_read_entry(one) for one in value)
    if len(entries) > MOST_SOURCES:
        raise ValueError(f"there may be {MOST_SOURCES} of them, not {len(entries)}")
    names = [entry.name for entry in entries if entry.name]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"two sources have the name {twice!r}: give one of them another name")
    return entries


def _read_entry(value: object) -> SourceEntry:
    if isinstance(value, SourceEntry):
        return value
    if isinstance(value, str):
        value = {"url": value}
    if not isinstance(value, Mapping):
        raise ValueError(f"each entry is a table: {_EXAMPLE}")  # noqa: TRY004 - as above
    if unknown := sorted(set(value) - _OPTIONS):
        raise ValueError(
            f"{unknown[0]!r} is not an option of a source: {', '.join(sorted(_OPTIONS))}"
        )
    interval = read_interval(value.get("interval_minutes"))
    switches = (_switch(value, "allow_private"), _switch(value, "authority"))
    if opml := _text(value, "opml"):
        if set(value) & {"name", "url", "category"}:
            raise ValueError("an entry with opml has no name, url or category: the file has them")
        return SourceEntry("", "", interval, *switches, opml)
    name, address = _name_and_address(value)
    return SourceEntry(name, address, interval, *switches)


def _name_and_address(value: Mapping[str, Any]) -> tuple[str, str]:
    """Split an entry: without a url the name is the source, with one it is only its name."""
    name, url, category = (_text(value, key) for key in ("name", "url", "category"))
    if category:
        if url or name.lower() not in ("", "arxiv"):
            return read_source_name(name), read_source_address(f"arxiv:{category}")
        address = read_source_address(f"arxiv:{category}")
        return address, address
    if not url:
        if not name:
            raise ValueError(f"an entry needs a name or a url: {_EXAMPLE}")
        address = read_source_address(name)
        return name_of_address(address), address
    address = read_source_address(url)
    return read_source_name(name) if name else name_of_address(address), address


def read_interval(value: object) -> float | None:
    """Read the minutes between two polls, 5 to 10080; raises ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"interval_minutes is a number, not {value!r}")  # noqa: TRY004 - as above
    if not SHORTEST_INTERVAL <= value <= LONGEST_INTERVAL:
        raise ValueError(
            f"interval_minutes is {SHORTEST_INTERVAL} to {LONGEST_INTERVAL}, not {value!r}"
        )
    return float(value)


def _text(value: Mapping[str, Any], key: str) -> str:
    given = value.get(key, "")
    if not isinstance(given, str):
        raise ValueError(f"{key} is text, not {given!r}")  # noqa: TRY004 - as above
    return given.strip()


def _switch(value: Mapping[str, Any], key: str) -> bool:
    given = value.get(key, False)
    if not isinstance(given, bool):
        raise ValueError(f"{key} is true or false, not {given!r}")  # noqa: TRY004 - as above
    return given


def as_tables(entries: Iterable[SourceEntry]) -> list[dict[str, Any]]:
    """Return the entries in the form of the settings file."""
    tables = []
    for entry in entries:
        table: dict[str, Any] = {"opml": entry.opml} if entry.opml else {"name": entry.name}
        if entry.address not in ("", entry.name):
            table["url"] = entry.address
        if entry.interval_minutes is not None:
            table["interval_minutes"] = entry.interval_minutes
        if entry.allow_private:
            table["allow_private"] = True
        if entry.authority:
            table["authority"] = True
        tables.append(table)
    return tables


SourceEntries = Annotated[
    tuple[SourceEntry, ...],
    BeforeValidator(read_sources),
    PlainSerializer(as_tables, return_type=list[dict[str, Any]]),
]
