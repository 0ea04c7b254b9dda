"""Reads papers from JSON objects, field by field: invalid values are left out and reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

from larkpost.domain import Identifier, IngestWarning, PaperRecord, Record, RejectedRecord
from larkpost.errors import UnreadableDump, UsageError
from larkpost.formats.decoding import LONGEST_ABSTRACT, LONGEST_TITLE
from larkpost.formats.json_items import JsonItem, json_items
from larkpost.text.identifiers import parse_identifier
from larkpost.text.markup import clean_markup, cut_preamble, plain_latex
from larkpost.text.normalize import one_line, squash
from larkpost.text.record_limits import (
    AUTHORS,
    IDENTIFIERS,
    LINKS,
    MOST_VERSIONS,
    ListLimit,
    describe_cut,
)
from larkpost.text.urls import is_web_address

_MOST_VOTES = 2**31
_VERSION = re.compile(r"\dv([1-9]\d{0,3})$")  # of arxiv:2508.13426v2
_HINT = 'write an object per line, as in {"id": "arxiv:2508.13426", "title": "…"}'


class BadRecordError(Exception):
    """A record is unusable; the message says why."""


class JsonFields:
    """The fields of one object, by their keys; ``remarks`` collects warnings.

    ``clean`` removes markup from a text of the object. Methods for required fields raise
    BadRecordError if the field is missing or invalid; for other fields they return no value then,
    and add a warning.
    """

    def __init__(self, given: Mapping[str, Any], line: int) -> None:
        self.given = given
        self.line = line
        self.remarks: list[IngestWarning] = []
        # Larkpost exports clean text: `<b>` in it is a word of the title.
        self.clean = plain_latex if "uid" in given else clean_markup

    def remark(self, text: str, key: str = "") -> None:
        """Add a warning about the object; ``key`` is an unknown key."""
        self.remarks.append(IngestWarning(self.line, text, key))

    def title(self) -> str:
        """Read ``title``, which is required: one line without markup."""
        title = self.given.get("title")
        if not isinstance(title, str) or not (plain := squash(self.clean(title))):
            raise BadRecordError("it has no title")
        if len(plain) > LONGEST_TITLE:
            raise BadRecordError(f"its title has more than {LONGEST_TITLE:,} characters")
        return plain

    def abstract(self, *keys: str) -> tuple[str, tuple[Identifier, ...]]:
        """Read the abstract under the first key that has one, and the paper's identifier in it.

        An announcement of arXiv and a label before the abstract are removed.
        """
        abstract = next((v for key in keys if (v := self.given.get(key)) not in (None, "")), "")
        if not isinstance(abstract, str):
            raise BadRecordError("its abstract is not text")
        text, name = cut_preamble(self.clean(abstract))
        plain = squash(text)
        if len(plain) > LONGEST_ABSTRACT:
            raise BadRecordError(f"its abstract has more than {LONGEST_ABSTRACT:,} characters")
        return plain, (name,) if name else ()

    def identifier(self, key: str) -> tuple[Identifier, ...]:
        """Read the identifier of the paper; returns none if the key is missing."""
        name = self.given.get(key)
        if name is None:
            return ()
        try:
            return (parse_identifier(name if isinstance(name, str) else repr(name)),)
        except UsageError as error:
            raise BadRecordError(f"its id is not of the form scheme:value ({error})") from error

    def identifiers(self, key: str) -> tuple[Identifier, ...]:
        """Read a list of identifiers of the paper; the first 50."""
        names = []
        for name in self._texts(key, IDENTIFIERS):
            try:
                names.append(parse_identifier(name))
            except UsageError as error:
                self.remark(f"“{key}” has an entry that is not a name; left out ({error})")
        return tuple(names)

    def text(self, key: str) -> str | None:
        """Read a short text: one line without markup."""
        value = self.given.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.remark(f"“{key}” is not text; left out")
            return None
        return squash(self.clean(value)) or None

    def words(self, key: str, limit: ListLimit = AUTHORS) -> tuple[str, ...]:
        """Read a list of short texts, or of objects that have them as ``name``; the first ones."""
        return tuple(word for one in self._texts(key, limit) if (word := squash(self.clean(one))))

    def address(self, key: str) -> str | None:
        """Read a web address."""
        value = self.given.get(key)
        if value is None or (address := _web_address(value)):
            return None if value is None else address
        self.remark(f"“{key}” is not a web address; left out")
        return None

    def addresses(self, key: str) -> tuple[str, ...]:
        """Read a list of web addresses; the first 50."""
        read = [(one, _web_address(one)) for one in self._texts(key, LINKS)]
        if not all(address for _, address in read):
            self.remark(f"“{key}” has an entry that is not a web address; left out")
        return tuple(address for _, address in read if address)

    def votes(self, key: str) -> int | None:
        """Read a number of votes; 0 is a valid number."""
        votes = self.given.get(key)
        if votes is None:
            return None
        if type(votes) is not int or not 0 <= votes < _MOST_VOTES:
            self.remark(f"“{key}” is not a number of votes; left out")
            return None
        return votes

    def version(self, key: str, name_key: str) -> int | None:
        """Read arXiv's version: a number from 1, else the one in the paper's name."""
        version = self.given.get(key)
        if type(version) is int and 1 <= version <= MOST_VERSIONS:
            return version
        if version is not None:
            self.remark(f"“{key}” is not the number of a version; left out")
        name = self.given.get(name_key)
        named = _VERSION.search(name) if isinstance(name, str) and "rxiv" in name.lower() else None
        return int(named[1]) if named else None

    def moment(self, key: str, *, earliest: date = date.min) -> datetime | None:
        """Read an ISO 8601 time or day, ``earliest`` or later; without a zone it is UTC."""
        text = self.given.get(key)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (TypeError, ValueError, OverflowError):
            what = "is not a date such as 2026-08-07 or 2026-08-07T06:00:00Z"
            self.remark(f"“{key}” {what}; left out")
            return None
        if moment.date() < earliest:
            self.remark(f"“{key}” is before the first digest; left out")
            return None
        return moment

    def _texts(self, key: str, limit: ListLimit) -> list[str]:
        value = self.given.get(key)
        if value is None:
            return []
        if isinstance(value, list) and len(value) > limit.most:
            self.remark(describe_cut(key, len(value), limit))
            value = value[: limit.most]
        if not isinstance(value, list) or not all(isinstance(one, str | dict) for one in value):
            self.remark(f"“{key}” is not a list of texts; left out")
            return []
        people = [{"name": one} if isinstance(one, str) else one for one in value]
        names = (one.get("name") for one in people if not one.get("hidden"))
        return [name for name in names if isinstance(name, str)]


def _web_address(value: object) -> str | None:
    address = one_line(value).replace(" ", "%20") if isinstance(value, str) else ""
    return address if is_web_address(address) else None


def read_papers(dump: BinaryIO, draft_of: Callable[[JsonFields], PaperRecord]) -> Iterator[Record]:
    """Yield one record per object; an unusable one is rejected with the reason.

    ``draft_of`` makes a draft from an object, or raises BadRecordError. Each kind of warning is
    reported once, at its first place. Raises UnreadableDump if the file contains no paper.
    """
    return records_of(json_items(dump), draft_of, hint=_HINT)


def records_of(
    items: Iterable[JsonItem | Record],
    draft_of: Callable[[JsonFields], PaperRecord],
    *,
    hint: str = "",
    empty: str = "",
) -> Iterator[Record]:
    """Yield one record per item, as ``read_papers`` does for the items of other formats.

    Items that are records already are yielded unchanged. Raises UnreadableDump, with ``hint``, if
    no item is a paper; if there are no records and that is no error, yields the warning ``empty``.
    """
    taken, first_reason = 0, ""
    remarked: set[str] = set()
    for one in items:
        for record in _records(one, draft_of) if isinstance(one, JsonItem) else [one]:
            match record:
                case PaperRecord():
                    taken += 1
                case RejectedRecord():
                    first_reason = first_reason or record.reason
                case IngestWarning() if record.text in remarked:
                    continue
                case IngestWarning():
                    remarked.add(record.text)
            yield record
    if not taken and empty and not first_reason:
        yield IngestWarning(0, empty)
    elif not taken:
        raise _no_paper(first_reason, hint)


def _records(item: JsonItem, draft_of: Callable[[JsonFields], PaperRecord]) -> list[Record]:
    """Return the remarks on an item, then its draft or the rejection."""
    try:
        if not isinstance(item.value, dict):
            raise BadRecordError("this is not a JSON object")  # noqa: TRY301 - one place that rejects
        fields = JsonFields(item.value, item.line)
        draft = draft_of(fields)
    except BadRecordError as bad:
        return [RejectedRecord(item.line, f"{item.place}{bad}", item.text)]
    return [*fields.remarks, draft]


def _no_paper(first_reason: str, hint: str) -> UnreadableDump:
    if not first_reason:
        return UnreadableDump("there is not a single record in it")
    return UnreadableDump(f"nothing in it is a paper; the first record: {first_reason}", hint=hint)
