"""The actions on a reader's own page, by the name that each button's form sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.db import papers
from larkpost.db.usage import quotas
from larkpost.domain import Reader
from larkpost.editions import second_interest
from larkpost.readers import interests, record_votes, subscriptions
from larkpost.schedule import start_of
from larkpost.text.normalize import one_line
from larkpost.web.forms import number, read, read_ids, read_wishes, text
from larkpost.web.limits.action_limit import thumb_permit
from larkpost.web.limits.rate_limit import RateLimit
from larkpost.web.reader.votes import confirmation, thumb_name

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from larkpost.readers.interest_hints import UnmatchedWord
    from larkpost.web.site import SiteContext

VIA = "page"
# Actions that change all thumbs of a reader, and from how many on they have a queue of their own:
# to restore 12,000 takes more than a second of processor.
OF_ALL_THUMBS = frozenset({"drop", "split", "rejoin", "clear", "forget", "remember"})
MANY_THUMBS = 1_000
LONGEST_PERCENTAGE = 9  # characters
CHANGING = RateLimit("changing", 30)  # per minute: preferences, interests, links

# After an action the browser is redirected to the page, so that a reload does not repeat it; one of
# these words in the address names the action.
DONE = {
    "saved": "Settings saved.",
    "paused": "Paused. Nothing is sent until you resume.",
    "resumed": "Resumed. Your editions come again.",
    "renewed": "Your feed has new addresses. Add them to your feed reader; the old ones are dead.",
    "silenced": "Your feed is switched off. Its old addresses do not work any more.",
    "relinked": "This page has a new link. Please bookmark it: the older ones are invalid.",
    "interest": "Interest saved. The next edition takes it into account.",
    "dropped": "Interest removed. Its thumbs now count for the first one.",
    "rejoined": "Undone. The interest is removed, and its thumbs count as before.",
    "allowed": "Undone. The suggestion is on the page “Your taste” again.",
    "forgotten": "Your older thumbs are forgotten. You can restore them below for 30 days.",
    "remembered": "Your thumbs are restored, and count again.",
    "cleared": "All your thumbs are deleted. Your editions start over.",
    "welcome": "Welcome. Please bookmark this page: only its address opens it.",
}


@dataclass(frozen=True, slots=True)
class ActionMessage:
    """The message at the top of the page after an action, and its undo."""

    done: str = ""
    problem: str = ""
    undo: Mapping[str, object] | None = None
    preferences: Mapping[str, object] = field(default_factory=dict)
    unmatched: Sequence[UnmatchedWord] = ()


def act(site: SiteContext, reader: Reader, form: FormData) -> str | ActionMessage:
    """Run the action of the clicked button; returns a word of DONE, or a message for the page.

    Raises UsageError if it is impossible, HTTPException 400 for an unknown action, and 429 over the
    rate limit.
    """
    chosen = _ACTS.get(text(form, "action"))
    if chosen is None:
        raise HTTPException(400)
    if chosen is not _vote:  # thumbs have a separate limit
        site.rate_limiter.check(CHANGING, reader.uid)
    return chosen(site, reader, form)


def is_large(site: SiteContext, reader: Reader, form: FormData) -> bool:
    """Return whether the action of the clicked button changes very many thumbs."""
    if text(form, "action") not in OF_ALL_THUMBS:
        return False
    with site.program.store.read() as connection:
        return quotas.thumbs(connection, reader.id) > MANY_THUMBS


def cast_vote(site: SiteContext, reader: Reader, form: FormData, source: str) -> ActionMessage:
    """Record the thumb of a form that names a paper; 404 for one that the reader cannot see.

    A private paper is seen by its owner alone.
    """
    thumb = record_votes.read_thumb(text(form, "thumb"))
    paper_id = number(form, "paper", "paper")
    with site.program.store.read() as connection:
        paper = papers.get(connection, [paper_id]).get(paper_id)
    if paper is None or paper.owner_id not in {None, reader.id}:
        raise HTTPException(404)
    before = record_votes.cast(
        site.program.store,
        reader.id,
        paper_id,
        thumb,
        source=source,
        now=site.clock(),
        permit=thumb_permit(site, reader, paper_id, thumb),
    )
    had, has = thumb_name(before.thumb if before else None), thumb_name(thumb)
    return _offer_undo(paper_id, had, has)


def _offer_undo(paper_id: int, had: str, has: str) -> ActionMessage:
    """Make the message about a changed thumb, with a button to undo it."""
    # Casting an unchanged thumb again would undo nothing: it can only be cleared.
    back = "clear" if had == has else had
    undo = {"action": "vote", "paper": paper_id, "thumb": back, "label": "Undo"}
    if back == has:
        return ActionMessage(done=confirmation(has, had))
    return ActionMessage(done=confirmation(has, had), undo=undo)


def _read_share(text: str) -> float:
    """Read a whole percentage: ``35`` is 0.35; raises ValueError, also for hundreds of digits."""
    if len(text) > LONGEST_PERCENTAGE:
        raise ValueError(text)
    return int(text) / 100


def _save(site: SiteContext, reader: Reader, form: FormData) -> str:
    preferences: subscriptions.Preferences = {
        **read_wishes(form),
        "name": text(form, "name"),
        "weekly": "weekly" in form,
        "notify_when_empty": "notify_when_empty" in form,
        "threshold": read("percentage", _read_share, text(form, "threshold") or "0"),
    }
    subscriptions.change(site.program.store, reader.id, now=site.clock(), **preferences)
    return "saved"


def _pause(site: SiteContext, reader: Reader, form: FormData) -> str:
    until = text(form, "until")
    day = read("day", date.fromisoformat, until) if until else None
    subscriptions.change(site.program.store, reader.id, now=site.clock(), until=day, status="pause")
    return "paused"


def _resume(site: SiteContext, reader: Reader, _form: FormData) -> str:
    subscriptions.resume(site.program.store, reader.id, now=site.clock())
    return "resumed"


def _renew(site: SiteContext, reader: Reader, _form: FormData) -> str:
    subscriptions.change(site.program.store, reader.id, now=site.clock(), feed="renew")
    return "renewed"


def _silence(site: SiteContext, reader: Reader, _form: FormData) -> str:
    subscriptions.change(site.program.store, reader.id, now=site.clock(), feed="end")
    return "silenced"


def _relink(site: SiteContext, reader: Reader, _form: FormData) -> str:
    subscriptions.relink(site.program.store, reader.id)
    return "relinked"


def _interest(site: SiteContext, reader: Reader, form: FormData) -> str:
    interests.set_interest(
        site.program.store,
        reader.id,
        text(form, "interest"),
        words=text(form, "words").splitlines(),
        quota=read("share", int, text(form, "quota") or "1"),
    )
    return "interest"


def _drop_interest(site: SiteContext, reader: Reader, form: FormData) -> str:
    interests.remove_interest(site.program.store, reader.id, text(form, "interest"))
    return "dropped"


def _split(site: SiteContext, reader: Reader, form: FormData) -> ActionMessage:
    """Make the interest that the taste page offers."""
    interest, name = text(form, "interest"), text(form, "name")
    second_interest.accept(
        site.program.store,
        reader.id,
        interest=interest,
        name=name,
        words=text(form, "words").splitlines(),
        paper_ids=read_ids(text(form, "papers")),
    )
    undo = {"action": "rejoin", "name": name, "interest": interest, "label": "Undo"}
    return ActionMessage(done=f"“{one_line(name)}” is a separate interest now.", undo=undo)


def _rejoin(site: SiteContext, reader: Reader, form: FormData) -> str:
    into, name = text(form, "interest"), text(form, "name")
    second_interest.undo(site.program.store, reader.id, name=name, into=into)
    return "rejoined"


def _decline(site: SiteContext, reader: Reader, _form: FormData) -> ActionMessage:
    second_interest.decline(site.program.store, reader.id, now=site.clock())
    undo = {"action": "allow", "label": "Undo"}
    return ActionMessage(done="You will not be asked again for half a year.", undo=undo)


def _allow(site: SiteContext, reader: Reader, _form: FormData) -> str:
    second_interest.allow(site.program.store, reader.id)
    return "allowed"


def _vote(site: SiteContext, reader: Reader, form: FormData) -> ActionMessage:
    return cast_vote(site, reader, form, VIA)


def _clear(site: SiteContext, reader: Reader, form: FormData) -> str | ActionMessage:
    if "sure" not in form:
        return ActionMessage(problem="Nothing was deleted: please tick the box first.")
    record_votes.roll_back(site.program.store, reader.id, now=site.clock())
    return "cleared"


def _forget(site: SiteContext, reader: Reader, form: FormData) -> str | ActionMessage:
    day = read("day", date.fromisoformat, text(form, "before"))
    before = start_of(day, reader.zone)
    gone = record_votes.forget(site.program.store, reader.id, before, now=site.clock())
    if not gone:
        return ActionMessage(problem=f"You gave no thumb before {day}, so nothing was forgotten.")
    return "forgotten"


def _remember(site: SiteContext, reader: Reader, _form: FormData) -> str | ActionMessage:
    if not record_votes.remember(site.program.store, reader.id):
        return ActionMessage(problem="There is nothing to restore any more.")
    return "remembered"


_ACTS: dict[str, Callable[[SiteContext, Reader, FormData], str | ActionMessage]] = {
    "save": _save,
    "pause": _pause,
    "resume": _resume,
    "renew": _renew,
    "silence": _silence,
    "relink": _relink,
    "interest": _interest,
    "drop": _drop_interest,
    "split": _split,
    "rejoin": _rejoin,
    "decline": _decline,
    "allow": _allow,
    "vote": _vote,
    "clear": _clear,
    "forget": _forget,
    "remember": _remember,
}
