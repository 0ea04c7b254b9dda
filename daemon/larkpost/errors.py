"""Every error that Larkpost raises on purpose, with the problem, its object, and a remedy.

LarkpostError
├── UsageError            exit 2: the call is wrong
│   ├── UnknownReader
│   ├── UnknownPaper
│   ├── QuotaExceeded     there is no room for that much
│   └── SettingsError
│       └── DamagedKey    the file that signs links holds no key
├── TryAgainLater         exit 75: the same call may succeed later
│   ├── Busy              somebody else holds the lock
│   ├── NoRoom            the disk is full
│   ├── Crowded           too much waits already
│   ├── Deferred          a mail server asks to retry later
│   └── Unanswered        a message was sent whole, but no reply came
└── Failure               exit 1
    ├── UnreadableDump    nothing in the file could be recognised, or it is unsafe to open
    ├── InvalidToken      a link is forged, cut or for something else
    ├── Refused           a mail server refuses this address for good
    ├── SourceFailure     a polled source did not answer as it should
    └── StoreError        the database is damaged, newer than the program, or not there
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class LarkpostError(Exception):
    """The root; ``hint`` is the remedy, shown after the message."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(LarkpostError):
    """The call is wrong; nothing was done."""

    exit_code = 2


class UnknownReader(UsageError):
    """No reader has that address."""


class UnknownPaper(UsageError):
    """No paper has that name."""


class QuotaExceeded(UsageError):
    """A quota of a reader, a network or all readers would be exceeded; nothing was stored.

    ``wait`` is the time after which the same may succeed, if waiting helps.
    """

    def __init__(self, message: str, *, hint: str = "", wait: timedelta | None = None) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait


class SettingsError(UsageError):
    """A setting is misspelt or has a value it cannot have."""


class DamagedKey(SettingsError):
    """The file of the key that signs links exists, but contains no key."""


class TryAgainLater(LarkpostError):
    """Nothing is lost; the same call may succeed later (EX_TEMPFAIL of sysexits.h)."""

    exit_code = 75


class Busy(TryAgainLater):
    """Another process holds the lock."""


class NoRoom(TryAgainLater):
    """The disk is full; the new data is not written, and existing data is intact."""


class Crowded(TryAgainLater):
    """Too many items of this kind are already waiting."""


class Deferred(TryAgainLater):
    """The mail server, or the connection to it, asks to retry later.

    ``server_fault`` is true if the fault is the server's and not the recipient's; then ``rest`` is
    the number of seconds to wait before connecting again. ``cut`` is true if the connection broke
    during this message, ``tired`` if the server deferred it for reasons of its own (too fast, too
    much, no space): several times in a row make it the server's fault. ``stopped`` is true if this
    process is to end: then the server has no fault.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        server_fault: bool = False,
        rest: float = 0.0,
        cut: bool = False,
        tired: bool = False,
        stopped: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.stopped = stopped
        self.server_fault = server_fault
        self.rest = rest
        self.cut = cut
        self.tired = tired


class Unanswered(TryAgainLater):
    """The whole message was sent, but no reply came, so it may have been accepted."""


class Failure(LarkpostError):
    """The action failed, and repeating it will not help."""


class UnreadableDump(Failure):
    """A file could not be recognised, or it is not safe to open it."""


class InvalidToken(Failure):
    """A link is forged, cut, expired or for another purpose; the message does not say which."""


class Refused(Failure):
    """The mail server refuses this message for this address for good.

    ``nobody`` is true if it said that there is no such address, ``unwelcome`` if the address is the
    reason in another way: full, closed, unknown for now. ``of_content`` is true if it had read the
    message: perhaps it refuses the words or links in it. ``code`` is its enhanced code.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        nobody: bool = False,
        unwelcome: bool = False,
        of_content: bool = False,
        code: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.nobody = nobody
        self.unwelcome = unwelcome
        self.of_content = of_content
        self.code = code


class FetchProblem(StrEnum):
    """The problems of a polled source."""

    PRIVATE_ADDRESS = "private-address"  # it leads to this machine or into a private network
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    CUT = "cut"  # half an answer
    TOO_LARGE = "too-large"
    REDIRECTS = "redirects"
    RATE_LIMITED = "rate-limited"
    HTTP_STATUS = "http-status"
    GONE = "gone"
    SHAPE = "shape"  # it answers in another format than before
    EMPTY = "empty"  # no papers, although there were many
    STOPPED = "stopped"  # it answers, but has nothing new


class SourceFailure(Failure):
    """A polled source did not answer as it should; it is asked again later.

    ``wait`` is the pause that its server asks for, if it does.
    """

    def __init__(
        self,
        message: str,
        *,
        problem: FetchProblem,
        hint: str = "",
        status: int = 0,
        wait: timedelta | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.problem = problem
        self.status = status
        self.wait = wait


class StoreError(Failure):
    """The database is damaged, newer than the program, or missing."""
