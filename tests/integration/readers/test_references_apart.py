"""Tests that a list of references takes a limited time, because a separate process reads it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from tests.helpers.web.site_client import NOW
from tests.unit.formats.test_references import BIBTEX, CSL, RDF, RIS, ZOTERO_CSV

from larkpost.db.private import private_papers
from larkpost.errors import TryAgainLater, UsageError
from larkpost.formats.references import MOST, read_references
from larkpost.readers import onboarding
from larkpost.readers.references_apart import REFERENCES_MODULE, ReadReferencesApart

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.helpers.web.site_client import Place

APART = ReadReferencesApart(small=0)
ENDLESS = "import time; time.sleep(600)"
# One call without an end, which nothing in the process can stop.
STUCK = """
from larkpost.child_process import answer_request
answer_request(lambda _: 1 in iter(int, 1))
"""
BROKEN = "import sys; sys.stdin.readline(); sys.exit('out of luck')"
LONG = "@article{a, title={One}, abstract={%s}}" % ("word " * 4_000)


class Started(list[subprocess.Popen[bytes]]):
    """The processes that were started; ``instead`` is the program that each one ran."""

    instead = ""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Record the processes that are started, and put another program in their place."""
    processes = Started()
    real = subprocess.Popen

    def popen(command: list[str], **pipes: Any) -> subprocess.Popen[bytes]:
        wanted = [sys.executable, "-c", processes.instead] if processes.instead else command
        processes.append(real(wanted, **pipes))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return processes


def own(here: Place) -> list[str]:
    """Return the titles of the reader's private papers."""
    with here.program.store.read() as connection:
        return [paper.title for paper in private_papers.of(connection, here.reader.id)]


@pytest.mark.parametrize(
    "text",
    [BIBTEX, RIS, CSL, RDF, ZOTERO_CSV, "2106.09685 10.1000/182 https://a.example/x"],
    ids=["bibtex", "ris", "csl", "rdf", "csv", "names"],
)
def test_the_process_reads_what_this_one_would(text: str) -> None:
    assert APART(text) == read_references(text)
    assert APART(text)


def test_odd_characters_arrive_unchanged() -> None:
    text = (
        "@article{a, title={Müde \u2028 {\\'e} \U0001f600 \ud800 one}, author={Ann Ö}, year=2024}"
    )

    assert APART(text) == read_references(text)


def test_a_kind_of_text_that_is_not_supported_has_the_same_error() -> None:
    with pytest.raises(UsageError) as here:
        read_references("<?xml version='1.0'?>")
    with pytest.raises(UsageError) as apart:
        APART("<?xml version='1.0'?>")

    assert (str(apart.value), apart.value.hint) == (str(here.value), here.value.hint)


def test_a_list_of_megabytes_reaches_the_process() -> None:
    text = "\n".join(f"@article{{a{n}, title={{Title {n}}}}}" for n in range(60_000))

    assert len(APART(text)) == MOST


def test_a_list_that_takes_too_long_is_refused_and_nothing_is_imported(
    here: Place, started: Started
) -> None:
    started.instead = ENDLESS

    with pytest.raises(UsageError, match="too long to read") as refused:
        onboarding.from_references(
            here.program.store,
            here.reader.id,
            LONG,
            now=NOW,
            read=ReadReferencesApart(seconds=0.2),
        )

    assert "in parts" in refused.value.hint
    assert own(here) == []
    assert [one.poll() for one in started] == [-9]


def test_a_list_that_takes_too_much_of_the_processor_is_refused(started: Started) -> None:
    started.instead = STUCK

    with pytest.raises(UsageError, match="too long to read"):
        ReadReferencesApart(seconds=60, cpu_seconds=1)(LONG)

    assert [one.poll() for one in started] == [-signal.SIGXCPU]


def test_a_process_that_fails_imports_nothing(here: Place, started: Started) -> None:
    started.instead = BROKEN

    with pytest.raises(RuntimeError, match="out of luck"):
        onboarding.from_references(
            here.program.store, here.reader.id, LONG, now=NOW, read=ReadReferencesApart()
        )

    assert own(here) == []


def test_when_the_daemon_stops_the_process_ends(started: Started) -> None:
    started.instead = ENDLESS

    with pytest.raises(TryAgainLater):
        ReadReferencesApart(lambda: True)(LONG)

    assert [one.poll() for one in started] == [-9]


def test_a_short_list_starts_no_process(here: Place, me: str, started: Started) -> None:
    here.program.fits_apart = True

    answer = here.client.post(f"{me}/start", data={"text": "@article{a, title={One}}"})

    assert answer.status_code == 200
    assert own(here) == ["One"]
    assert started == []


def test_the_daemon_reads_a_long_list_in_a_process(here: Place, me: str, started: Started) -> None:
    here.program.fits_apart = True

    answer = here.client.post(f"{me}/start", data={"text": LONG})

    assert answer.status_code == 200
    assert own(here) == ["One"]
    assert [str(one.args[-1]) for one in started] == [REFERENCES_MODULE]  # type: ignore[index]


def test_the_page_says_that_a_list_took_too_long(
    here: Place, me: str, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    started.instead = ENDLESS
    impatient = ReadReferencesApart(seconds=0.2)
    monkeypatch.setattr(here.program, "reference_reader", lambda _is_gone: impatient)

    answer = here.client.post(f"{me}/start", data={"text": LONG})

    assert answer.status_code == 400
    assert "This list took too long to read" in answer.text
    assert "in parts" in answer.text
    assert own(here) == []


def test_when_the_visitor_leaves_the_process_ends(here: Place, me: str, started: Started) -> None:
    here.program.fits_apart = True
    started.instead = ENDLESS
    body = urlencode({"text": LONG}).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": me + "/start",
        "headers": [
            (b"host", b"papers.example.org"),
            (b"content-type", b"application/x-www-form-urlencoded"),
        ],
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "http_version": "1.1",
    }

    status = asyncio.run(_send_and_leave(here.client.app, scope, body))

    assert [one.poll() for one in started] == [-9]
    assert status in (None, 503)
    assert own(here) == []


async def _send_and_leave(
    app: Callable[..., Any], scope: dict[str, Any], body: bytes
) -> int | None:
    """Send a request, close the connection at once, and return the status that was sent."""
    events = [{"type": "http.request", "body": body, "more_body": False}]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return events.pop() if events else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async with asyncio.timeout(60):
        await app(scope, receive, send)
    return statuses[0] if statuses else None
