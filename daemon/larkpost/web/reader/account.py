"""The reader's own page: preferences, interests, today's papers, feeds, thumbs, unsubscribing."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import RedirectResponse, Response, StreamingResponse

from larkpost.db import editions, papers, readers, votes
from larkpost.db.usage import forgotten_votes, last_use
from larkpost.domain import Interest, Reader
from larkpost.editions import downvote_advice
from larkpost.errors import QuotaExceeded, UsageError
from larkpost.interfaces import FeedFormat
from larkpost.readers import subscriptions
from larkpost.readers.interest_hints import UnmatchedWord, describe, find_unmatched_words
from larkpost.render.presenters import stories_of
from larkpost.schedule import local_date
from larkpost.text import interest_words
from larkpost.web.auth import reader_of
from larkpost.web.form_body import is_gone
from larkpost.web.forms import WEEKDAYS, read_preferences, zones
from larkpost.web.limits.action_limit import tell_when
from larkpost.web.limits.large_work import wait_for_large_turn
from larkpost.web.limits.unread_responses import PIECE
from larkpost.web.reader.actions import DONE, ActionMessage, act, is_large
from larkpost.web.reader.record_use import note_use
from larkpost.web.reader.votes import thumb_name
from larkpost.web.site import SiteContext, in_words

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from larkpost.db.usage.last_use import Expiring
    from larkpost.ranking import TextSpace

SHOWN_VOTES = 100
SHOWN_EDITIONS = 8
FORMS: dict[FeedFormat, str] = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed"}


class FeedRow(NamedTuple):
    """The addresses of a feed by format; of one interest, or of all."""

    interest: Interest | None
    addresses: tuple[tuple[str, str], ...]


def me(site: SiteContext, request: Request, form: FormData) -> Response:
    """Answer ``/me/{token}``: GET shows the page, POST runs the ``action`` of a button."""
    reader = visitor(site, request)
    if request.method != "POST":
        done = request.query_params.get("done", "")
        unmatched = find_unmatched(site, reader) if done == "interest" else []
        return _page(site, reader, ActionMessage(DONE.get(done, ""), unmatched=unmatched))
    if is_large(site, reader, form):
        wait_for_large_turn(request)
    try:
        outcome = act(site, reader, form)
    except QuotaExceeded as error:
        return tell_when(_page(site, reader, ActionMessage(problem=in_words(error))), error)
    except UsageError as error:
        typed = read_preferences(form) if form.get("action") == "save" else {}
        return _page(
            site, reader, ActionMessage(problem=in_words(error), preferences=typed), status=400
        )
    note_use(site, request, reader.id)
    if isinstance(outcome, ActionMessage):
        return _page(site, reader, outcome, status=400 if outcome.problem else 200)
    with site.program.store.read() as connection:
        reader = readers.get(connection, reader.id)  # the link may have been renewed
    here = site.pages.path(site.program.links.page(reader))
    return RedirectResponse(f"{here}?done={outcome}", status_code=303)


def export(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/me/{token}/export.jsonl``: everything that is stored about the reader.

    It is read at one time, and held compressed for slow clients: 20,000 thumbs make 40 MB, and
    repeated requests of one reader must not fill the memory.
    """
    reader = visitor(site, request)
    pack = site.program.export_packer(lambda: is_gone(request))
    length, packed = pack(site.program.store, reader)
    return StreamingResponse(
        _unpack(packed[at : at + PIECE] for at in range(0, len(packed), PIECE)),
        media_type="application/jsonl; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="larkpost.jsonl"',
            "Content-Length": str(length),  # its size in the budget of responses
        },
    )


def _unpack(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack in pieces of at most ``PIECE`` bytes, as repeated characters pack very small."""
    unpacker = zlib.decompressobj()
    for part in parts:
        rest = part
        while rest:
            yield unpacker.decompress(rest, PIECE)
            rest = unpacker.unconsumed_tail
    yield unpacker.flush()


def delete(site: SiteContext, request: Request, form: FormData) -> Response:
    """Answer ``/me/{token}/delete``: GET asks, POST with the box ticked deletes the reader."""
    reader = visitor(site, request)
    sure = request.method == "POST" and "sure" in form
    if sure:
        program = site.program
        subscriptions.remove(
            program.store,
            reader.id,
            outbox=program.places.maildir,
            returned=program.inbound_folder,
            waits=False,  # it would keep a turn from others
        )
        site.tastes.forget(reader.id)
        request.app.state.feeds.forget(reader.feed_key)
    return site.pages.page(
        "reader/delete.html",
        400 if request.method == "POST" and not sure else 200,
        gone=sure,
        reader=reader,
        path=site.pages.path(site.program.links.page(reader)),
    )


def visitor(site: SiteContext, request: Request) -> Reader:
    """Find the reader of this page; raises InvalidToken or UnknownReader."""
    with site.program.store.read() as connection:
        return reader_of(site, connection, request, "page")


def find_unmatched(site: SiteContext, reader: Reader) -> list[UnmatchedWord]:
    """List the words of a reader's interests that match nothing."""
    return find_unmatched_in(site, [word for one in reader.interests for word in one.words])


def find_unmatched_in(site: SiteContext, words: Iterable[str]) -> list[UnmatchedWord]:
    """List those of these words that match nothing in the shared model."""
    program = site.program

    def shared() -> TextSpace:
        return site.spaces.newest(program.store, program.ranker).space

    return find_unmatched_words(program.store, shared, words)


def _page(site: SiteContext, reader: Reader, notice: ActionMessage, status: int = 200) -> Response:
    with site.program.store.read() as connection:
        total = votes.extent(connection, reader.id).count
        shown = votes.newest(connection, reader.id, SHOWN_VOTES)[::-1]
        thumbs = votes.newest_thumbs(connection, reader.id, downvote_advice.MOST)
        titles = papers.get(connection, {one.paper_id for one in shown})
        use = last_use.of(connection, [reader.id]).get(reader.id)
        days = editions.latest_days(connection, reader.id, SHOWN_EDITIONS)
        today = editions.get(connection, days[0].id) if days else None
        new = editions.news(connection, today) if today else set()
        forgotten = forgotten_votes.latest(connection, reader.id)
    found = downvote_advice.many_downs(thumbs, site.clock())
    links = site.program.links
    return site.pages.page(
        "reader/account.html",
        status,
        reader=reader,
        preferences=_read_preferences(reader) | dict(notice.preferences),
        done=notice.done,
        undo=notice.undo,
        unmatched=[describe(one) for one in notice.unmatched],
        problem=notice.problem,
        path=site.pages.path(links.page(reader)),
        page=links.page(reader),
        leave=site.pages.path(links.leave(reader)),
        feeds=list(_feeds(site, reader)),
        opml=links.opml(reader),
        alternates=links.reader_alternates(site.pages.title, reader),
        total=total,
        many_downs=found,
        before=local_date(reader.zone, found.since) if found else None,
        forgotten=forgotten,
        votes=[
            {"paper": titles[one.paper_id], "thumb": thumb_name(one.thumb), "at": one.at}
            for one in shown
        ],
        edition=today,
        today=stories_of(today, name_private=True) if today else [],
        new=new,
        editions=[(one, site.pages.path(links.edition_of(reader, one.id))) for one in days],
        weekdays=WEEKDAYS,
        zones=zones(),
        most_interests=interest_words.MOST_INTERESTS,
        expires=_expires_after(site, use),
    )


def _expires_after(site: SiteContext, use: Expiring | None) -> int:
    """Return after how many days without use this page is removed; 0 if it stays."""
    if use is None:
        return 0
    return site.program.span.days if use.used else site.program.span.unused


def _feeds(site: SiteContext, reader: Reader) -> Iterator[FeedRow]:
    if not reader.feed_key:
        return
    several = len(reader.interests) > 1
    for interest in (None, *(reader.interests if several else ())):
        yield FeedRow(
            interest,
            tuple(
                (name, site.program.links.feed(reader, form, interest=interest))
                for form, name in FORMS.items()
            ),
        )


def _read_preferences(reader: Reader) -> dict[str, object]:
    return {
        "name": reader.name,
        "zone": reader.zone,
        "send_time": f"{reader.send_time:%H:%M}",
        "weekdays": set(reader.weekdays),
        "papers_per_edition": reader.papers_per_edition,
        "weekly": reader.weekly,
        "notify_when_empty": reader.notify_when_empty,
        "threshold": round(reader.threshold * 100),
    }
