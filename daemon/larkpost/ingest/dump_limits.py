"""Limits of one dump: its size once unpacked, its number of records, and whether its texts count.

Files that the operator ingests have wide limits. Anybody may write the feed of a blog or a mail in
the name of a sender, so theirs are narrow: otherwise one answer of a few megabytes, packed or of
short titles, would fill the database, the candidates of every reader and hours of the daemon.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from larkpost.db import read_dumps
from larkpost.errors import UnreadableDump
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store

LARGEST = 512 * 1024 * 1024  # bytes
LINE = 32  # bytes that a line counts besides its own
LARGEST_OF_AUTHORITY = 32 * 1024 * 1024
LARGEST_OF_OTHERS = 16 * 1024 * 1024
# arXiv announces about 1,500 papers a day in all, with lists of replaced ones about 3,000.
MOST_OF_AUTHORITY = 10_000  # records
MOST_OF_OTHERS = 2_000
MOST_NEW = 2_000  # papers of one source that is no authority, in ``NEW_WITHIN``
MOST_NEW_MAILED = 5_000  # papers of all mails together: arXiv's listings, unless authenticated
MOST_NEW_CHARACTERS = 10_000_000  # of these papers, and of changed texts of others
NEW_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DumpLimits:
    """The limits of one dump.

    ``size`` is that of ``SizeLimit``; a larger dump is refused. ``records`` counts papers and
    rejected records; those after them are left out, with a warning. ``unverified`` are the texts
    that replace none of an authority's.
    """

    size: int = LARGEST
    records: float = inf
    unverified: Unverified = Unverified.NONE


class SizeLimit:
    """Counts the bytes of a dump, unpacked, and ``LINE`` for each line end, up to ``most``.

    A short line takes as long to read as a long one: 16 MiB of lines of one letter took a minute.
    """

    def __init__(self, most: int, name: str) -> None:
        self.most = most
        self.name = name
        self._counted = 0

    def add(self, chunk: bytes) -> None:
        """Count a part; raises UnreadableDump over the limit."""
        self._counted += len(chunk) + LINE * chunk.count(b"\n")
        if self._counted > self.most:
            raise UnreadableDump(
                f"{self.name} is larger than {self.most >> 20} MiB",
                hint=f"no digest is that large (a line counts as {LINE} bytes more); arXiv's"
                " metadata goes to `larkpost enrich FILE`",
            )


OF_FILES = DumpLimits()
OF_AUTHORITIES = DumpLimits(LARGEST_OF_AUTHORITY, MOST_OF_AUTHORITY)
OF_OTHERS = DumpLimits(LARGEST_OF_OTHERS, MOST_OF_OTHERS, Unverified.ALL)


def describe_flood(store: Store, now: datetime, *, source: str = "", form: str = "") -> str:
    """Say that a polled source, or mails, brought too much within a day; empty if not."""
    with store.read() as connection:
        new = read_dumps.measure_growth(
            connection, now - NEW_WITHIN, source=source or None, form=form or None
        )
    most = MOST_NEW if source else MOST_NEW_MAILED
    if new.papers >= most:
        return f"{new.papers:,} new papers came within a day, and {most:,} are taken"
    if new.characters >= MOST_NEW_CHARACTERS:
        millions = MOST_NEW_CHARACTERS // 1_000_000
        return f"over {millions} million characters came within a day"
    return ""
