"""Reads a record of ``readers.jsonl`` before anything of it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID

from larkpost.db import papers
from larkpost.domain import Identifier, Paper, PaperRecord, Pick, Status, TermWeight
from larkpost.errors import UsageError
from larkpost.formats.export_format import CURRENT
from larkpost.formats.json_fields import BadRecordError, JsonFields
from larkpost.formats.jsonl import draft_of
from larkpost.portability.exchange_record import ExchangeRecord, read_record
from larkpost.portability.record_fields import (
    read_day,
    read_flag,
    read_moment,
    read_number,
    read_objects,
    read_status,
    read_time,
    read_weekdays,
    read_whole,
    spelling,
)
from larkpost.readers import subscriptions
from larkpost.text import interest_words
from larkpost.text.identifiers import parse_identifier
from larkpost.text.normalize import shorten

if TYPE_CHECKING:
    from larkpost.db.engine import Connection

# Our keys have 22 characters, 128 random bits; a key of fewer than 16 might be guessed.
_FEED_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")


class InterestRecord(NamedTuple):
    """An interest: its name, words and share, and the number that its feed's address may use."""

    name: str
    words: tuple[str, ...]
    quota: int
    number: int | None


@dataclass(frozen=True, slots=True)
class EditionRecord:
    """A past edition; its picks name their interests, without numbers yet.

    ``private_likes`` are, by position, the identifiers of private papers that picks are similar to.
    """

    number: int | None
    day: date
    published_at: datetime
    catch_up_from: date | None
    note: str
    candidate_count: int
    picks: tuple[Pick, ...]
    private_likes: Mapping[int, Identifier]


@dataclass(frozen=True, slots=True)
class ReaderRecord:
    """The values of a line for one reader; None means missing.

    ``name`` is an address or a uid. ``expires``: removed when unused, see ``readers.expiry``.
    ``counted``: whether their thumbs count for others. ``main_words`` are the words of the first
    interest, which the first format stores separately. ``columns`` are the values that preferences
    cannot change: the feed key, the page link version, and the end of a pause.
    """

    name: str
    uid: str | None
    number: int | None
    created: datetime | None
    status: Status | None
    preferences: subscriptions.Preferences
    main_words: tuple[str, ...] | None
    interests: tuple[InterestRecord, ...]
    columns: Mapping[str, Any]
    private_papers: tuple[PaperRecord, ...]
    counted: bool | None
    expires: bool = False
    last_used: date | None = None

    @property
    def is_uncounted(self) -> bool:
        """Whether a new reader's thumbs do not count for others yet."""
        return self.status is Status.PENDING if self.counted is None else not self.counted

    @property
    def address(self) -> str | None:
        """The mail address, if the reader's name is one."""
        return self.name if "@" in self.name else None


def read_reader(fields: Mapping[str, Any]) -> ReaderRecord:
    """Read the fields of a line; raises KeyError or UsageError for invalid ones."""
    line = read_record("reader", fields)
    name = str(line["reader"])
    said = line.get("uid") if "@" in name else name
    return ReaderRecord(
        name=name,
        uid=read_uid(said) if said else None,
        number=_row_number(line),
        created=read_moment(line, "created") if line.get("created") else None,
        status=read_status(line, "status") if line.get("status") is not None else None,
        preferences=subscriptions.check_preferences(_preferences(line)),
        main_words=_main_words(line),
        interests=_interests(line),
        columns=_columns(line, name),
        private_papers=_private_papers(line),
        expires=read_flag(line, "expires") if "expires" in line else False,
        last_used=read_day(line, "last_used") if line.get("last_used") else None,
        counted=read_flag(line, "counted") if line.get("counted") is not None else None,
    )


def read_issues(
    connection: Connection, fields: Mapping[str, Any], private: Collection[Identifier] = ()
) -> list[EditionRecord]:
    """Read the past editions of a line; raises UsageError if one of their papers is missing.

    ``private`` are the identifiers of the private papers on the line, which are not imported yet.
    """
    line = read_record("reader", fields)
    told = read_objects(line, "editions") if "editions" in line else []
    names = {
        str(pick[key])
        for issue in told
        for pick in read_objects(issue, "picks")
        for key in ("paper", "similar_paper")
        if pick[key]
    }
    ids = papers.owners(connection, {parse_identifier(name) for name in names})
    found = papers.get(connection, set(ids.values()))
    public = {str(pick["paper"]) for issue in told for pick in read_objects(issue, "picks")}
    by_name = {
        name: found[find_paper(ids, name)]
        for name in names
        if name in public or parse_identifier(name) in ids or parse_identifier(name) not in private
    }
    return [_issue(issue, by_name) for issue in told]


def find_paper(named: Mapping[Identifier, int], name: str) -> int:
    """Find the id of a paper by its identifier; raises UsageError if none has it."""
    identifier = parse_identifier(name)
    if identifier not in named:
        raise UsageError(f"there is no paper {identifier}")
    return named[identifier]


def read_uid(name: object) -> str:
    """Read the uid of a reader without an address; any other word is an error."""
    try:
        return str(UUID(str(name)))
    except ValueError as error:
        raise UsageError(
            f"“{shorten(str(name), 80)}” is neither an email address nor the uid of a reader"
        ) from error


def _row_number(said: Mapping[str, Any]) -> int | None:
    """Read the number of a row in the exporting home; None if it is missing."""
    return None if said.get("number") is None else read_whole(said, "number")


def _columns(line: Mapping[str, Any], name: str) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "paused_until" in line:
        paused = bool(line["paused_until"])
        columns["paused_until"] = read_day(line, "paused_until") if paused else None
    if line.get("feed_key") is not None:  # empty: switched off
        columns["feed_key"] = _feed_key(line["feed_key"], name)
    if line.get("offer_declined"):
        columns["offer_declined"] = read_moment(line, "offer_declined")
    if line.get("page_link_version"):
        columns["page_link_version"] = read_whole(line, "page_link_version")
    return columns


def _feed_key(key: object, name: str) -> str:
    if isinstance(key, str) and (not key or _FEED_KEY.fullmatch(key)):
        return key
    raise UsageError(
        f"the feed key of {shorten(name, 80)} is not valid: a key has 16 to 64"
        " characters (A-Z, a-z, 0-9, “-” and “_”); without feed_key, a new one is made"
    )


def _main_words(line: ExchangeRecord) -> tuple[str, ...] | None:
    if line.format == CURRENT or "main_words" not in line:
        return None
    return interest_words.tidy(_texts(line, "main_words"))


def _interests(line: Mapping[str, Any]) -> tuple[InterestRecord, ...]:
    return tuple(
        InterestRecord(
            str(one["name"]),
            interest_words.tidy(_texts(one, "words")),
            read_whole(one, "quota") if "quota" in one else 1,
            _row_number(one),
        )
        for one in (read_objects(line, "interests") if "interests" in line else ())
    )


def _private_papers(line: ExchangeRecord) -> tuple[PaperRecord, ...]:
    """Read the reader's private papers; raises UsageError for an invalid one."""
    told = read_objects(line, "private_papers") if line.get("private_papers") else ()
    drafts = []
    for number, one in enumerate(told, start=1):
        try:
            drafts.append(draft_of(JsonFields({"format": line.format} | one, number)))
        except BadRecordError as error:
            raise UsageError(f"private paper {number}: {error}") from error
    return tuple(drafts)


def _texts(line: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Read a list of texts; a single text would otherwise be taken for a list of its characters."""
    found = line.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise UsageError(f"“{spelling(line, key)}” is not a list of texts")
    return tuple(found)


def _preferences(line: Mapping[str, Any]) -> subscriptions.Preferences:
    """Read the reader's preferences from the line in our types.

    Raises UsageError for an invalid one.
    """
    readers: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
        "name": _text,
        "zone": _text,
        "send_time": read_time,
        "weekdays": read_weekdays,
        "papers_per_edition": read_whole,
        "threshold": read_number,
        "weekly": read_flag,
        "notify_when_empty": read_flag,
    }
    said = {key: read(line, key) for key, read in readers.items() if line.get(key) is not None}
    return cast("subscriptions.Preferences", said)


def _text(line: Mapping[str, Any], key: str) -> str:
    return str(line[key])


def _issue(issue: Mapping[str, Any], by_name: Mapping[str, Paper]) -> EditionRecord:
    return EditionRecord(
        number=_row_number(issue),
        day=read_day(issue, "date"),
        published_at=read_moment(issue, "published_at"),
        catch_up_from=read_day(issue, "catch_up_from") if issue.get("catch_up_from") else None,
        note=str(issue.get("note", "")),
        candidate_count=(read_whole(issue, "candidate_count") if "candidate_count" in issue else 0),
        picks=tuple(_pick(pick, by_name) for pick in read_objects(issue, "picks")),
        private_likes={
            read_whole(pick, "position"): parse_identifier(str(pick["similar_paper"]))
            for pick in read_objects(issue, "picks")
            if pick["similar_paper"] and str(pick["similar_paper"]) not in by_name
        },
    )


def _pick(pick: Mapping[str, Any], by_name: Mapping[str, Paper]) -> Pick:
    return Pick(
        paper=by_name[str(pick["paper"])],
        position=read_whole(pick, "position"),
        score=read_number(pick, "score"),
        probability=read_number(pick, "probability"),
        positive_terms=_weights(pick, "positive_terms"),
        negative_terms=_weights(pick, "negative_terms"),
        similar_paper=by_name.get(str(pick["similar_paper"])) if pick["similar_paper"] else None,
        similarity=None if pick.get("similarity") is None else read_number(pick, "similarity"),
        shown_terms=None
        if pick.get("shown_terms") is None
        else tuple(map(str, pick["shown_terms"])),
        interest=str(pick["interest"]),
        explored=bool(pick["explored"]),
        propensity=read_number(pick, "propensity"),
        pool=read_whole(pick, "pool") if "pool" in pick else 1,
    )


def _weights(pick: Mapping[str, Any], key: str) -> tuple[TermWeight, ...]:
    said = read_objects(pick, key)
    return tuple(TermWeight(str(one["term"]), read_number(one, "weight")) for one in said)
