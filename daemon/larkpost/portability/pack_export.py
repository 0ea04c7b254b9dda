"""Packs everything about a reader for download: here, or in a separate process for the daemon."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from larkpost import logs
from larkpost.child_process import ChildProcess, database_for_child
from larkpost.db import editions, votes
from larkpost.errors import TryAgainLater
from larkpost.log_events import LogEvent
from larkpost.portability import exporter

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.domain import Reader

    PackExport = Callable[[Store, Reader], "PackedExport"]

SMALL = 300  # thumbs, and picks of editions, which take less time than starting a process
LONGEST = 60.0  # seconds: a reader waits for it; 20,000 thumbs take about ten
EXPORT_MODULE = "larkpost.portability.export_process"

_log = logs.get_logger(__name__)


class PackedExport(NamedTuple):
    """The lines of ``exporter.about`` as JSON: their ``length`` in bytes, and the lines packed."""

    length: int
    packed: bytes


def pack_here(store: Store, reader: Reader) -> PackedExport:
    """Read and pack a reader's data at one time, in this process."""
    packer, length = zlib.compressobj(1), 0
    parts: list[bytes] = []
    with store.read() as connection:
        for line in exporter.about(connection, reader):
            written = f"{json.dumps(line, ensure_ascii=False)}\n".encode()
            length += len(written)
            parts.append(packer.compress(written))
    parts.append(packer.flush())
    return PackedExport(length, b"".join(parts))


@dataclass(frozen=True, slots=True)
class PackExportApart:
    """Packs in a separate process, because in a thread all visitors would be slowed meanwhile.

    A reader with 2,000 papers takes most of a second of the processor. With at most ``small``
    thumbs and picks the data are packed here, as they are if the process fails, which is logged.
    Raises TryAgainLater after ``seconds``, and as soon as ``stopped`` says that nobody waits any
    more.
    """

    stopped: Callable[[], bool] = lambda: False
    seconds: float = LONGEST
    small: int = SMALL

    def __call__(self, store: Store, reader: Reader) -> PackedExport:
        """Pack a reader's data."""
        address = database_for_child(store)
        with store.read() as connection:
            is_small = _count_rows(connection, reader.id) <= self.small
        if is_small or address is None:
            return pack_here(store, reader)
        child = ChildProcess(EXPORT_MODULE, "an export", self.seconds, self.stopped)
        try:
            return export_from_bytes(child.run({"store": address, "reader": reader.id}))
        except TimeoutError as error:
            raise TryAgainLater(str(error)) from error
        except (RuntimeError, ValueError) as error:
            _log.warning(LogEvent.EXPORT_FAILED, problem=f"{type(error).__name__}: {error}")
        return pack_here(store, reader)


def _count_rows(connection: Connection, reader_id: int) -> int:
    """Count what makes an export large: thumbs, and picks of editions."""
    return votes.extent(connection, reader_id).count + editions.count_picks(connection, reader_id)


def export_to_bytes(export: PackedExport) -> bytes:
    """Write an export as its length on a line of its own, and the packed bytes."""
    return b"%d\n%b" % export


def export_from_bytes(body: bytes) -> PackedExport:
    """Read what ``export_to_bytes`` wrote; raises ValueError."""
    length, _, packed = body.partition(b"\n")
    return PackedExport(int(length), packed)
