"""The road into a folder: a Maildir, which any mail program can open."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Self

from larkpost.errors import Deferred
from larkpost.safe_files import make_folder, open_atomic

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from larkpost.domain import Letter


class Maildir:
    """A context manager with ``send``; makes the folder where it is missing.

    A letter is named after its Message-ID, so that one which is there already, read or not, is
    not put there again. Lines end as this system's do, which is what mail programs expect of a
    folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._there: set[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._there = None

    def ready(self) -> None:
        """Return: a folder is always there, or says so when a letter is put into it."""

    def send(self, letter: Letter) -> None:
        """Return when the letter is in the folder and on the disk.

        Raises Deferred for the whole road when the folder cannot be written.
        """
        name = hashlib.sha256(letter.message_id.encode()).hexdigest()[:32] + ".larkpost"
        try:
            if self._there is None:
                self._there = self._prepare()
            if name not in self._there:
                self._put(name, letter.content)
                self._there.add(name)
        except OSError as error:
            raise Deferred(
                f"The mail folder {self._path} cannot be written: {error.strerror}",
                hint="Is there room on the disk, and is the folder ours to write?",
                whole_road=True,
            ) from error

    def _prepare(self) -> set[str]:
        for part in ("tmp", "new", "cur"):
            make_folder(self._path / part)
        found = (letter for part in ("new", "cur") for letter in (self._path / part).iterdir())
        return {letter.name.partition(":")[0] for letter in found}

    def _put(self, name: str, content: bytes) -> None:
        """Write under tmp, then rename: a mail program sees the whole letter or none."""
        with open_atomic(self._path / "new" / name, drafts=self._path / "tmp") as file:
            file.write(content.replace(b"\r\n", os.linesep.encode()))
