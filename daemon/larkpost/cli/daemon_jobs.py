"""The jobs of the daemon: each runs once per period, see ``larkpost.serve``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from larkpost.scheduler.side_work import SideWork
from larkpost.scheduler.tick import edit, poll, post

if TYPE_CHECKING:
    from collections import Counter

    from larkpost.bootstrap import Program
    from larkpost.inbound.process import InboundKind
    from larkpost.ingest.inbox import Taken

PUBLISH_SECONDS = 30.0  # after which readers whose thumbs do not count wait


def _new_inbox_work() -> SideWork[list[Taken]]:
    return SideWork("inbox")


def _new_mail_work() -> SideWork[Counter[InboundKind]]:
    return SideWork("inbound")


@dataclass(frozen=True, slots=True)
class DaemonJobs:
    """The jobs, and the reading of inbox and mails that goes on beside the ticks."""

    inbox_work: SideWork[list[Taken]] = field(default_factory=_new_inbox_work)
    mail_work: SideWork[Counter[InboundKind]] = field(default_factory=_new_mail_work)

    def finish(self, seconds: float) -> None:
        """Wait for what is being read, which ends between two records when the daemon ends.

        A file whose reading is cut off counts as one that crashed the program: three restarts while
        a large one was read had it refused.
        """
        ends = monotonic() + seconds
        for work in (self.inbox_work, self.mail_work):
            work.wait(max(0.0, ends - monotonic()))

    def tick(self, program: Program, moved: Callable[[], None]) -> None:
        """Read the inbox and mails, publish editions, and load a new model."""
        # New papers, and readers whose slot has come meanwhile, go before the rest of them.
        context = replace(
            program.tick_context,
            moved=moved,
            publish_seconds=PUBLISH_SECONDS,
            inbox_work=self.inbox_work,
            mail_work=self.mail_work,
        )
        edit(context, now=datetime.now(UTC))
        program.spaces.newest(program.store, program.ranker)  # read now, so that no page view waits
        moved()

    def post(self, program: Program, moved: Callable[[], None]) -> None:
        """Send the messages that are due."""
        post(replace(program.tick_context, moved=moved), now=datetime.now(UTC))

    def poll(self, program: Program, moved: Callable[[], None]) -> None:
        """Ask the sources that are due."""
        poll(replace(program.tick_context, moved=moved), now=datetime.now(UTC))
        moved()
