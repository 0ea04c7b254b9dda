"""Reads the Hugging Face papers API: daily, weekly and search answers, or single papers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, BinaryIO, ClassVar

from larkpost.domain import DumpDate, PaperRecord, Record
from larkpost.formats.dates import EARLIEST
from larkpost.formats.decoding import text_chunks
from larkpost.formats.json_fields import JsonFields, read_papers
from larkpost.formats.json_items import json_head
from larkpost.text.identifiers import identifier_url
from larkpost.text.record_limits import KEYWORDS

# Keys that only the API writes; within a text, their quotation marks would have backslashes.
_OURS = re.compile(
    r'(?<!\\)"(?:paper"\s*:\s*\{|(?:submittedOnDailyAt|publishedAt|discussionId|ai_summary'
    r'|ai_keywords|dailyPapers)"\s*:)'
)
_LISTED_AT = re.compile(r'"submittedOnDailyAt"\s{0,9}:\s{0,9}"(\d{4}-\d\d-\d\d)T')


class HuggingFaceApi:
    """The answer of ``/api/daily_papers`` and similar endpoints: a list, or one object per line.

    An item contains a ``paper``, or is a paper. ``first_seen`` is its day on the list.
    """

    name: ClassVar[str] = "huggingface-api"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Recognise the answer by keys that only the API writes."""
        return _OURS.search(json_head(head)) is not None

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield one record per item, after the day of the list if all items are of one day.

        An unusable item is rejected with the reason. Raises UnreadableDump if all are unusable.
        """
        if day := _day_of_list(dump):
            yield DumpDate(day, 0)
        yield from read_papers(dump, draft_of)


def _day_of_list(dump: BinaryIO) -> date | None:
    """Find the one day of all items of a dump, from its current position; None if they differ."""
    start, days, end = dump.tell(), set[str](), ""
    for chunk in text_chunks(dump):
        days.update(_LISTED_AT.findall(end + chunk))
        if len(days) > 1:
            break
        end = chunk[-100:]  # a key and its value may be in two chunks
    dump.seek(start)
    return _day(days.pop()) if len(days) == 1 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def draft_of(fields: JsonFields) -> PaperRecord:
    """Read a paper of the API, or an item that contains one; raises BadRecordError."""
    fields.given = _paper(fields.given)
    title = fields.title()
    names = fields.identifier("id")
    abstract, announced = fields.abstract("summary", "abstract")
    published = fields.moment("publishedAt")
    return PaperRecord(
        title=title,
        abstract=abstract,
        identifiers=tuple(dict.fromkeys(names + announced)),
        authors=fields.words("authors"),
        organisation=_organisation(fields),
        published=published.date() if published else None,
        first_seen=fields.moment("submittedOnDailyAt", earliest=EARLIEST),
        url=next((identifier_url(n) for n in names if n.scheme == "arxiv"), None),
        links=tuple(filter(None, map(fields.address, ("projectPage", "githubRepo")))),
        upvotes=fields.votes("upvotes"),
        keywords=fields.words("ai_keywords", KEYWORDS),
        thumbnail=fields.address("thumbnail"),
        line=fields.line,
    )


def _paper(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the paper of an item; keys of the item fill missing ones.

    The item's own ``publishedAt`` is the time of listing, as in the official client.
    """
    paper = given.get("paper")
    if not isinstance(paper, dict):
        return given
    told = {key: value for key, value in paper.items() if value not in (None, "")}
    listed = {"publishedAt": None, "submittedOnDailyAt": given.get("publishedAt")}
    return {**given, **listed, **told}


def _organisation(fields: JsonFields) -> str | None:
    organisation = fields.given.get("organization")
    if not isinstance(organisation, dict):
        return None
    named = JsonFields(organisation, fields.line)
    return named.text("fullname") or named.text("name")
