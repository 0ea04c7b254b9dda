"""The transport into a Maildir, which any mail program can open."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Collection
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType

from larkpost.domain import Message
from larkpost.errors import Deferred
from larkpost.safe_files import make_folder, open_atomic

REFUSED = "refused"  # the folder of a Maildir of mail that came back, for what was refused
_LONGEST_HEAD = 16 * 1024  # bytes
_LOOKED_AT = 256 * 1024  # bytes of a mail that came back


class Maildir(AbstractContextManager["Maildir"]):
    """A context manager with ``send``; makes the folder where it is missing.

    A letter is named after its Message-ID, so that one which is there already, read or not, is
    not put there again. Lines end as this system's do, which is what mail programs expect of a
    folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._there: set[str] | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._there = None

    def ready(self) -> None:
        """Return: a folder is always there, or says so when a letter is put into it."""

    def send(self, letter: Message) -> None:
        """Return when the letter is in the folder and on the disk.

        Raises Deferred for the whole road when the folder cannot be written.
        """
        name = _file_name(letter.message_id)
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


def remove_letters(
    folder: Path,
    *,
    message_ids: Collection[str] = (),
    addresses: Collection[str] = (),
    whole: bool = False,
) -> int:
    """Remove letters from a Maildir, by their Message-IDs or by an address; returns how many stay.

    An address is looked for in the head of a letter, or anywhere in its first 256 kB where
    ``whole``, and among what was refused, too: a mail that came back names it in its report. What
    cannot be read is left alone.
    """
    names = {_file_name(one) for one in message_ids}
    wanted = [one.lower().encode() for one in addresses]
    stayed = 0
    for letter in _letters(folder, "new", "cur", *((REFUSED,) if whole else ())):
        named = letter.name.partition(":")[0] in names
        if named or (wanted and _is_in(wanted, _beginning(letter, whole=whole))):
            try:
                letter.unlink(missing_ok=True)
            except OSError:
                stayed += 1
    return stayed


def _is_in(addresses: Collection[bytes], text: bytes) -> bool:
    """Say whether one stands there, and is no part of a longer one.

    Not of x.ada@example.org, nor of ada@example.org.au. The pattern alone takes a hundred times
    as long: twenty milliseconds a mail, of which there may be many.
    """
    return any(
        one in text and re.search(rb"(?<![\w.+-])" + re.escape(one) + rb"(?![\w-]|\.\w)", text)
        for one in addresses
    )


def _letters(folder: Path, *parts: str) -> list[Path]:
    found: list[Path] = []
    for part in parts:
        with suppress(OSError):  # there is no such folder, or it is not ours
            found += (folder / part).iterdir()
    return found


def _beginning(letter: Path, *, whole: bool) -> bytes:
    """Read the head of a letter, or more of it, in lower case; nothing of what is no file."""
    try:
        handle = os.open(letter, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return b""
    with os.fdopen(handle, "rb") as file:
        text = file.read(_LOOKED_AT if whole else _LONGEST_HEAD).lower()
    return text if whole else re.split(rb"\r?\n\r?\n", text, maxsplit=1)[0]


def _file_name(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()[:32] + ".larkpost"
