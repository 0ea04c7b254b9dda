"""Reads papers from our own JSON: an object per line, as ``larkpost export`` writes, or a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, ClassVar

from larkpost.domain import PaperRecord
from larkpost.formats.dates import EARLIEST
from larkpost.formats.json_fields import BadRecordError, read_papers
from larkpost.formats.json_items import json_head
from larkpost.text.normalize import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from larkpost.domain import Record
    from larkpost.formats.json_fields import JsonFields

_KEYS = frozenset(
    [
        "id",
        "also",
        "uid",
        "title",
        "abstract",
        "summary",
        "authors",
        "categories",
        "organisation",
        "published",
        "first_seen",
        "arrived",
        "updated",
        "url",
        "links",
        "upvotes",
        "guest",
        "withdrawn",
        "version",
    ]
)
_ENDINGS = (".jsonl", ".ndjson")


class Jsonl:
    """Our own interchange format; only ``title`` is obligatory."""

    name: ClassVar[str] = "jsonl"

    def recognises(self, head: bytes, filename: str) -> bool:
        """Go by the ending of the name, or by a beginning like that of an object or a list."""
        return filename.lower().endswith(_ENDINGS) or bool(json_head(head))

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield a record per object; one that cannot be taken is rejected with the reason.

        Raises UnreadableDump when none can.
        """
        return read_papers(dump, draft_of)


def draft_of(fields: JsonFields) -> PaperRecord:
    """Read a paper in our own form; raises BadRecordError."""
    given = fields.given
    if "title" not in given and "reader" in given:
        kind = "a vote" if "thumb" in given else "a reader"
        raise BadRecordError(f"this is {kind}, not a paper: take it in with `larkpost import`")
    for key in sorted(given.keys() - _KEYS):
        fields.remark(f"the key “{shorten(key, 40)}” is not known; left out", key)
    title = fields.title()
    abstract, announced = fields.abstract("abstract", "summary")
    first_seen = fields.moment("first_seen", earliest=EARLIEST)
    published = fields.moment("published")
    names = fields.identifier("id") + fields.identifiers("also") + announced
    return PaperRecord(
        title=title,
        abstract=abstract,
        identifiers=tuple(dict.fromkeys(names)),
        authors=fields.words("authors"),
        categories=fields.words("categories"),
        organisation=fields.text("organisation"),
        published=published.date() if published else None,
        first_seen=first_seen,
        arrived=fields.moment("arrived", earliest=EARLIEST) or first_seen,
        updated=fields.moment("updated", earliest=EARLIEST),
        url=fields.address("url"),
        links=fields.addresses("links"),
        upvotes=fields.votes("upvotes"),
        line=fields.line,
        uid=given["uid"] if isinstance(given.get("uid"), str) else None,
        guest=given.get("guest") is True,
        withdrawn=given.get("withdrawn") is True,
        version=fields.version("version", "id"),
    )
