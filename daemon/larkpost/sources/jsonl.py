"""Reads papers from JSON Lines: one object a line, as ``larkpost export`` writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from larkpost.domain import Draft, Rejected, Remark
from larkpost.errors import UnreadableDump, UsageError
from larkpost.sources.dates import EARLIEST
from larkpost.sources.lines import LONGEST_ABSTRACT, Line, lines
from larkpost.text.identifiers import parse_identifier
from larkpost.text.markup import plain_latex
from larkpost.text.normalize import one_line, squash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from larkpost.domain import Identifier, Record

_KEYS = frozenset(
    [
        "id",
        "also",
        "uid",
        "title",
        "abstract",
        "authors",
        "categories",
        "published",
        "first_seen",
        "arrived",
        "updated",
        "url",
        "upvotes",
        "guest",
    ]
)
_LONGEST_TITLE = 1_000  # characters
_KEPT = 2_000  # characters of a rejected line that are kept
_MOST_VOTES = 2**31
_ENDINGS = (".jsonl", ".ndjson")


class _BadRecordError(Exception):
    """A record cannot be taken; the message says why."""


class Jsonl:
    """Our own interchange format; only ``title`` is obligatory."""

    name: ClassVar[str] = "jsonl"

    def recognises(self, head: bytes, filename: str) -> bool:
        """Go by the ending of the name, or by a line that begins with a brace."""
        if filename.lower().endswith(_ENDINGS):
            return True
        first = next((line for line in _given(head) if line.text.strip()), None)
        return first is not None and first.text.lstrip().startswith("{")

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield a record a line; a line that cannot be taken is rejected with the reason.

        Raises UnreadableDump when no line can.
        """
        reading = _Reading()
        for line in lines(dump):
            if isinstance(line, Line):
                yield from reading.line(line)
            else:
                yield line
        if not reading.taken:
            raise reading.nothing()


def _given(head: bytes) -> Iterator[Line]:
    return (line for line in lines(BytesIO(head)) if isinstance(line, Line))


class _Reading:
    """How far a file has been read: what was taken, and which oddities were told already."""

    def __init__(self) -> None:
        self.taken = 0
        self.first_reason = ""
        self.told: set[str] = set()

    def line(self, line: Line) -> Iterator[Record]:
        """Read one line; each kind of oddity is told once, with the line where it first was."""
        if not line.text.strip():
            return
        odd: list[str] = []
        try:
            given = _object(line)
            draft = _draft(given, line.number, odd)
        except _BadRecordError as bad:
            self.first_reason = self.first_reason or str(bad)
            yield Rejected(line.number, str(bad), line.text[:_KEPT], cut=not line.whole)
            return
        self.taken += 1
        for remark in (*_unknown(given, line.number), *(Remark(line.number, o) for o in odd)):
            if remark.text not in self.told:
                self.told.add(remark.text)
                yield remark
        yield draft

    def nothing(self) -> UnreadableDump:
        if not self.first_reason:
            return UnreadableDump("there is not a single record in it")
        return UnreadableDump(
            f"no line of it is a paper; the first: {self.first_reason}",
            hint='write an object a line, as in {"id": "arxiv:2508.13426", "title": "…"}',
        )


def _object(line: Line) -> dict[str, Any]:
    try:
        found = json.loads(line.text)
    except (ValueError, RecursionError) as error:
        if not line.whole:
            raise _BadRecordError("the file ends in the middle of this record") from error
        raise _BadRecordError(f"this is not JSON ({_where(error)})") from error
    if not isinstance(found, dict):
        raise _BadRecordError("this is not a JSON object")
    if "title" not in found and "reader" in found:
        kind = "a vote" if "thumb" in found else "a reader"
        raise _BadRecordError(f"this is {kind}, not a paper: take it in with `larkpost import`")
    return found


def _where(error: Exception) -> str:
    return str(error) if isinstance(error, json.JSONDecodeError) else type(error).__name__


def _unknown(given: dict[str, Any], line: int) -> list[Remark]:
    return [
        Remark(line, f"the key “{one_line(key)[:40]}” is not known; left out", key)
        for key in sorted(given.keys() - _KEYS)
    ]


def _draft(given: dict[str, Any], line: int, odd: list[str]) -> Draft:
    first_seen = _moment(given, "first_seen", odd)
    return Draft(
        title=_title(given),
        abstract=_abstract(given),
        identifiers=tuple(dict.fromkeys(_identifiers(given) + _others(given, odd))),
        authors=_words(given, "authors", odd),
        categories=_words(given, "categories", odd),
        published=_day(given, odd),
        first_seen=first_seen,
        arrived=_moment(given, "arrived", odd) or first_seen,
        updated=_moment(given, "updated", odd),
        url=_url(given, odd),
        upvotes=_upvotes(given, odd),
        line=line,
        uid=given["uid"] if isinstance(given.get("uid"), str) else None,
        guest=given.get("guest") is True,
    )


def _title(given: dict[str, Any]) -> str:
    title = given.get("title")
    if not isinstance(title, str) or not (squashed := squash(plain_latex(title))):
        raise _BadRecordError("it has no title")
    if len(squashed) > _LONGEST_TITLE:
        raise _BadRecordError(f"its title has more than {_LONGEST_TITLE:,} characters")
    return squashed


def _abstract(given: dict[str, Any]) -> str:
    abstract = given.get("abstract")
    if not isinstance(abstract, str | None):
        raise _BadRecordError("its abstract is not text")
    squashed = squash(plain_latex(abstract or ""))
    if len(squashed) > LONGEST_ABSTRACT:
        raise _BadRecordError(f"its abstract has more than {LONGEST_ABSTRACT:,} characters")
    return squashed


def _identifiers(given: dict[str, Any]) -> tuple[Identifier, ...]:
    name = given.get("id")
    if name is None:
        return ()
    try:
        return (parse_identifier(name if isinstance(name, str) else repr(name)),)
    except UsageError as error:
        raise _BadRecordError(f"its id is not of the form scheme:value ({error})") from error


def _others(given: dict[str, Any], odd: list[str]) -> tuple[Identifier, ...]:
    names = []
    for name in _texts(given, "also", odd):
        try:
            names.append(parse_identifier(name))
        except UsageError as error:
            odd.append(f"“also” holds what is no name; left out ({error})")
    return tuple(names)


def _words(given: dict[str, Any], key: str, odd: list[str]) -> tuple[str, ...]:
    found = _texts(given, key, odd)
    return tuple(word for one in found if (word := squash(plain_latex(one))))


def _texts(given: dict[str, Any], key: str, odd: list[str]) -> list[str]:
    found = given.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        odd.append(f"“{key}” is not a list of texts; left out")
        return []
    return found


def _url(given: dict[str, Any], odd: list[str]) -> str | None:
    url = given.get("url")
    if url is None:
        return None
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        odd.append("“url” is not a web address; left out")
        return None
    return one_line(url).replace(" ", "%20")


def _upvotes(given: dict[str, Any], odd: list[str]) -> int | None:
    votes = given.get("upvotes")
    if votes is None:
        return None
    if type(votes) is not int or not 0 <= votes < _MOST_VOTES:
        odd.append("“upvotes” is not a number of votes; left out")
        return None
    return votes


def _day(given: dict[str, Any], odd: list[str]) -> date | None:
    moment = _moment(given, "published", odd)
    return moment.date() if moment else None


def _moment(given: dict[str, Any], key: str, odd: list[str]) -> datetime | None:
    """Read a moment or a day of ISO 8601; without a zone it is UTC."""
    text = given.get(key)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        odd.append(f"“{key}” is not a date such as 2026-08-07 or 2026-08-07T06:00:00Z; left out")
        return None
    if key != "published" and moment.date() < EARLIEST:
        odd.append(f"“{key}” lies before the first digest; left out")
        return None
    return moment
