"""A site with feeds of every kind, on the real server, which records its responses."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args

import uvicorn
from tests.helpers.factories import add_papers, picks_of

from larkpost.bootstrap import Program, build
from larkpost.db import editions, interests, readers
from larkpost.interfaces import FeedFormat
from larkpost.readers import subscriptions
from larkpost.serve.http_limits import LimitedHttpProtocol
from larkpost.settings import load
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader
    from larkpost.urls import UrlBuilder

NOW = datetime(2026, 8, 7, 10, 0, tzinfo=UTC)
EDITIONS = 12
FORMS: tuple[FeedFormat, ...] = get_args(FeedFormat)


@dataclass
class Site:
    """A program served at ``url``; ``answers`` has the requested paths with their status."""

    url: str
    program: Program
    reader: Reader
    papers: list[Paper]
    answers: list[tuple[str, int]] = field(default_factory=list)

    @property
    def links(self) -> UrlBuilder:
        """The URLs of this site."""
        return self.program.links


def addresses(links: UrlBuilder, reader: Reader, form: FeedFormat) -> dict[str, str]:
    """Return the URL of each kind of feed."""
    interest = reader.interests[1]
    return {
        "reader": links.feed(reader, form),
        "likely": links.feed(reader, form, least=0.4),
        "page": links.feed(reader, form, page=1),
        "interest": links.feed(reader, form, interest=interest),
        "search": links.search("glaciers", form),
        "trending": links.trending(form),
        "archive": links.archive(form),
    }


def populate(store: Store, now: datetime = NOW) -> tuple[Reader, list[Paper]]:
    """Create a reader with two interests, and publish editions of twelve days up to today."""
    reader = subscriptions.add(store, None, now=now - timedelta(days=EDITIONS), name="Ada")
    with store.begin() as connection:
        interests.set_interest(connection, reader.id, "Ice & snow", words=("glaciers",))
        papers = add_papers(connection, 6)
        reader = readers.get(connection, reader.id)
    for back in reversed(range(EDITIONS)):
        publish(store, reader, papers, now - timedelta(days=back))
    return reader, papers


def publish(store: Store, reader: Reader, papers: list[Paper], out: datetime) -> None:
    """Publish three papers, of which the second is for the second interest."""
    start = out.toordinal() % len(papers)
    picks = picks_of([papers[(start + number) % len(papers)] for number in range(3)])
    chosen = [
        replace(pick, interest_id=interest.id, interest=interest.name)
        for pick, interest in zip(
            picks, [reader.interests[number] for number in (0, 1, 0)], strict=True
        )
    ]
    with store.begin() as connection:
        current = readers.get(connection, reader.id)
        assert editions.publish(
            connection,
            reader=current,
            date=out.date(),
            picks=chosen,
            now=out,
            next_slot=current.next_slot,
            message_id=None,
        )


@contextmanager
def served(home: Path, database_url: str) -> Iterator[Site]:
    """Serve a site with feeds inside the context."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        flags = {"database.url": database_url, "site.base_url": url}
        program = build(load(home=home, flags=flags))
        program.prepare()
        site = Site(url, program, *populate(program.store))
        config = uvicorn.Config(
            _noting(app(program, clock=lambda: NOW), site),
            http=LimitedHttpProtocol,
            lifespan="off",
            log_level="critical",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield site
        finally:
            server.should_exit = True
            thread.join()
            program.store.close()


def _noting(asgi: ASGIApp, site: Site) -> ASGIApp:
    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                query = scope["query_string"].decode()
                path = scope["path"] + (f"?{query}" if query else "")
                site.answers.append((path, message["status"]))
            await send(message)

        await asgi(scope, receive, told)

    return noted
