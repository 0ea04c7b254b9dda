"""The order in which files of the inbox are read: users who may write to it take turns.

Otherwise one user with a file that takes hours to read, or with thousands of files, would keep the
dumps of all others waiting. A file that takes long pauses while files of others are read, and goes
on where it was. It is put back, and begins anew, only if it is itself read in such a pause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from types import MappingProxyType

from larkpost.ingest.spool import InboxFile, lying_in

TURN_SECONDS = 60.0  # after which a file pauses, if files of other users wait
LIST_SECONDS = 10.0  # after which the inbox is listed again
MOST_READ = 10_000  # files in one sweep, which remembers each; the next one reads the rest
_MOST_DOUBLINGS = 10
_MOST_REMEMBERED = 1_000

_FileKey = tuple[Path, int, int]
# How often each file was put back, in this process. The next turn is twice as long, so that a
# large file is read to its end, whatever small ones others put beside it.
_put_back: Counter[_FileKey] = Counter()


def order_by_turns(
    files: Sequence[InboxFile], turns_had: Mapping[int, int] = MappingProxyType({})
) -> list[InboxFile]:
    """Order files: the first of each owner, then the second of each, and so on.

    The files of one owner are in the order of their days, oldest first. ``turns_had`` is how many
    files of an owner were read before. A file that was put back comes behind those of the others,
    or each sweep would begin with it.
    """
    by_day = sorted(files, key=lambda one: one.order)
    places = Counter(turns_had)
    turns: dict[InboxFile, int] = {}
    for one in by_day:
        places[one.owner] += 1
        turns[one] = places[one.owner]
    return sorted(by_day, key=lambda one: (turns[one], _put_back[_key(one)]))


class InboxTurns:
    """The files of one sweep that have not changed for ``settle``, in turns of their owners."""

    def __init__(
        self,
        inbox: Path,
        settle: timedelta,
        now: datetime,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._inbox = inbox
        self._settle = settle
        self._began = now
        self._clock = clock
        self._begin = clock()
        self._seen: set[_FileKey] = set()
        self._turns_had: Counter[int] = Counter()
        self._current: InboxFile | None = None
        self._until = 0.0

    def files(self, waiting: Sequence[InboxFile]) -> Iterator[InboxFile]:
        """Yield each file once; those that came meanwhile too, if reading the others takes long.

        ``waiting`` are the files that are in the inbox at first.
        """
        while settled := self._settled(waiting):
            listed = self._clock()
            for one in order_by_turns(settled, self._turns_had):
                if _key(one) in self._seen:  # read while another one paused
                    continue
                self._begin_turn(one)
                yield one
                if self.is_full:
                    return
                if self._clock() - listed >= LIST_SECONDS:
                    break
            else:
                return
            waiting = self._list()

    def _begin_turn(self, one: InboxFile) -> None:
        self._seen.add(_key(one))
        self._turns_had[one.owner] += 1
        self._current = one
        doublings = min(_put_back[_key(one)], _MOST_DOUBLINGS)
        self._until = self._clock() + TURN_SECONDS * 2**doublings

    @property
    def is_full(self) -> bool:
        """Whether this sweep remembers as many files as it may."""
        return len(self._seen) >= MOST_READ

    def is_over(self) -> bool:
        """Whether the current file has had its turn, and a file of another owner waits."""
        if self._current is None or self._clock() < self._until:
            return False
        self._until = self._clock() + LIST_SECONDS
        return bool(self._waiting_others())

    def files_between(self) -> Iterator[InboxFile]:
        """Yield files of other owners for the time of a turn, while the current one pauses.

        At the end the current one has its next turn.
        """
        paused = self._current
        ends = self._clock() + TURN_SECONDS
        for one in order_by_turns(self._waiting_others(), self._turns_had):
            self._begin_turn(one)
            yield one
            if self.is_full or self._clock() >= ends:
                break
        self._current = paused
        self._until = self._clock() + TURN_SECONDS

    def put_back(self) -> None:
        """Note that the current file is put back: its next turn is twice as long."""
        if self._current is None:
            return
        if len(_put_back) >= _MOST_REMEMBERED:
            _put_back.clear()
        _put_back[_key(self._current)] += 1

    def _waiting_others(self) -> list[InboxFile]:
        owner = self._current.owner if self._current else None
        return [one for one in self._settled(self._list()) if one.owner != owner]

    def _list(self) -> list[InboxFile]:
        """List the inbox; nothing if that fails, which the next sweep reports."""
        try:
            return lying_in(self._inbox)
        except OSError:
            return []

    def _settled(self, files: Sequence[InboxFile]) -> list[InboxFile]:
        """Choose the files that nobody writes to, and that were not read in this sweep."""
        now = self.now()
        return [
            one
            for one in files
            if _key(one) not in self._seen and one.still_for(now) >= self._settle
        ]

    def now(self) -> datetime:
        """Return the current time: that of the sweep's begin, plus the time since."""
        return self._began + timedelta(seconds=self._clock() - self._begin)


def _key(one: InboxFile) -> _FileKey:
    return one.path, one.inode, one.modified
