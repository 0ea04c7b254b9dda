"""Reads papers from our own JSON: one object per line, as ``larkpost export`` writes, or a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, BinaryIO, ClassVar

from larkpost.domain import PaperRecord, Record
from larkpost.errors import UsageError
from larkpost.formats.dates import EARLIEST
from larkpost.formats.export_format import CURRENT, FIRST, export_format
from larkpost.formats.json_fields import BadRecordError, JsonFields, read_papers
from larkpost.formats.json_items import json_head
from larkpost.formats.tables.columns import split_subjects
from larkpost.text.author_names import split_authors
from larkpost.text.normalize import shorten
from larkpost.text.record_limits import CATEGORIES, KEYWORDS
from larkpost.text.unverified import Unverified

_KEYS = frozenset(
    [
        "format",
        "id",
        "also",
        "uid",
        "former_uids",  # only `larkpost import` reads them
        "title",
        "abstract",
        "summary",
        "authors",
        "categories",
        "organisation",
        "published",
        "first_seen",
        "ingested_at",
        "updated",
        "url",
        "links",
        "upvotes",
        "withdrawn",
        "version",
        "keywords",
        "comment",
        "journal_ref",
        "thumbnail",
        "unverified",
        "text_source",
    ]
)
# The keys of records without a format, in addition to those above or instead of them.
_FIRST_KEYS = (_KEYS - {"ingested_at"}) | {"arrived", "guest"}
_ENDINGS = (".jsonl", ".ndjson")


class Jsonl:
    """Our own exchange format; only ``title`` is required."""

    name: ClassVar[str] = "jsonl"

    def recognises(self, head: bytes, filename: str) -> bool:
        """Recognise a file by its extension, or by the start of an object or a list."""
        return filename.lower().endswith(_ENDINGS) or bool(json_head(head))

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield one record per object; an unusable one is rejected with the reason.

        Raises UnreadableDump if no object is usable.
        """
        return read_papers(dump, draft_of)


def draft_of(fields: JsonFields) -> PaperRecord:
    """Read a paper in our own form; raises BadRecordError."""
    if "main_page" in fields.given:
        fields.given = _digest_fields(fields.given)
    given = fields.given
    if "title" not in given and "reader" in given:
        kind = "a vote" if "thumb" in given else "a reader"
        raise BadRecordError(f"this is {kind}, not a paper: import it with larkpost import")
    newer = _read_format(fields) == CURRENT
    for key in sorted(given.keys() - (_KEYS if newer else _FIRST_KEYS)):
        fields.remark(f"the key “{shorten(key, 40)}” is not known; left out", key)
    title = fields.title()
    abstract, announced = fields.abstract("abstract", "summary")
    ingested = "ingested_at" if newer else "arrived"
    first_seen = fields.moment("first_seen", earliest=EARLIEST)
    published = fields.moment("published")
    names = fields.identifier("id") + fields.identifiers("also") + announced
    unverified = Unverified.of(fields.words("unverified"))
    return PaperRecord(
        title=title,
        abstract=abstract,
        identifiers=tuple(dict.fromkeys(names)),
        authors=fields.words("authors"),
        categories=fields.words("categories", CATEGORIES),
        organisation=fields.text("organisation"),
        published=published.date() if published else None,
        first_seen=first_seen,
        ingested_at=fields.moment(ingested, earliest=EARLIEST) or first_seen,
        updated=fields.moment("updated", earliest=EARLIEST),
        url=fields.address("url"),
        links=fields.addresses("links"),
        upvotes=fields.votes("upvotes"),
        line=fields.line,
        uid=given["uid"] if isinstance(given.get("uid"), str) else None,
        private=not newer and given.get("guest") is True,
        withdrawn=given.get("withdrawn") is True,
        version=fields.version("version", "id"),
        keywords=fields.words("keywords", KEYWORDS),
        comment=fields.text("comment"),
        journal_ref=fields.text("journal_ref"),
        thumbnail=fields.address("thumbnail"),
        unverified=unverified,
        text_source=(unverified and fields.text("text_source")) or "",
    )


def _read_format(fields: JsonFields) -> int:
    """Read the format of the record; a “format” that is not a number is another program's key."""
    if not isinstance(fields.given.get("format", FIRST), int):
        fields.remark("the key “format” is not a number; left out", "format")
        return FIRST
    try:
        return export_format(fields.given)
    except UsageError as error:
        raise BadRecordError(str(error)) from error


def _digest_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an object of ArxivDigest's day files to our own form.

    It has ``main_page``, ``subjects`` such as ``Machine Learning (cs.LG)``, authors in one text.
    """
    own = {
        key: value for key, value in given.items() if key not in {"main_page", "subjects", "pdf"}
    }
    own.setdefault("url", given["main_page"])
    if isinstance(subjects := given.get("subjects"), str):
        own.setdefault("categories", split_subjects(subjects.removeprefix("Subjects:")))
    if isinstance(authors := given.get("authors"), str):
        own["authors"] = list(split_authors(authors.removeprefix("Authors:"), family_first=False))
    if isinstance(title := given.get("title"), str):
        own["title"] = title.removeprefix("Title:")
    return own
