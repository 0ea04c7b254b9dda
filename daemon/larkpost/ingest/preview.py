"""Previews a dump: reads it completely, without storing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from larkpost.domain import RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.ingest.archives import GZIP, ZIP
from larkpost.ingest.dump_reader import DumpReader
from larkpost.ingest.file_reader import DumpCopy, copy_of_stream
from larkpost.interfaces import DumpFormat
from larkpost.text.normalize import one_line, shorten
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from datetime import date as Date  # noqa: N812 - ``date`` is the name of an argument


MOST_PAPERS = 5_000  # of one dump; a whole day of arXiv has about a fifth of that
MOST_REJECTED = 5_000
MOST_TITLES = 10
LONGEST_TITLE = 300  # characters


@dataclass(frozen=True, slots=True)
class DumpPreview:
    """The content of a dump.

    ``digest`` is the SHA-256 of its bytes, ``titles`` are the first ten. ``captured`` is the day
    that its papers would get; ``rejects`` are the first thousand of the ``rejected`` records, and
    ``warnings`` are texts.
    """

    digest: str
    format: str
    captured: Date | None
    papers: int
    titles: tuple[str, ...]
    rejected: int
    rejects: tuple[RejectedRecord, ...]
    warnings: tuple[str, ...]


def preview(
    dump_formats: Sequence[DumpFormat],
    stream: BinaryIO,
    *,
    name: str,
    date: Date | None = None,
    now: datetime,
) -> DumpPreview:
    """Read a stream as ``ingest`` would, without a database.

    ``stream`` must be seekable; ``name`` and ``date`` are those of ``ingest``. Nothing is unpacked,
    and at most MOST_PAPERS are read and MOST_REJECTED rejected, so that the bytes given limit time
    and memory. Raises UnreadableDump for an archive, over these limits, and when ``ingest`` would.
    """
    name = one_line(name)
    head = stream.read(len(ZIP))
    stream.seek(0)
    if head.startswith((GZIP, ZIP)):
        hint = "unpack it first, or put it into the inbox or give it to `larkpost ingest`"
        raise UnreadableDump(
            f"{name} is compressed, and this page does not unpack files", hint=hint
        )
    with copy_of_stream(stream, name) as copy:
        return _read(DumpReader(copy, dump_formats, None, date, now), copy)


def _read(reader: DumpReader, copy: DumpCopy) -> DumpPreview:
    def refuse_many_rejects(_done: int, _size: int) -> None:
        if reader.counts["rejected"] > MOST_REJECTED:
            many = quantity(MOST_REJECTED, "record")
            raise UnreadableDump(
                f"{copy.name} has more than {many} that are not papers",
                hint="docs/formats.md shows what the formats look like",
            )

    reader.progress = refuse_many_rejects  # called every few records
    titles: list[str] = []
    papers = 0
    for record in reader.records():
        papers += 1
        if papers > MOST_PAPERS:
            raise UnreadableDump(
                f"{copy.name} has more than {quantity(MOST_PAPERS, 'paper')}",
                hint="put it into the inbox as a file, or give it to `larkpost ingest`",
            )
        if len(titles) < MOST_TITLES:
            titles.append(shorten(record.title, LONGEST_TITLE))
    return DumpPreview(
        digest=copy.digest,
        format=reader.format(),
        captured=reader.day(),
        papers=papers,
        titles=tuple(titles),
        rejected=reader.counts["rejected"],
        rejects=tuple(reader.rejects),
        warnings=tuple(reader.warnings),
    )
