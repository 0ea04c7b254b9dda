"""Counts how often reading a file was begun: one that crashes the program is left alone at last."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from larkpost.errors import UnreadableDump
from larkpost.safe_files import read_own, write_note

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from larkpost.ingest.spool import InboxFile

MOST_TRIES = 3
_TRIES = ".tries-"
_MOST_TRIES_BYTES = 16


class ReadAttempts:
    """How often reading a file was begun and not brought to an end, told across restarts.

    The number lies in a hidden file in the inbox, written before the file is read: a file that
    has the process killed for its memory leaves no other trace.
    """

    def __init__(self, inbox: Path, one: InboxFile) -> None:
        key = f"{one.size} {one.modified} ".encode() + os.fsencode(one.path.name)
        self.file = inbox / f"{_TRIES}{sha256(key).hexdigest()[:16]}"

    def count(self) -> int:
        """How often it was."""
        try:
            return int(read_own(self.file, _MOST_TRIES_BYTES))
        except (OSError, ValueError):
            return 0

    def begin(self, name: str) -> None:
        """Count one more; raises UnreadableDump when there were enough."""
        if (before := self.count()) >= MOST_TRIES:
            raise UnreadableDump(
                f"reading {name} broke the program {MOST_TRIES} times",
                hint="the log tells where; the file is kept",
            )
        write_note(self.file, str(before + 1).encode("ascii"))

    def take_back(self) -> None:
        """Count one less: it was not the file's fault."""
        if (count := self.count()) > 1:
            write_note(self.file, str(count - 1).encode("ascii"))
        else:
            self.forget()

    def forget(self) -> None:
        """Begin anew; what cannot be removed, such as a folder of others, is left there."""
        with suppress(OSError):
            self.file.unlink()


def forget_missing(inbox: Path, waiting: Sequence[InboxFile]) -> None:
    """Forget the tries of files that are no longer there.

    What others have put there, and cannot be removed, is no count of ours and stops nothing.
    """
    wanted = {ReadAttempts(inbox, one).file for one in waiting}
    for file in inbox.glob(f"{_TRIES}*"):
        if file not in wanted:
            with suppress(OSError):
                file.unlink()
