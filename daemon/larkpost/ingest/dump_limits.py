"""Limits of one dump: how large it may be once unpacked, and how many records of it are read.

Files that the operator ingests have wide limits. Anybody may write the feed of a blog or a mail in
the name of a sender, so theirs are narrow: otherwise one answer of a few megabytes, packed or of
short titles, would fill the database, the candidates of every reader and hours of the daemon.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import inf

LARGEST = 512 * 1024 * 1024  # bytes
LARGEST_OUTSIDE = 32 * 1024 * 1024
# arXiv announces about 1,500 papers a day in all, with lists of replaced ones about 3,000.
MOST_OF_AUTHORITY = 10_000  # records
MOST_OF_OTHERS = 2_000
MOST_NEW = 2_000  # papers of one source that is no authority, in ``NEW_WITHIN``
NEW_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DumpLimits:
    """The limits of one dump.

    ``size`` is in bytes, unpacked; a larger dump is refused. ``records`` counts papers and rejected
    records; those after them are left out, with a warning.
    """

    size: int = LARGEST
    records: float = inf


OF_FILES = DumpLimits()
OF_AUTHORITIES = DumpLimits(LARGEST_OUTSIDE, MOST_OF_AUTHORITY)
OF_OTHERS = DumpLimits(LARGEST_OUTSIDE, MOST_OF_OTHERS)
