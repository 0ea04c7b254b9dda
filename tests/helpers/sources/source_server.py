"""A local server that responds like the sources of papers, and fails like them."""

from __future__ import annotations

import json
import re
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import itemgetter
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping

TOPICS = ("Router", "Retriever", "Tokenizer", "Critic", "Planner", "Decoder")
WEB_PAGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body>Wait.</body></html>"
)
_DRIP_SECONDS = 0.05
_TEN_GIGABYTES = 10_000


def paper(number: int, *, day: date, upvotes: int = 6) -> dict[str, object]:
    """Return one item as the API of Hugging Face does; each ``number`` is another paper."""
    topic = TOPICS[number % len(TOPICS)]
    title = f"{topic} Study {number}: Sparse Attention at Scale {number * 7919}"
    summary = (
        f"We study how a {topic.lower()} of kind {number} behaves on benchmark {number * 31} and "
        f"report that variant {number * 104729} halves the cost of run {number}. Code is public."
    )
    arxiv_id = f"{day:%y%m}.{number % 100_000:05}"
    return {
        "paper": {
            "id": arxiv_id,
            "authors": [{"_id": f"a{number}", "name": f"Ada Author{number}", "hidden": False}],
            "publishedAt": f"{day}T00:00:00.000Z",
            "title": title,
            "submittedOnDailyAt": f"{day}T06:30:00.000Z",
            "submittedOnDailyBy": {
                "_id": "u1",
                "fullname": "AK",
                "name": "akhaliq",
                "isPro": False,
            },
            "summary": summary,
            "upvotes": upvotes,
            "discussionId": f"d{number}",
            "ai_summary": "A study.",
            "ai_keywords": ["sparse attention"],
        },
        "publishedAt": f"{day}T06:30:00.000Z",
        "title": title,
        "summary": summary,
        "numComments": 2,
        "isAuthorParticipating": False,
    }


def arxiv_feed(items: Iterable[Mapping[str, object]], *, day: date) -> bytes:
    """Return an Atom feed of new papers as arXiv does, of items made by ``paper``."""
    entries = []
    for item in items:
        facts = item["paper"]
        assert isinstance(facts, dict)
        entries.append(
            f"<entry><id>oai:arXiv.org:{facts['id']}v1</id><title>{facts['title']}</title>"
            f'<link href="https://arxiv.org/abs/{facts["id"]}" rel="alternate" type="text/html"/>'
            f"<summary>arXiv:{facts['id']}v1 Announce Type: new \nAbstract: {facts['summary']}"
            f'</summary><category term="cs.CL"/><published>{day}T00:00:00-04:00</published>'
            "<arxiv:announce_type>new</arxiv:announce_type>"
            "<dc:creator>Ada Author</dc:creator></entry>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<feed xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns="http://www.w3.org/2005/Atom">'
        "<id>http://rss.arxiv.org/atom/cs.CL</id><title>cs.CL updates on arXiv.org</title>"
        f"<updated>{day}T04:00:11+00:00</updated>{''.join(entries)}</feed>"
    ).encode()


def arxiv_answer(items: Iterable[tuple[datetime, Mapping[str, object]]]) -> bytes:
    """Return an answer of arXiv's API: items made by ``paper``, with the times of submission."""
    entries = []
    for at, item in items:
        facts = item["paper"]
        assert isinstance(facts, dict)
        entries.append(
            f"<entry><id>http://arxiv.org/abs/{facts['id']}v1</id><title>{facts['title']}</title>"
            f"<updated>{at:%Y-%m-%dT%H:%M:%SZ}</updated><published>{at:%Y-%m-%dT%H:%M:%SZ}"
            f"</published><summary>{facts['summary']}</summary>"
            "<author><name>Ada Author</name></author></entry>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        '<link href="http://arxiv.org/api/query?search_query=cat:cs.CL" rel="self"/>'
        '<title type="html">ArXiv Query: search_query=cat:cs.CL</title>'
        f"<id>http://arxiv.org/api/1</id>{''.join(entries)}</feed>"
    ).encode()


@dataclass(frozen=True)
class Reply:
    """A response: status, headers and body; ``length`` is the announced length."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    drips: bool = False
    bomb: bool = False


def redirect(to: str, status: int = 301) -> Reply:
    return Reply(status=status, headers={"Location": to})


def too_many(retry_after: str | None = "120") -> Reply:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Reply(b"Rate exceeded.", 429, headers)


def half(body: bytes) -> Reply:
    return Reply(body[: len(body) // 2], length=len(body))


DRIP = Reply(b"[" + b" " * 10_000 + b"]", drips=True)
BOMB = Reply(headers={"Content-Encoding": "gzip"}, bomb=True)

FAILURES: dict[str, Reply] = {
    "429 with Retry-After in seconds": too_many("120"),
    "429 with Retry-After as a date": too_many(
        format_datetime(datetime(2099, 1, 1, tzinfo=UTC), usegmt=True)
    ),
    "503 without Retry-After": Reply(b"Backend fetch failed", 503),
    "an empty answer": Reply(b""),
    "half a body": half(json.dumps([paper(1, day=date(2026, 8, 7))]).encode()),
    "half a JSON": Reply(json.dumps([paper(1, day=date(2026, 8, 7))]).encode()[:-40]),
    "HTML in place of JSON": Reply(WEB_PAGE, headers={"Content-Type": "text/html"}),
    "an error in place of a list": Reply(b'{"error":"Internal Error"}'),
    "a redirect to nowhere": Reply(status=302),
    "a redirect to a file": redirect("file:///etc/passwd"),
    "a slow drip": DRIP,
    "ten gigabytes packed as gzip": BOMB,
    "not found": Reply(b"Not Found", 404),
}  # fmt: skip


@dataclass
class SourceServer:
    """Responds on loopback; ``days`` are the papers of the daily list, by day.

    ``submissions`` are what arXiv's API has, by the time of submission.

    ``failure`` replaces every response; ``routes`` replace those of single paths. ``today`` is the
    server's day: a later one gets 400. ``requests`` are the requested paths, ``conditional`` counts
    the responses 304, ``at`` has the time of each request.
    """

    days: dict[date, list[dict[str, object]]] = field(default_factory=dict)
    submissions: list[tuple[datetime, dict[str, object]]] = field(default_factory=list)
    routes: dict[str, Reply | Callable[[Mapping[str, str]], Reply]] = field(default_factory=dict)
    failure: Reply | None = None
    today: date | None = None
    certificate: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    requests: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        self._server = _QuietServer((self.host, 0), partial(_Handler, self))
        if self.certificate is not None:
            self._server.socket = self.certificate.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Its URL, without ``/`` at the end."""
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{self.host}:{self._server.server_address[1]}"

    def reply(self, path: str, headers: Mapping[str, str]) -> Reply:
        """Choose the response."""
        if self.failure is not None:
            return self.failure
        parts = urlsplit(path)
        if (route := self.routes.get(path) or self.routes.get(parts.path)) is not None:
            return route(headers) if callable(route) else route
        if parts.path.startswith("/atom/") and self.days:
            day = max(self.days)
            feed = Reply(arxiv_feed(self.days[day], day=day))
            return with_etag(feed, headers)
        if parts.path == "/api/query":
            return Reply(arxiv_answer(self._submitted(parse_qs(parts.query))))
        if parts.path != "/api/daily_papers":
            return Reply(b"Not Found", 404)
        query = parse_qs(parts.query)
        return with_etag(self._papers(query), headers)

    def _submitted(
        self, query: Mapping[str, list[str]]
    ) -> list[tuple[datetime, dict[str, object]]]:
        first, last = re.findall(r"\d{12}", query["search_query"][0])
        some = [
            (at, item)
            for at, item in sorted(self.submissions, key=itemgetter(0))
            if first <= f"{at:%Y%m%d%H%M}" <= last
        ]
        start, limit = int(query.get("start", ["0"])[0]), int(query["max_results"][0])
        return some[start : start + limit]

    def _papers(self, query: Mapping[str, list[str]]) -> Reply:
        number, limit = int(query.get("p", ["0"])[0]), int(query.get("limit", ["50"])[0])
        if "date" in query:
            day = date.fromisoformat(query["date"][0])
            if self.today is not None and day > self.today:
                return Reply(b'{"error":"Invalid date"}', 400)
            items = self.days.get(day, [])
        else:
            items = [item for day in sorted(self.days, reverse=True) for item in self.days[day]]
        some = items[number * limit : (number + 1) * limit]
        return Reply(json.dumps(some).encode(), headers={"Content-Type": "application/json"})


def with_etag(reply: Reply, headers: Mapping[str, str]) -> Reply:
    """Respond with 304 if the client has this body already."""
    etag = f'W/"{zlib.crc32(reply.body):x}"'
    if headers.get("If-None-Match") == etag:
        return Reply(status=304, headers={"ETag": etag})
    return Reply(reply.body, reply.status, {**reply.headers, "ETag": etag})


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Do not log clients that hang up: the tests make them do it."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, owner: SourceServer, *arguments: object) -> None:
        self.owner = owner
        super().__init__(*arguments)  # type: ignore[arg-type]  # as socketserver calls it

    def do_GET(self) -> None:
        self.owner.requests.append(self.path)
        self.owner.headers.append(dict(self.headers.items()))
        self.owner.at.append(time.monotonic())
        reply = self.owner.reply(self.path, self.headers)  # type: ignore[arg-type]  # a mapping
        self.owner.counts[reply.status] += 1
        self.close_connection = True
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if not (reply.drips or reply.bomb):
            length = len(reply.body) if reply.length is None else reply.length
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()
        if reply.bomb:
            self._bomb()
        elif reply.drips:
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                time.sleep(_DRIP_SECONDS)
        else:
            self.wfile.write(reply.body)

    def _bomb(self) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        for _ in range(_TEN_GIGABYTES):
            self.wfile.write(packer.compress(bytes(1_000_000)))

    def log_message(self, *_: object) -> None:
        """Log nothing."""
