"""Reads what a line of ``readers.jsonl`` says of a reader, before anything of it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID

from larkpost.domain import Pick, Status, Weight
from larkpost.errors import UsageError
from larkpost.flows import membership
from larkpost.settings import read_days
from larkpost.store import papers
from larkpost.text.identifiers import parse_identifier
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from larkpost.domain import Identifier, Paper
    from larkpost.store.engine import Connection

READER_KEYS = frozenset(
    [
        "reader",
        "number",
        "uid",
        "name",
        "status",
        "zone",
        "at",
        "days",
        "size",
        "interests",
        "themes",
        "threshold",
        "weekly",
        "quiet_mail",
        "paused_until",
        "feed_key",
        "relinked",
        "created",
        "editions",
        "kind",
    ]
)
# Ours have 22 characters, 128 bits of chance; a key of fewer than 16 might be guessed.
_FEED_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Theme(NamedTuple):
    """An interest: its name, words and share, and the number that its feed may go by."""

    name: str
    words: tuple[str, ...]
    quota: int
    number: int | None


@dataclass(frozen=True, slots=True)
class Issue:
    """A past edition; its picks name their interests, but have no number of one yet."""

    number: int | None
    day: date
    published_at: datetime
    since: date | None
    note: str
    considered: int
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True)
class ReaderLine:
    """What a line says of a reader; None stands for what it does not say.

    ``name`` is an address or a uid. ``columns`` are those that no wish can change: what opens the
    reader's feed and page, and until when they pause.
    """

    name: str
    uid: str | None
    number: int | None
    created: datetime | None
    status: Status | None
    wishes: membership.Wishes
    words: tuple[str, ...] | None
    themes: tuple[Theme, ...]
    columns: Mapping[str, Any]

    @property
    def address(self) -> str | None:
        """The mail address, where the reader goes by one."""
        return self.name if "@" in self.name else None


def read_reader(line: Mapping[str, Any]) -> ReaderLine:
    """Read a line; raises KeyError, ValueError, TypeError or UsageError for what it cannot say."""
    name = str(line["reader"])
    said = line.get("uid") if "@" in name else name
    return ReaderLine(
        name=name,
        uid=read_uid(said) if said else None,
        number=read_number(line),
        created=read_moment(line["created"]) if line.get("created") else None,
        status=Status(line["status"]) if line.get("status") is not None else None,
        wishes=membership.checked(_wishes(line)),
        words=membership.tidy(_texts(line, "interests")) if "interests" in line else None,
        themes=_themes(line),
        columns=_columns(line, name),
    )


def read_issues(connection: Connection, line: Mapping[str, Any]) -> list[Issue]:
    """Read the past editions of a line; raises UsageError where a paper of one is not here."""
    told = line.get("editions", ())
    names = {
        str(pick[key])
        for issue in told
        for pick in issue["picks"]
        for key in ("paper", "like")
        if pick[key]
    }
    ids = papers.owners(connection, {parse_identifier(name) for name in names})
    found = papers.get(connection, set(ids.values()))
    by_name = {name: found[find_paper(ids, name)] for name in names}
    return [_issue(issue, by_name) for issue in told]


def find_paper(named: Mapping[Identifier, int], name: str) -> int:
    """Find the id of a paper by its name; raises UsageError where none has it."""
    identifier = parse_identifier(name)
    if identifier not in named:
        raise UsageError(f"no paper here goes by {identifier}")
    return named[identifier]


def read_uid(name: object) -> str:
    """Read the name that a reader without an address goes by; any other word is a slip."""
    try:
        return str(UUID(str(name)))
    except ValueError as error:
        raise UsageError(
            f"“{one_line(str(name))[:80]}” is neither a mail address nor the uid of a reader"
        ) from error


def read_moment(text: str) -> datetime:
    """Read a moment of ISO 8601, in UTC where it names no zone; raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_number(said: Mapping[str, Any]) -> int | None:
    """Read the number of a row where it comes from; raises ValueError."""
    return None if said.get("number") is None else int(said["number"])


def _columns(line: Mapping[str, Any], name: str) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "paused_until" in line:
        until = line["paused_until"]
        columns["paused_until"] = date.fromisoformat(until) if until else None
    if line.get("feed_key") is not None:  # empty: switched off
        columns["feed_key"] = _feed_key(line["feed_key"], name)
    if line.get("relinked"):
        columns["relinked"] = int(line["relinked"])
    return columns


def _feed_key(key: object, name: str) -> str:
    if isinstance(key, str) and (not key or _FEED_KEY.fullmatch(key)):
        return key
    raise UsageError(
        f"the feed key of {one_line(name)[:80]} cannot be used: a key is a secret of 16 to 64"
        " letters and digits of ASCII, “-” and “_”; leave feed_key out, and a new one is made"
    )


def _themes(line: Mapping[str, Any]) -> tuple[Theme, ...]:
    return tuple(
        Theme(
            str(theme["name"]),
            membership.tidy(_texts(theme, "words")),
            int(theme.get("quota", 1)),
            read_number(theme),
        )
        for theme in line.get("themes", ())
    )


def _texts(line: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Read a list of texts; a text alone would else be taken for a list of its letters."""
    found = line.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise UsageError(f"“{key}” is not a list of texts")
    return tuple(found)


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"“{key}” is neither true nor false")
    return value


def _wishes(line: Mapping[str, Any]) -> membership.Wishes:
    """What the line says of a reader's wishes, in our types; a wrong one raises ValueError."""
    read: dict[str, Callable[[Any], Any]] = {
        "name": str,
        "zone": str,
        "at": time.fromisoformat,
        "days": read_days,
        "size": int,
        "threshold": float,
        "weekly": partial(_flag, "weekly"),
        "quiet_mail": partial(_flag, "quiet_mail"),
    }
    said = {key: convert(line[key]) for key, convert in read.items() if line.get(key) is not None}
    return cast("membership.Wishes", said)


def _issue(issue: Mapping[str, Any], by_name: Mapping[str, Paper]) -> Issue:
    return Issue(
        number=read_number(issue),
        day=date.fromisoformat(issue["date"]),
        published_at=read_moment(issue["published_at"]),
        since=date.fromisoformat(issue["since"]) if issue.get("since") else None,
        note=str(issue.get("note", "")),
        considered=int(issue.get("considered", 0)),
        picks=tuple(_pick(pick, by_name) for pick in issue["picks"]),
    )


def _pick(pick: Mapping[str, Any], by_name: Mapping[str, Paper]) -> Pick:
    return Pick(
        paper=by_name[str(pick["paper"])],
        position=int(pick["position"]),
        score=float(pick["score"]),
        probability=float(pick["probability"]),
        because=_weights(pick["because"]),
        against=_weights(pick["against"]),
        like=by_name[str(pick["like"])] if pick["like"] else None,
        likeness=None if pick.get("likeness") is None else float(pick["likeness"]),
        terms=None if pick.get("terms") is None else tuple(map(str, pick["terms"])),
        interest=str(pick["interest"]),
        explored=bool(pick["explored"]),
        propensity=float(pick["propensity"]),
        pool=int(pick.get("pool", 1)),
    )


def _weights(said: Iterable[Mapping[str, Any]]) -> tuple[Weight, ...]:
    return tuple(Weight(str(one["term"]), float(one["weight"])) for one in said)
