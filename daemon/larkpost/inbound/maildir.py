"""Reads the Maildir into which the mail server puts inbound mail, and empties it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.errors import Failure, LarkpostError, UnreadableDump
from larkpost.formats.mail.mail_parser import MOST_READ, OutsizedMail, parse
from larkpost.inbound.digest_mail import LARGEST_DIGEST, DigestMail
from larkpost.inbound.maildir_files import (
    MaildirEntry,
    NoMailFile,
    OpenMaildir,
    RefusedMail,
    first_names,
    move_mail,
    open_maildir,
    read_mail,
)
from larkpost.inbound.process import InboundKind, InboundResult, find_tag, receive_parsed
from larkpost.ingest.spool import (
    ReadAttempts,
    forget_missing,
    has_attempts,
    inspect_file,
)
from larkpost.log_events import LogEvent
from larkpost.safe_files import is_there
from larkpost.text.normalize import one_line
from larkpost.transports.maildir import REFUSED

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.inbound.return_address import ReturnAddresses

log = logs.get_logger(__name__)

# Limits of one tick, so that a flood does not delay editions: the first one reached ends the sweep.
MOST = 500  # mails
MOST_BYTES = 16_000_000
MOST_SECONDS = 5.0
# Mail that was not understood stays unread, for a person to look at.
_FOR_PEOPLE = frozenset({InboundKind.UNREAD, InboundKind.FOREIGN, InboundKind.NO_DIGEST})
_MOST_STUCK = 10  # unmovable mails in one sweep: then the folder is at fault
_MOST_REMEMBERED = 10_000

_TRY_AGAIN = timedelta(hours=1)

# Mails that could not be read or moved, by folder and name, with the reason and time: this process
# reports each once, puts it behind all others, and tries it again once per hour.
_left: OrderedDict[tuple[str, str], tuple[str, datetime]] = OrderedDict()
_tidied: set[str] = set()  # folders without counts of mails that are gone
# When a mail of each user was last read, by folder and user, as a number that grows.
_served: dict[tuple[str, int], int] = {}
_services = count(1)


def collect(
    store: Store,
    mailboxes: ReturnAddresses | None,
    folder: Path,
    *,
    now: datetime,
    digests: DigestMail | None = None,
    stopped: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = monotonic,
) -> Counter[InboundKind]:
    """Process new mail of a Maildir and move it to ``cur``; returns counts by kind.

    The work of one call is limited so that the tick goes on within seconds; the rest stays new for
    the next. ``mailboxes`` reads our signed addresses, ``digests`` the papers that allowed senders
    mail. Mail beyond the limits, and entries that are not files, go to ``refused``, where the
    newest are kept. Mail that cannot be moved is reported once and skipped. Raises Busy or
    StoreError if the database cannot be written: the mail stays new. Raises Failure if nothing can
    be moved.
    """
    tally: Counter[InboundKind] = Counter()
    if not (folder / "new").is_dir():
        return tally
    with ExitStack() as stack:
        try:
            parts = stack.enter_context(open_maildir(folder))
        except OSError as error:
            raise _unusable(folder, error) from error
        collecting = _MaildirSweep(store, mailboxes, folder, parts, now, digests)
        until, left_bytes = clock() + MOST_SECONDS, MOST_BYTES
        for name in collecting.names():
            if stopped():
                break
            if left_bytes <= 0 or clock() >= until:
                log.info(LogEvent.INBOUND_DEFERRED)
                break
            meaning, size = collecting.take(name)
            left_bytes -= size
            if meaning is not None:
                tally[meaning] += 1
    return tally


def _unusable(folder: Path, error: OSError) -> Failure:
    return Failure(
        f"inbound mail cannot be read: {folder}: {error.strerror or error}",
        hint="make it a folder that the daemon can write to, on a disk with free space",
    )


@dataclass(slots=True)
class _MaildirSweep:
    """The state of one sweep; ``stuck`` counts mails that could not be moved."""

    store: Store
    mailboxes: ReturnAddresses | None
    folder: Path
    parts: OpenMaildir
    now: datetime
    digests: DigestMail | None = None
    stuck: int = 0

    def names(self) -> list[str]:
        """List the names, oldest first; those that could not be read or moved before come last."""
        try:
            self._forget_missing()
            return first_names(
                self.parts.new,
                MOST,
                last=lambda name: self._key(name) in _left,
                served=lambda owner: _served.get((str(self.folder), owner), 0),
            )
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def _forget_missing(self) -> None:
        """Delete the counts of mails that are gone, once: only a process that died leaves any."""
        new = self.folder / "new"
        if str(new) not in _tidied and has_attempts(new):
            forget_missing(new)
        _tidied.add(str(new))

    def _key(self, name: str) -> tuple[str, str]:
        return str(self.folder), name

    def _rests(self, name: str) -> bool:
        known = _left.get(self._key(name))
        return known is not None and timedelta(0) <= self.now - known[1] < _TRY_AGAIN

    def take(self, name: str) -> tuple[InboundKind | None, int]:
        """Process one mail; returns its kind, None if it was left, and the number of bytes read."""
        path = self.folder / "new" / name
        if self._rests(name):
            return None, 0
        try:
            attempts = ReadAttempts(path.parent, inspect_file(path))
            mail = read_mail(name, self.parts.new, LARGEST_DIGEST if self.digests else MOST_READ)
        except NoMailFile as error:
            self._move(name, partial(self._refuse, name, f"it is {error}, not a file"))
            return InboundKind.FOREIGN, 0
        except FileNotFoundError:  # gone meanwhile
            return None, 0
        except OSError as error:
            self._leave(name, f"not read: {error.strerror}")
            return None, 0
        _served[str(self.folder), mail.owner] = next(_services)
        return self._take_counted(name, mail, attempts), len(mail.content)

    def _take_counted(
        self, name: str, mail: MaildirEntry, attempts: ReadAttempts
    ) -> InboundKind | None:
        """Process a mail, unless processing it has ended this program several times.

        The attempt is noted beside the mail before it is parsed: a mail that gets the program
        killed leaves no other trace.
        """
        try:
            with suppress(OSError):  # in a folder without space, mail is read uncounted
                attempts.begin(one_line(name))
        except UnreadableDump as error:
            self._move(name, partial(self._refuse, name, str(error)))
            attempts.forget()
            return InboundKind.REFUSED
        try:
            return self._take_mail(name, mail)
        finally:
            attempts.forget()

    def _take_mail(self, name: str, mail: MaildirEntry) -> InboundKind:
        result = receive_safely(
            self.store,
            self.mailboxes,
            mail.content,
            now=self.now,
            size=mail.size,
            digests=self.digests,
        )
        if result.meaning is InboundKind.REFUSED:
            self._move(name, partial(self._refuse, name, result.why))
        else:
            flags = "" if result.meaning in _FOR_PEOPLE else "S"
            self._move(name, partial(move_mail, name, self.parts.new, self.parts.cur, flags=flags))
        return result.meaning

    def _refuse(self, name: str, why: str) -> None:
        refused = RefusedMail(self.parts.top)
        moved, dropped = refused.take_in(name, self.parts.new, f"{self.now:%Y%m%dT%H%M%S}")
        place = one_line(str(self.folder / REFUSED / moved))
        log.warning(LogEvent.INBOUND_REJECTED, reason=why, place=place)
        for gone in dropped:
            log.warning(
                LogEvent.INBOUND_PRUNED,
                name=one_line(gone), most=refused.most, most_bytes=refused.most_bytes,
            )  # fmt: skip

    def _move(self, name: str, move: Callable[[], object]) -> None:
        """Move an entry; if that fails, report it once. Raises Failure after too many."""
        try:
            move()
        except OSError as error:
            if not is_there(name, self.parts.new):  # gone meanwhile
                return
            self._leave(name, f"not moved: {error.strerror or error}")
            self.stuck += 1
            if self.stuck >= _MOST_STUCK:
                raise _unusable(self.folder, error) from error

    def _leave(self, name: str, why: str) -> None:
        key = self._key(name)
        # Over this number none is logged: what is forgotten would be logged again, without end.
        if _left.get(key, ("",))[0] != why and len(_left) < _MOST_REMEMBERED:
            log.warning(LogEvent.INBOUND_SKIPPED, name=one_line(name), reason=why)
        _left[key] = (why, self.now)
        if len(_left) > _MOST_REMEMBERED:
            _left.popitem(last=False)


def receive_safely(
    store: Store,
    mailboxes: ReturnAddresses | None,
    content: bytes,
    *,
    now: datetime,
    size: int | None = None,
    digests: DigestMail | None = None,
) -> InboundResult:
    """Process one mail; one that causes an error is left unread, and does not stop the others.

    Mail to a signed address of ours is never a digest, whatever its From says.
    """
    size = len(content) if size is None else size
    try:
        message = parse(content)  # once: parsing is what a hostile mail makes costly
        if digests is not None and not (mailboxes and find_tag(mailboxes, message)):
            taken = digests.receive(store, content, message, size=size, now=now)
            if taken is not None:
                return taken
        if mailboxes is None:
            return InboundResult(InboundKind.FOREIGN)
        return receive_parsed(store, mailboxes, message, now=now, size=size)
    except OutsizedMail as error:
        if mailboxes is None:
            return InboundResult(InboundKind.FOREIGN)
        return InboundResult(InboundKind.REFUSED, why=str(error))
    except LarkpostError:
        raise
    except Exception:
        log.exception(LogEvent.INBOUND_FAILED)
        return InboundResult(InboundKind.UNREAD)
