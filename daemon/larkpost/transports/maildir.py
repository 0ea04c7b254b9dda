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
from larkpost.safe_files import CAREFUL, make_folder, open_atomic, open_folder

REFUSED = "refused"  # the subfolder of an inbound Maildir for refused mail
_LONGEST_HEAD = 16 * 1024  # bytes
_RECIPIENTS = re.compile(rb"^(?:to|cc):.*(?:\r?\n[ \t].*)*", re.MULTILINE)
_LOOKED_AT = 256 * 1024  # bytes of a mail that came back


class Maildir(AbstractContextManager["Maildir"]):
    """A context manager with ``send``; makes the folder if it is missing.

    A message's file is named after its Message-ID, so that one which is there already, read or not,
    is not put there again. Lines end as on this system, as mail programs expect in a folder.
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
        """Do nothing: a folder needs no connection, and ``send`` reports its errors."""

    def send(self, message: Message) -> None:
        """Return when the message is in the folder and on the disk.

        Raises Deferred for all messages if the folder cannot be written.
        """
        name = _file_name(message.message_id)
        try:
            if self._there is None:
                self._there = self._prepare()
            if name not in self._there:
                self._put(name, message.content)
                self._there.add(name)
        except OSError as error:
            raise Deferred(
                f"the mail folder {self._path} cannot be written: {error.strerror}",
                hint="check the free disk space and the permissions of the folder",
                server_fault=True,
            ) from error

    def _prepare(self) -> set[str]:
        for part in ("tmp", "new", "cur"):
            make_folder(self._path / part)
        found = (file for part in ("new", "cur") for file in (self._path / part).iterdir())
        return {file.name.partition(":")[0] for file in found}

    def _put(self, name: str, content: bytes) -> None:
        """Write under tmp, then rename: a mail program sees the whole message or none."""
        with open_atomic(self._path / "new" / name, drafts=self._path / "tmp") as file:
            file.write(content.replace(b"\r\n", os.linesep.encode()))


def remove_messages(
    folder: Path,
    *,
    message_ids: Collection[str] = (),
    addresses: Collection[str] = (),
    whole: bool = False,
) -> int:
    """Remove messages from a Maildir, by Message-ID or by address; returns how many stay.

    An address is searched in the recipients, because a subject names papers, and their titles may
    hold any; or if ``whole`` anywhere in the first 256 kB, and in refused mail too, because a
    bounce names it in its report. Unreadable files are left alone, and so is a folder that is a
    symbolic link of others: it could lead to the operator's backups.
    """
    names = {_file_name(one) for one in message_ids}
    wanted = [one.lower().encode() for one in addresses]
    stayed = 0
    for part in ("new", "cur", *((REFUSED,) if whole else ())):
        with suppress(OSError), open_folder(folder / part) as place:  # if there is one, and ours
            for name in os.listdir(place):  # noqa: PTH208 - by its descriptor
                named = name.partition(":")[0] in names
                if named or (wanted and _is_in(wanted, _beginning(name, place, whole=whole))):
                    stayed += not _remove(name, place)
    return stayed


def _remove(name: str, place: int) -> bool:
    """Remove a file of an open folder; returns whether it is gone."""
    try:
        os.unlink(name, dir_fd=place)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _is_in(addresses: Collection[bytes], text: bytes) -> bool:
    """Return whether an address occurs, not as part of a longer one.

    Not in x.ada@example.org, nor in ada@example.org.au. The pattern alone would take a hundred
    times as long: twenty milliseconds per mail, of which there may be many.
    """
    return any(
        one in text and re.search(rb"(?<![\w.+-])" + re.escape(one) + rb"(?![\w-]|\.\w)", text)
        for one in addresses
    )


def _beginning(name: str, place: int, *, whole: bool) -> bytes:
    """Read the recipients of a message, or more of it, in lower case; empty if it is not a file."""
    try:
        handle = os.open(name, os.O_RDONLY | CAREFUL, dir_fd=place)
    except OSError:
        return b""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return b""
    with os.fdopen(handle, "rb") as file:
        text = file.read(_LOOKED_AT if whole else _LONGEST_HEAD).lower()
    if whole:
        return text
    head, *_ = re.split(rb"\r?\n\r?\n", text, maxsplit=1)
    return b"\n".join(_RECIPIENTS.findall(head))


def _file_name(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()[:32] + ".larkpost"
