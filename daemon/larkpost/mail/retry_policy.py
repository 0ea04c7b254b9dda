"""Decides from an error whether a message is retried, bounced or given up, and how long to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from larkpost.domain import BounceKind, DeliveryState, MessageKind
from larkpost.errors import Deferred, LarkpostError, Refused, Unanswered
from larkpost.text.normalize import one_line

FIRST_TRY_AGAIN = timedelta(minutes=5)
# Tries lie no further apart in the beginning: a server that greylists takes the letter within the
# hour after its delay is over.
EARLY_TRY_AGAIN = timedelta(minutes=15)  # times the number of tries, up to
FIRST_DAY_TRY_AGAIN = timedelta(minutes=45)
LAST_TRY_AGAIN = timedelta(hours=12)
FIRST_DAY = timedelta(days=1)
EARLY_TRIES = 3
GIVE_UP = timedelta(days=5)  # as long as Postfix keeps a letter
SHORT_LIFETIME = timedelta(days=2)  # what nobody needs any more after that
LIFETIMES: Mapping[MessageKind, timedelta] = {
    MessageKind.EDITION: GIVE_UP,
    MessageKind.CONFIRMATION: SHORT_LIFETIME,
    MessageKind.EMPTY_NOTICE: SHORT_LIFETIME,
    MessageKind.OPERATOR_REPORT: SHORT_LIFETIME,
}
LEAST_TRIES = 2  # a road that was closed for so long leaves no time to a server that greylists
FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DeliveryDecision:
    """What becomes of a letter.

    ``closes`` is true where no other letter can go either, ``strains`` where that would be so if
    it came several times in a row; ``bounce`` is how it counts against the address, under which
    ``code``.
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
) -> DeliveryDecision:
    """Decide by what sending the letter raised, None where the server took it.

    All kinds of messages share the rules; ``LIFETIMES`` says how long one is tried. The letter
    waits ``since`` then, and reached the server ``tries`` times, this one included.
    A fault of the road leaves the letter as it was: due at once, when the road is open again. An
    error that nobody foresaw leaves open whether the letter went out.
    """
    reply = describe(error)
    later = try_again(since, now, tries)
    lifetime = LIFETIMES[kind]
    match error:
        case None:
            return DeliveryDecision(DeliveryState.SENT)
        case Deferred(whole_road=True):
            return DeliveryDecision(DeliveryState.DEFERRED, reply, now, closes=True)
        case Deferred() if now - since >= lifetime and tries >= LEAST_TRIES:
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
    error: Exception, *, since: datetime, now: datetime, kind: MessageKind = MessageKind.EDITION
) -> DeliveryDecision:
    """Decide for a letter that could not be made: the next version of the program may make it."""
    problem = Deferred(f"the message could not be made: {describe(error)}")
    return classify_outcome(problem, since=since, tries=LEAST_TRIES, now=now, kind=kind)


def try_again(since: datetime, now: datetime, tries: int) -> datetime:
    """Say when a letter goes again that waits ``since`` then and was tried ``tries`` times.

    It waits as long again as it has waited already: 5, 10, 20 minutes, up to 45 on the first day,
    then a sixth of its age, up to 12 hours (RFC 5321, 4.5.4.1: twice in the first hour, then
    further and further apart). One that waited long before its first try, because the server was
    away, goes again after a quarter of an hour, then half, all the same: greylisting begins then.
    """
    age = now - since
    young = age < FIRST_DAY or tries <= EARLY_TRIES
    most = min(EARLY_TRY_AGAIN * max(tries, 1), FIRST_DAY_TRY_AGAIN) if young else LAST_TRY_AGAIN
    return now + min(max(age if young else age / 6, FIRST_TRY_AGAIN), most)


def rest(failures: int, least: float) -> timedelta:
    """How long a road rests after so many failures in a row: 1, 2, 4 minutes, up to an hour.

    ``least`` are the seconds that the fault itself asks for.
    """
    grown = FIRST_REST * (1 << min(failures - 1, 10))
    return min(max(grown, timedelta(seconds=least)), LONGEST_REST)


def describe(error: Exception | None) -> str:
    """Say on one line what was raised: our own errors speak for themselves."""
    if error is None:
        return ""
    text = one_line(str(error))
    return text if isinstance(error, LarkpostError) else f"{type(error).__name__}: {text}"
