"""Limits of one dump: its size once unpacked, its number of records, and whether its texts count.

Files that the operator ingests have wide limits. Anybody may write the feed of a blog or a mail in
the name of a sender, so theirs are narrow: otherwise one answer of a few megabytes, packed or of
short titles, would fill the database, the candidates of every reader and hours of the daemon.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import inf
from typing import TYPE_CHECKING

from larkpost.db.usage import source_growth
from larkpost.errors import UnreadableDump
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.db.usage.source_growth import Growth

LARGEST = 512 * 1024 * 1024  # bytes
LINE = 32  # bytes that a line counts besides its own
LARGEST_OF_AUTHORITY = 32 * 1024 * 1024
LARGEST_OF_OTHERS = 16 * 1024 * 1024
# arXiv announces about 1,500 papers a day in all, with lists of replaced ones about 3,000.
MOST_OF_AUTHORITY = 10_000  # records
MOST_OF_OTHERS = 2_000
MOST_NEW = 2_000  # papers of one source that is no authority, in ``NEW_WITHIN``
MOST_NEW_MAILED = 5_000  # papers of one allowed sender: arXiv's listings, unless authenticated
MOST_NEW_CHARACTERS = 10_000_000  # of these papers, and of changed texts of others
NEW_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DumpLimits:
    """The limits of one dump.

    ``size`` is that of ``SizeLimit``; a larger dump is refused. ``records`` counts papers and
    rejected records; those after them are left out, with a warning. ``unverified`` are the texts
    that replace only those of their ``source``, such as ``source a-blog``. ``bundles`` says whether
    zip archives and folders of mails are read: each file or mail in one takes up to two seconds.
    """

    size: int = LARGEST
    records: float = inf
    unverified: Unverified = Unverified.NONE
    source: str = ""
    bundles: bool = True

    def digest_of(self, digest: str) -> str:
        """Return the digest under which a dump with these bytes is recorded.

        If its texts do not count, the same bytes from an authority, or from another source, are
        another dump. Otherwise a blog that copies a feed, and is polled first, would have that
        feed's own answer skipped as read before, and could rewrite its papers from then on.
        """
        if not self.unverified:
            return digest
        told = f"{digest} {' '.join(self.unverified.names)} {self.source}"
        return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


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
        ends = chunk.count(b"\n") + chunk.count(b"\r") - chunk.count(b"\r\n")  # CR is one, too
        self._counted += len(chunk) + LINE * ends
        self.refuse_above(self._counted)

    def refuse_above(self, size: int) -> None:
        """Raise UnreadableDump if a size is over the limit."""
        if size > self.most:
            raise UnreadableDump(
                f"{self.name} is larger than {self.most >> 20} MiB",
                hint=f"no digest is that large (a line counts as {LINE} bytes more); arXiv's"
                " metadata goes to `larkpost enrich FILE`",
            )


OF_FILES = DumpLimits()
OF_AUTHORITIES = DumpLimits(LARGEST_OF_AUTHORITY, MOST_OF_AUTHORITY, bundles=False)
OF_OTHERS = DumpLimits(LARGEST_OF_OTHERS, MOST_OF_OTHERS, Unverified.ALL, bundles=False)


@dataclass(frozen=True, slots=True)
class GrowthLimit:
    """How much a source, or a sender of mails, may add within a day.

    ``account`` is its kind and name, such as ``source a-blog``. Each has a limit of its own, and
    only what its own records added counts: otherwise one of them could use up that of another.
    """

    account: str
    papers: int = MOST_NEW

    def describe_excess(self, store: Store, now: datetime) -> str:
        """Say that too much came within a day; empty if not."""
        with store.read() as connection:
            new = source_growth.since(connection, self.account, now - NEW_WITHIN, now=now)
        if new.papers >= self.papers:
            return f"{new.papers:,} new papers came within a day, and {self.papers:,} are taken"
        if new.characters >= MOST_NEW_CHARACTERS:
            millions = MOST_NEW_CHARACTERS // 1_000_000
            return f"over {millions} million characters came within a day"
        return ""

    def add(self, connection: Connection, growth: Growth, now: datetime) -> None:
        """Count what was added, in the same transaction."""
        source_growth.add(connection, self.account, growth, now=now)
