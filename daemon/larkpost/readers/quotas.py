"""Enforces the quotas of a reader, a network, and all readers together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

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
# The share of a surrounding network in what all readers together may have, and the time after which
# it may take as much again: one /24 took all room for papers in seven minutes, for everybody.
SHARE, SHARE_TIME = 8, timedelta(days=90)
OF_SHARE = 2  # the part of it that one network may take: an address took all that its /24 had


class _NewReaders(NamedTuple):
    """A kind of new readers: the key of their counts, and words for errors."""

    key: str
    made: str
    otherwise: str


_PAGES = _NewReaders("readers", "pages were created", "subscribe with an email address")
_MAILBOXES = _NewReaders(
    "mailboxes", "subscriptions were confirmed", "open the link of the email from another network"
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """The quotas of a request.

    ``bounds`` from the settings, and its ``networks``, own first. The surrounding network counts
    too, because an owner may have many (a /48 of IPv6 has 256 of ours). No networks: it does not
    come from a stranger, and only the reader's quota counts.
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
        """Count a list before it is imported: papers that are ``new``, and thumbs.

        Raises QuotaExceeded if either is too much; then nothing is counted.
        """
        self.check_thumbs(connection, reader_id, more=thumbs)
        if not new:
            return
        size = quotas.size_of(new)
        here = quotas.of_reader(connection, reader_id)
        self._check_own(quotas.Usage(here.papers + len(new), here.bytes + size))
        if quotas.private_papers(connection) + len(new) > self.bounds.all_papers:
            raise QuotaExceeded(
                "there is no more room for papers of readers",
                hint="import papers that are here already, by their arXiv numbers or DOIs, or try "
                "again in a week: what nobody uses is removed",
            )
        self._take_bytes(connection, size, now)
        self._take_share_of_papers(connection, len(new), now)

    def check_thumb(self, connection: Connection, reader_id: int, paper_id: int) -> None:
        """Raise QuotaExceeded if no new thumb is allowed; an existing one may be changed."""
        if votes.one(connection, reader_id, paper_id) is None:
            self.check_thumbs(connection, reader_id, more=1)

    def check_thumbs(self, connection: Connection, reader_id: int, more: int = 0) -> None:
        """Raise QuotaExceeded if a reader would have too many thumbs."""
        if quotas.thumbs(connection, reader_id) + more > self.bounds.votes:
            raise QuotaExceeded(
                f"you would have more than {quantity(self.bounds.votes, 'thumb')}",
                hint="undo some of them on your page; the newest ones matter most",
            )

    def take_reader(self, connection: Connection, now: datetime) -> None:
        """Count a reader without an address before it is created; raises QuotaExceeded."""
        self._take_new(connection, _PAGES, now)
        if last_use.count(connection) >= self.bounds.all_readers:
            raise QuotaExceeded(
                "there is no more room for readers without an email address",
                hint="subscribe with an email address, or try again in a week: pages that nobody "
                "uses are removed",
            )

    def take_mailbox(self, connection: Connection, now: datetime) -> None:
        """Count a reader before their address is confirmed; raises QuotaExceeded.

        Who owns a domain has any number of mailboxes, and each gets up to a hundred papers a day.
        """
        self._take_new(connection, _MAILBOXES, now)

    def _take_new(self, connection: Connection, new: _NewReaders, now: datetime) -> None:
        """Count a new reader of a kind, for a day and for months; raises QuotaExceeded."""
        for network, times in self._counters():
            most = self.bounds.network_readers * times
            if not rate_limits.allow(
                connection, f"{new.key}:{network}", now=now, most=most, per=DAY
            ):
                raise QuotaExceeded(
                    f"too many {new.made} from your network today",
                    hint=f"{new.otherwise}, or come back tomorrow",
                    wait=DAY // most,
                )
        share = self.bounds.all_readers // SHARE
        least = self.bounds.network_readers
        if not self._take_share(connection, new.key, 1, share, least=least, now=now):
            raise QuotaExceeded(
                f"too many {new.made} from your network in the last months",
                hint=new.otherwise,
                wait=SHARE_TIME // max(least, share // OF_SHARE),
            )

    def _check_own(self, usage: quotas.Usage) -> None:
        most = self.bounds
        if usage.papers > most.papers or usage.bytes > most.megabytes * MEGABYTE:
            raise QuotaExceeded(
                f"with this list you would have {quantity(usage.papers, 'paper')} of your own, "
                f"{usage.bytes / MEGABYTE:.1f} MB; there is room for "
                f"{quantity(most.papers, 'paper')} and {most.megabytes} MB",
                hint="nothing was imported. Choose those that matter most to you: a few hundred "
                "are enough to learn from. Papers that are here already take no room",
            )

    def _take_share_of_papers(self, connection: Connection, count: int, now: datetime) -> None:
        share, least = self.bounds.all_papers // SHARE, 2 * self.bounds.papers
        if not self._take_share(connection, "papers", count, share, least=least, now=now):
            raise QuotaExceeded(
                "your network has imported as many papers as it may in three months",
                hint="nothing was imported. Choose a shorter list, or import papers that are here "
                "already, by their arXiv numbers or DOIs",
                wait=min(SHARE_TIME, SHARE_TIME * count / max(least, share // OF_SHARE)),
            )

    def _take_share(
        self,
        connection: Connection,
        what: str,
        count: int,
        share: int,
        *,
        least: int,
        now: datetime,
    ) -> bool:
        """Count for the own and the surrounding network; returns whether both shares suffice.

        The surrounding network has the ``share``, and a network in it a part, so that one address
        leaves something to its neighbours; both have the ``least`` at least.
        """
        parts = (share,) if len(self.networks) == 1 else (share // OF_SHARE, share)
        return all(
            rate_limits.allow(
                connection,
                f"share:{what}:{network}",
                now=now,
                most=max(least, part),
                per=SHARE_TIME,
                cost=count,
            )
            for network, part in zip(self.networks, parts, strict=False)
        )

    def _take_bytes(self, connection: Connection, size: int, now: datetime) -> None:
        cost = max(1, -(-size // _KILOBYTE))
        for network, times in self._counters():
            most = self.bounds.network_megabytes * times * (MEGABYTE // _KILOBYTE)
            key = f"bytes:{network}"
            if not rate_limits.allow(connection, key, now=now, most=most, per=DAY, cost=cost):
                raise QuotaExceeded(
                    "your network has imported as much as it may in one day",
                    hint="nothing was imported. Choose a shorter list, or come back "
                    "tomorrow. Papers that are here already take no room",
                    wait=min(DAY, DAY * cost / most),
                )

    def _counters(self) -> list[tuple[str, int]]:
        return [(network, WIDER**at) for at, network in enumerate(self.networks)]
