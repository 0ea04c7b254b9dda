"""Decides from an error whether a message is retried, bounced or given up, and when to retry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from larkpost.domain import BounceKind, DeliveryState, MessageKind
from larkpost.errors import Deferred, LarkpostError, Refused, Unanswered
from larkpost.text.normalize import one_line

FIRST_TRY_AGAIN = timedelta(minutes=5)
# The longest interval at first: a server that greylists gets the message within the hour after its
# delay ends.
EARLY_TRY_AGAIN = timedelta(minutes=15)  # multiplied by the number of tries, up to
FIRST_DAY_TRY_AGAIN = timedelta(minutes=45)
LAST_TRY_AGAIN = timedelta(hours=12)
FIRST_DAY = timedelta(days=1)
EARLY_TRIES = 3
GIVE_UP = timedelta(days=5)  # as long as Postfix keeps a message
SHORT_LIFETIME = timedelta(days=2)  # other kinds, which nobody needs after that
LIFETIMES: Mapping[MessageKind, timedelta] = {
    MessageKind.EDITION: GIVE_UP,
    MessageKind.CONFIRMATION: SHORT_LIFETIME,
    MessageKind.EMPTY_NOTICE: SHORT_LIFETIME,
    MessageKind.OPERATOR_REPORT: SHORT_LIFETIME,
}
LEAST_TRIES = 2  # after a pause of this length a server that greylists would have no time left
FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DeliveryDecision:
    """The next state of a message.

    ``closes``: no other message can go either; ``strains``: the same if it happens several times in
    a row; ``bounce`` and ``code``: how it counts against the address.
    """

    state: DeliveryState
    reply: str = ""
    next_try: datetime | None = None
    closes: bool = False
    strains: bool = False
    bounce: BounceKind | None = None
    code: str = ""


def classify_outcome(
    error: Exception | None,
    *,
    since: datetime,
    tries: int,
    now: datetime,
    kind: MessageKind = MessageKind.EDITION,
    gives_up: bool = True,
) -> DeliveryDecision:
    """Decide from the error that sending raised, None if the server accepted the message.

    All kinds of messages share the rules; ``LIFETIMES`` limits how long one is tried. The message
    has waited ``since`` then, and reached the server ``tries`` times, this one included. A fault of
    the mail server leaves the message due as soon as the server works again. After an unexpected
    error it is unknown whether the message went out. Without ``gives_up`` it is retried however old
    it is.
    """
    reply = describe(error)
    later = try_again(since, now, tries)
    lifetime = LIFETIMES[kind]
    match error:
        case None:
            return DeliveryDecision(DeliveryState.SENT)
        case Deferred(server_fault=True):
            return DeliveryDecision(DeliveryState.DEFERRED, reply, now, closes=True)
        case Deferred() if gives_up and now - since >= lifetime and tries >= LEAST_TRIES:
            given_up = f"given up after {lifetime.days} days: {reply}"
            return DeliveryDecision(DeliveryState.FAILED, given_up, strains=_strains(error))
        case Deferred():
            return DeliveryDecision(DeliveryState.DEFERRED, reply, later, strains=_strains(error))
        case Refused():
            return DeliveryDecision(
                DeliveryState.FAILED, reply, bounce=_bounce(error), code=error.code
            )
        case _:
            unanswered = isinstance(error, Unanswered)
            return DeliveryDecision(DeliveryState.UNKNOWN, reply, later, strains=unanswered)


def _strains(error: Deferred) -> bool:
    return error.cut or error.tired


def _bounce(error: Refused) -> BounceKind | None:
    if error.nobody:
        return BounceKind.HARD
    return BounceKind.SOFT if error.unwelcome else None


def unmade(
    error: Exception,
    *,
    since: datetime,
    now: datetime,
    kind: MessageKind = MessageKind.EDITION,
    gives_up: bool = True,
) -> DeliveryDecision:
    """Decide for a message that could not be built: a later version of the program may build it."""
    problem = Deferred(f"the message could not be made: {describe(error)}")
    return classify_outcome(
        problem, since=since, tries=LEAST_TRIES, now=now, kind=kind, gives_up=gives_up
    )


def try_again(since: datetime, now: datetime, tries: int) -> datetime:
    """Return when to retry a message that has waited ``since`` then and was tried ``tries`` times.

    The interval doubles: 5, 10, 20 minutes, up to 45 on the first day, then a sixth of the
    message's age, up to 12 hours (RFC 5321, 4.5.4.1: twice in the first hour, then at growing
    intervals). A message that waited long before its first try, because the server was unavailable,
    is retried after 15 minutes, then 30, because greylisting starts only then.
    """
    age = now - since
    young = age < FIRST_DAY or tries <= EARLY_TRIES
    most = min(EARLY_TRY_AGAIN * max(tries, 1), FIRST_DAY_TRY_AGAIN) if young else LAST_TRY_AGAIN
    return now + min(max(age if young else age / 6, FIRST_TRY_AGAIN), most)


def rest(failures: int, least: float) -> timedelta:
    """Return the pause after so many failures in a row: 1, 2, 4 minutes, up to an hour.

    ``least`` is the number of seconds that the fault itself asks for.
    """
    grown = FIRST_REST * (1 << min(failures - 1, 10))
    return min(max(grown, timedelta(seconds=least)), LONGEST_REST)


def describe(error: Exception | None) -> str:
    """Describe an error on one line: our own errors need no class name."""
    if error is None:
        return ""
    text = one_line(str(error))
    return text if isinstance(error, LarkpostError) else f"{type(error).__name__}: {text}"
