"""Logging: one event per line, for people or machines, without secrets or control characters."""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TextIO

from larkpost.log_events import LogEvent
from larkpost.log_limits import line_limit, shorten_facts
from larkpost.masking import HIDDEN, mask_text
from larkpost.token_routes import FEED, SIGNED

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter
    from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

# The second part of these paths is a signed token or a feed key, and must stay secret.
_SIGNED_PATH = re.compile(rf"(?<=/)({'|'.join(SIGNED)})/[^/\s\"'<>?#]+")
_FEED_PATH = re.compile(rf"(?<=/){FEED}/[^/\s\"'<>?#.]+")
_SECRET_KEY = re.compile(
    r"password|passwd|secret|token|authorization|cookie|feed_key", re.IGNORECASE
)
# Libraries that log more than operators want, except at level debug.
_TALKATIVE = ("alembic", "apscheduler", "asyncio", "uvicorn.access")
_setting_up = threading.Lock()
_hidden: tuple[str, ...] = ()  # the passwords in the settings of this process
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}  # as the standard library counts
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "31"}


def configure(
    level: Level = "info",
    format: Format = "auto",  # noqa: A002 - the name of the setting
    stream: TextIO | None = None,
    *,
    hide: Iterable[str] = (),
) -> None:
    """Send every event, ours and the libraries', to ``stream`` (standard error).

    ``auto`` means console on a terminal and JSON elsewhere; ``hide`` are values, such as the mail
    server's password, that are masked wherever they occur. May be called again.
    """
    global _hidden
    _hidden = tuple(value for value in hide if value)
    stream = sys.stderr if stream is None else stream
    machine = format == "json" or (format == "auto" and not stream.isatty())
    handler = _Handler(stream)
    handler.setFormatter(_Formatter(Mask(_hidden), machine=machine, colours=stream.isatty()))
    handler.addFilter(line_limit)
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "WARNING")


def tell_left_out() -> None:
    """Log how many lines caused by visitors were left out in past minutes."""
    for (name, event), count in line_limit.close_windows().items():
        get_logger("larkpost.logs").warning(
            LogEvent.LINES_SUPPRESSED, count=count, of=name, like=event
        )


class Logger:
    """A logger that takes an event and its facts, and imports structlog with the first event.

    Importing structlog takes as long as all other work of a command; most commands log nothing.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, event: LogEvent, **facts: Any) -> None:
        """Log a detail for developers."""
        self._log("debug", event, facts)

    def info(self, event: LogEvent, **facts: Any) -> None:
        """Log a normal event."""
        self._log("info", event, facts)

    def warning(self, event: LogEvent, **facts: Any) -> None:
        """Log an event that needs attention."""
        self._log("warning", event, facts)

    def error(self, event: LogEvent, **facts: Any) -> None:
        """Log a failure."""
        self._log("error", event, facts)

    def exception(self, event: LogEvent, **facts: Any) -> None:
        """Log a failure, with the exception that is being handled."""
        self._log("error", event, {"exc_info": True, **facts})

    def _log(self, level: Level, event: LogEvent, facts: dict[str, Any]) -> None:
        wanted = logging.getLogger(self.name).isEnabledFor(_LEVELS[level])
        if not wanted and "structlog" not in sys.modules:  # otherwise a test may have captured it
            return
        import structlog

        with _setting_up:
            if not structlog.is_configured():
                _set_up_structlog()
        getattr(structlog.get_logger(self.name), level)(str(event), **facts)


def get_logger(name: str) -> Logger:
    """Return the logger of this name, usually a module's."""
    return Logger(name)


class _Formatter(logging.Formatter):
    """Formats by structlog, which is imported with the first record."""

    def __init__(self, mask: Mask, *, machine: bool, colours: bool) -> None:
        super().__init__()
        self._mask = mask
        self._machine = machine
        self._colours = colours
        self._formatter: ProcessorFormatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, ours or a library's."""
        if self._formatter is None:
            self._formatter = self._make()
        return self._formatter.format(record)

    def _make(self) -> ProcessorFormatter:
        from structlog.processors import JSONRenderer
        from structlog.stdlib import ProcessorFormatter

        return ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=[
                ProcessorFormatter.remove_processors_meta,
                self._mask,
                shorten_facts,
                JSONRenderer() if self._machine else ConsoleFormatter(self._colours),
            ],
        )


def _shared_processors() -> list[Processor]:
    """The processors of every event, ours and the libraries'."""
    import structlog

    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _one_line_error,
    ]


def _set_up_structlog() -> None:
    """Make structlog pass our events on to the standard library's logging."""
    import structlog

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def escape(text: str) -> str:
    """Make untrusted text safe on one line: unprintable characters become code points.

    Covers CR, LF, ESC, U+2028, U+2029, bidi overrides and lone surrogates (CWE-117).
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def mask(text: str, hide: Iterable[str] = ()) -> str:
    """Remove the tokens of our links, and passwords."""
    text = _FEED_PATH.sub(f"{FEED}/{HIDDEN}", _SIGNED_PATH.sub(rf"\1/{HIDDEN}", text))
    return mask_text(text, hide)


def without_passwords(text: str) -> str:
    """Remove passwords: anything that looks like one, and the ``hide`` values of the log."""
    return mask_text(text, _hidden)


class Mask:
    """A structlog processor that hides secrets, by the name of their key or by their form."""

    def __init__(self, hide: Iterable[str] = ()) -> None:
        self.hide = tuple(value for value in hide if value)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Return the event with its secrets masked."""
        return {
            key: HIDDEN if _SECRET_KEY.search(key) else self._clean(value)
            for key, value in event.items()
        }

    def _clean(self, value: object) -> object:
        if isinstance(value, dict):
            return {key: self._clean(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._clean(inner) for inner in value]
        if value is None or isinstance(value, (bool, int, float, logging.LogRecord)):
            return value
        return mask(str(value), self.hide)


class ConsoleFormatter:
    """A structlog processor that writes an event as a line for people."""

    def __init__(self, colours: bool) -> None:
        self.colours = colours

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        """Return time, level, event, then the facts as ``key=value``."""
        level = str(event.pop("level", "info"))
        moment = str(event.pop("timestamp", ""))[:19]
        what = escape(str(event.pop("event", "")))
        event.pop("logger", None)
        facts = " ".join(f"{escape(key)}={_fact(value)}" for key, value in event.items())
        label = f"{level:<7}"
        if self.colours:
            label = f"\x1b[{_COLOURS.get(level, '0')}m{label}\x1b[0m"
        return f"{moment}Z {label} {what} {facts}".rstrip()


def _fact(value: object) -> str:
    text = escape(str(value))
    return '"' + text.replace('"', '\\"') + '"' if " " in text or not text else text


def _one_line_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Convert an exception to two facts: its message, and its origin, innermost frame first."""
    info = event.pop("exc_info", None)
    if isinstance(info, BaseException):
        error: BaseException | None = info
    else:
        error = (info[1] if isinstance(info, tuple) else sys.exc_info()[1]) if info else None
    if error is not None:
        event["error"] = f"{type(error).__name__}: {error}"
        event["trace"] = _trace(error.__traceback__)
    return event


def _trace(trail: TracebackType | None) -> str:
    frames = traceback.extract_tb(trail)
    return " < ".join(
        f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in reversed(frames)
    )


class _Handler(logging.StreamHandler[TextIO]):
    """A stream handler that never raises: a full disk must not stop messages."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        """Drop the line."""
