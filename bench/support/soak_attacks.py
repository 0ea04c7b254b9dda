"""Hostile visitors, each in its own network: they send requests as fast as they can.

They run in a separate process, so that they do not slow the interpreter of the measured honest
visitors. Only loopback is attacked.
"""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Attack = Callable[["Target", str, Any, Counter[str]], None]

PATIENCE = 20.0  # seconds that an attacker waits for an answer
IDLE, SLOW, DRIPPING = 200, 50, 40  # connections
PAUSE = 0.005  # seconds between requests; this is still faster than any network
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Target:
    """The port on 127.0.0.1, the path of a hostile reader's page, and ids of papers.

    ``listed`` is the number of titles in each imported list.
    """

    port: int
    page: str
    papers: tuple[int, ...]
    listed: int


def flood_search(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Search for common words, rare words and phrases, new ones each time."""
    words = ("the of and", '"language model" network', "learning -deep", "a e i o u", "e*")
    _ask_on(target, network, over, done, lambda n: ("GET", _search(f"{words[n % 5]} {n}"), None))


def poison_search_feeds(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Request search feeds, each at a different URL."""
    _ask_on(
        target, network, over, done, lambda n: ("GET", f"/search.rss?q=model&q={n}&x={n}", None)
    )


def ask_for_months(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Request whole months, in turn."""
    months = [
        f"/archive/2026-{month:02}.{form}" for month in range(1, 13) for form in ("rss", "json")
    ]
    _ask_on(target, network, over, done, lambda n: ("GET", months[n % len(months)], None))


def open_papers(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Request papers that do not exist, and absurd paths."""
    paths = (
        "/archive/9999-12-31",
        f"/{'9' * 5000}",
        "/paper/" + "0" * 300,
        "/%00%ff",
        "/vote/x/1/up",
    )
    _ask_on(target, network, over, done, lambda n: ("GET", paths[n % len(paths)], None))


def sign_up(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Create readers, by feed and by mail."""

    def ask(number: int) -> tuple[str, str, dict[str, str]]:
        if number % 2:
            return "POST", "/subscribe", {"action": "feed", "words": f"word{number}"}
        return "POST", "/subscribe", {"action": "mail", "address": f"a{number}@example.org"}

    _ask_on(target, network, over, done, ask)


def flood_votes(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Give and take back thumbs on the hostile reader's page."""

    def ask(number: int) -> tuple[str, str, dict[str, str]]:
        paper = target.papers[number % len(target.papers)]
        return "POST", target.page, {"action": "vote", "paper": str(paper), "thumb": "up"}

    _ask_on(target, network, over, done, ask)


def ask_for_costly_pages(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Request the ten papers to rate, and the taste page."""
    pages = (f"{target.page}/rate", f"{target.page}/taste", f"{target.page}/export.jsonl")
    _ask_on(target, network, over, done, lambda n: ("GET", pages[n % 3], None))


def bring_lists(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Import long lists of papers, with other titles each time."""

    def ask(number: int) -> tuple[str, str, dict[str, str]]:
        titles = (f"Title {n} on the matter {number * n}" for n in range(target.listed))
        entries = (f"@article{{k, title={{{title}}}, year=2020}}" for title in titles)
        return "POST", f"{target.page}/start", {"text": "\n".join(entries)}

    _ask_on(target, network, over, done, ask)


def hold_idle(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Hold idle connections; open new ones when they are closed."""
    _hold(target, network, over, done, IDLE, lambda _n: b"", b"")


def send_slow_heads(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Send a request's head byte by byte."""
    _hold(
        target, network, over, done, SLOW, lambda _n: b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", b"a"
    )


def drip_bodies(target: Target, network: str, over: Any, done: Counter[str]) -> None:
    """Announce 4 MB and send byte by byte, to routes that read a body and some that do not."""
    paths = (f"{target.page}/start", "/me/none/start", "/vote/none/1/up", "/subscribe", "/")

    def begin(number: int) -> bytes:
        head = (
            f"POST {paths[number % len(paths)]} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n"
        )
        return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\ntext=".encode()

    _hold(target, network, over, done, DRIPPING, begin, b"a")


ATTACKS: tuple[Attack, ...] = (
    flood_search,
    poison_search_feeds,
    ask_for_months,
    open_papers,
    sign_up,
    flood_votes,
    ask_for_costly_pages,
    bring_lists,
    hold_idle,
    send_slow_heads,
    drip_bodies,
)


@contextmanager
def attacked(target: Target, each: int = 2) -> Iterator[None]:
    """Attack from another process inside the context, each attack from its own network."""
    context = multiprocessing.get_context("spawn")
    over = context.Event()
    attackers = context.Process(target=_attack, args=(target, each, over), daemon=True)
    attackers.start()
    try:
        yield
    finally:
        over.set()
        attackers.join(PATIENCE * 2)
        if attackers.is_alive():
            attackers.kill()


def _attack(target: Target, each: int, over: Any) -> None:
    """Run every attack ``each`` times at once until it is over."""
    threads = [
        threading.Thread(
            target=attack, args=(target, f"127.1.{number}.1", over, Counter()), daemon=True
        )
        for number, attack in enumerate(ATTACKS, 1)
        for _ in range(each)
    ]
    for thread in threads:
        thread.start()
    over.wait()
    time.sleep(0.5)  # for requests in progress; the rest ends with the process


def _search(words: str) -> str:
    return f"/search?q={quote(words)}"


def _ask_on(
    target: Target,
    network: str,
    over: Any,
    done: Counter[str],
    ask: Callable[[int], tuple[str, str, dict[str, str] | None]],
) -> None:
    """Send requests one by one on a persistent connection, and count the responses."""
    number = 0
    while not over.is_set():
        connection = http.client.HTTPConnection(
            "127.0.0.1", target.port, timeout=PATIENCE, source_address=(network, 0)
        )
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(connection),
        ):
            while not over.is_set():
                method, path, form = ask(number)
                number += 1
                body = urlencode(form) if form is not None else None
                connection.request(method, path, body, FORM if form is not None else {})
                answer = connection.getresponse()
                answer.read()
                done[str(answer.status)] += 1
                time.sleep(PAUSE)
        time.sleep(PAUSE)


def _hold(
    target: Target,
    network: str,
    over: Any,
    done: Counter[str],
    many: int,
    begin: Callable[[int], bytes],
    drip: bytes,
) -> None:
    """Hold so many connections, begin a request on each, and then send ``drip`` repeatedly."""
    held: list[socket.socket] = []
    number = 0
    while not over.wait(0.2):
        for one in list(held):
            if not _goes_on(one, drip):
                held.remove(one)
                done["closed"] += 1
        while len(held) < many and not over.is_set():
            try:
                one = socket.create_connection(("127.0.0.1", target.port), 5, (network, 0))
                one.sendall(begin(number))
            except OSError:
                break
            one.setblocking(False)
            number += 1
            held.append(one)
    for one in held:
        one.close()


def _goes_on(one: socket.socket, drip: bytes) -> bool:
    """Send some bytes; returns whether the other side still listens."""
    try:
        if drip:
            one.send(drip)
        if one.recv(4096) == b"":
            one.close()
            return False
    except BlockingIOError:
        return True
    except OSError:
        one.close()
        return False
    return True
