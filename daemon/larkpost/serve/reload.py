"""The current program and its web application; both change when the settings are reloaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.errors import LarkpostError
from larkpost.log_events import LogEvent
from larkpost.web import Heartbeat, app

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from larkpost.bootstrap import Program

    Renewal = Callable[[Program], Program]

_log = logs.get_logger("larkpost.serve")


class ReloadableApp:
    """An ASGI application that passes every request on to the pages of the current program."""

    def __init__(self, program: Program, pulses: Mapping[str, Heartbeat]) -> None:
        self.program = program
        self.pulses = pulses
        self._pages = app(program, pulses=pulses, paced=True)
        self._one_at_a_time = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._pages(scope, receive, send)

    def renew(self, renewal: Renewal) -> None:
        """Replace the program; if the new one cannot be made, log why and keep the old one.

        Requests in progress finish with the old program.
        """
        with self._one_at_a_time:
            try:
                program = renewal(self.program)
                pages = app(program, pulses=self.pulses, paced=True)
            except Exception as error:  # no error in the settings may end the daemon
                _log_refusal(error)
            else:
                self.program, self._pages = program, pages
                _log.info(LogEvent.SETTINGS_RELOADED)


def _log_refusal(error: Exception) -> None:
    foreseen = isinstance(error, LarkpostError)
    _log.error(
        LogEvent.SETTINGS_REJECTED,
        problem=str(error),
        hint=error.hint if isinstance(error, LarkpostError) else "",
        exc_info=None if foreseen else error,
    )
