"""Logs the Message-IDs of sent messages, so that a restored backup sends none of them again."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, suppress
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from larkpost import logs
from larkpost.domain import Message
from larkpost.interfaces import Transport
from larkpost.log_events import LogEvent
from larkpost.safe_files import make_folder, open_append

log = logs.get_logger(__name__)

DAYS = 40  # days with sent messages; no backup brings back older messages as new
_WIDTH = 16  # hexadecimal digits of a SHA-256: 64 bits, and nobody is named


class SentLog(AbstractContextManager["SentLog"]):
    """The Message-IDs sent on the last ``DAYS`` days of sending.

    One file per day, to which every process appends a line per message: the system does not mix
    their lines. It is flushed to the disk at the end, not after each message, because it only
    matters after a restore. A log that cannot be read or written does not stop messages: it is
    reported once.
    """

    def __init__(self, folder: Path, today: date) -> None:
        self._folder = folder
        self._file = folder / f"{today.isoformat()}.log"
        self._known: set[bytes] | None = None
        self._descriptor: int | None = None
        self._told = False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def __contains__(self, message_id: str) -> bool:
        if self._known is None:
            self._known = self._read()
        return _name(message_id) in self._known

    def add(self, message_id: str) -> None:
        """Record that a message was accepted; never raises."""
        name = _name(message_id)
        if self._known is not None:
            self._known.add(name)
        try:
            if self._descriptor is None:
                self._descriptor = self._open()
            os.write(self._descriptor, name + b"\n")
        except OSError as error:
            self._tell(error)

    def _open(self) -> int:
        make_folder(self._folder)
        return open_append(self._file, linked=True)  # backups may be made by hard links

    def _read(self) -> set[bytes]:
        """Read the files of the last days, and remove older ones.

        Days are counted by existing files, so a clock that is wrong for an hour deletes nothing.
        """
        known: set[bytes] = set()
        try:
            files = sorted(self._folder.glob("????-??-??.log"))
            for old in files[:-DAYS]:
                old.unlink(missing_ok=True)
            for file in files[-DAYS:]:
                known.update(file.read_bytes().split())
        except OSError as error:
            self._tell(error)
        return known

    def _tell(self, error: OSError) -> None:
        if not self._told:
            log.warning(LogEvent.SENT_LOG_FAILED, folder=self._folder, reason=str(error))
        self._told = True


class SkipAlreadySent:
    """A transport that skips messages that were sent before."""

    def __init__(self, transport: Transport, sent: SentLog) -> None:
        self._transport = transport
        self._sent = sent

    def ready(self) -> None:
        """Return when a message can go; raises the transport's errors."""
        self._transport.ready()

    def send(self, message: Message) -> None:
        """Send and record a message unless it was sent before; raises the transport's errors."""
        if message.message_id in self._sent:
            log.info(LogEvent.DELIVERY_SKIPPED, message_id=message.message_id)
            return
        self._transport.send(message)
        self._sent.add(message.message_id)


def _name(message_id: str) -> bytes:
    return sha256(message_id.encode()).hexdigest()[:_WIDTH].encode()
