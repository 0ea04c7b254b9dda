"""Refuses what is over the quota of a reader, a network, or all readers together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import votes
from larkpost.db.coordination import rate_limits
from larkpost.db.usage import last_use, quotas
from larkpost.domain import PaperRecord
from larkpost.errors import QuotaExceeded
from larkpost.text.ip_networks import WIDER
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.db.engine import Connection
    from larkpost.settings.model import QuotaSettings

DAY = timedelta(days=1)
MEGABYTE = 1_000_000
_KILOBYTE = 1_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may come in: ``bounds`` by the settings, and the ``networks`` it comes from, own first.

    Whoever has many networks (a /48 of IPv6 has 256 of ours) is counted by the wider one too. No
    networks: it does not come from a stranger, and only the reader's own quota counts.
    """

    bounds: QuotaSettings
    networks: Sequence[str] = ()

    def take_list(
        self,
        connection: Connection,
        reader_id: int,
        new: Sequence[PaperRecord],
        *,
        thumbs: int,
        now: datetime,
    ) -> None:
        """Count a list that a reader is about to bring: papers that are ``new``, and thumbs.

        Raises QuotaExceeded for too much of either; then nothing is counted.
        """
        self.check_thumbs(connection, reader_id, more=thumbs)
        if not new:
            return
        size = quotas.size_of(new)
        here = quotas.of_reader(connection, reader_id)
        self._check_own(quotas.Usage(here.papers + len(new), here.bytes + size))
        if quotas.private_papers(connection) + len(new) > self.bounds.all_papers:
            raise QuotaExceeded(
                "There is no more room here for papers that readers bring",
                hint="Bring papers that are here already, by their arXiv numbers or DOIs, or try "
                "again in a week: what nobody uses is removed.",
            )
        self._take_bytes(connection, size, now)

    def check_thumb(self, connection: Connection, reader_id: int, paper_id: int) -> None:
        """Raise QuotaExceeded where no new thumb may come; one that is there may be changed."""
        if votes.one(connection, reader_id, paper_id) is None:
            self.check_thumbs(connection, reader_id, more=1)

    def check_thumbs(self, connection: Connection, reader_id: int, more: int = 0) -> None:
        """Raise QuotaExceeded where a reader would have more thumbs than anybody needs."""
        if quotas.thumbs(connection, reader_id) + more > self.bounds.votes:
            raise QuotaExceeded(
                f"You would have more than {quantity(self.bounds.votes, 'thumb')}",
                hint="Take some back on your page: the newest ones teach as much.",
            )

    def take_reader(self, connection: Connection, now: datetime) -> None:
        """Count a reader without an address who is about to come; raises QuotaExceeded."""
        for network, times in self._counters():
            most = self.bounds.network_readers * times
            if not rate_limits.allow(connection, f"readers:{network}", now=now, most=most, per=DAY):
                raise QuotaExceeded(
                    "Many pages were made from your network today",
                    hint="Subscribe with a mail address, or come back tomorrow.",
                    wait=DAY // most,
                )
        if last_use.count(connection) >= self.bounds.all_readers:
            raise QuotaExceeded(
                "There is no more room here for readers without a mail address",
                hint="Subscribe with a mail address, or try again in a week: pages that nobody "
                "uses are removed.",
            )

    def _check_own(self, usage: quotas.Usage) -> None:
        most = self.bounds
        if usage.papers > most.papers or usage.bytes > most.megabytes * MEGABYTE:
            raise QuotaExceeded(
                f"With this list you would have {quantity(usage.papers, 'paper')} of your own, "
                f"{usage.bytes / MEGABYTE:.1f} MB; there is room for "
                f"{quantity(most.papers, 'paper')} and {most.megabytes} MB",
                hint="Nothing of it was taken. Bring those that matter most to you: a few hundred "
                "are enough to learn from. Papers that are here already take no room.",
            )

    def _take_bytes(self, connection: Connection, size: int, now: datetime) -> None:
        cost = max(1, -(-size // _KILOBYTE))
        for network, times in self._counters():
            most = self.bounds.network_megabytes * times * (MEGABYTE // _KILOBYTE)
            key = f"bytes:{network}"
            if not rate_limits.allow(connection, key, now=now, most=most, per=DAY, cost=cost):
                raise QuotaExceeded(
                    "Your network has brought as much as it may in a day",
                    hint="Nothing of this list was taken. Bring a shorter one, or come back "
                    "tomorrow. Papers that are here already take no room.",
                    wait=min(DAY, DAY * cost / most),
                )

    def _counters(self) -> list[tuple[str, int]]:
        return [(network, WIDER**at) for at, network in enumerate(self.networks)]
