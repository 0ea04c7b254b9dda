"""Tests the HTTP client with a server that responds, redirects and fails as real ones do."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from tests.helpers.sources.polling_helpers import QUICK
from tests.helpers.sources.source_server import (
    BOMB,
    DRIP,
    Reply,
    SourceServer,
    half,
    paper,
    redirect,
    too_many,
    with_etag,
)

from larkpost.errors import FetchProblem, SourceFailure
from larkpost.fetch import http_client
from larkpost.fetch.http_client import FetchLimits, HttpClient, Validators, is_same_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from larkpost.fetch.http_client import Answer

NOW = datetime(2026, 8, 7, 9, tzinfo=UTC)
BODY = json.dumps([paper(1, day=date(2026, 8, 7))]).encode()
CLIENT = HttpClient("Larkpost/0.0 test", QUICK)


@pytest.fixture
def server() -> Iterator[SourceServer]:
    with SourceServer() as opened:
        yield opened


def get(url: str, *sent: Validators, client: HttpClient = CLIENT) -> tuple[Answer, bytes]:
    with client.get(url, *sent, allow_private=True, now=NOW) as answer:
        return answer, answer.body.read() if answer.body else b""


def refuse(url: str, *, client: HttpClient = CLIENT, allow_private: bool = True) -> SourceFailure:
    with (
        pytest.raises(SourceFailure) as caught,
        client.get(url, allow_private=allow_private, now=NOW),
    ):
        pass
    return caught.value


def test_an_answer_comes_whole_and_the_request_names_the_program(server: SourceServer) -> None:
    server.routes["/feed"] = Reply(BODY, headers={"ETag": '"1"', "Last-Modified": "yesterday"})

    answer, body = get(f"{server.url}/feed?a=b")

    assert body == BODY
    assert answer.validators == Validators('"1"', "yesterday")
    assert server.requests == ["/feed?a=b"]
    (headers,) = server.headers
    assert headers["User-Agent"] == "Larkpost/0.0 test"
    assert headers["Host"] == server.url.removeprefix("http://")
    assert not {"If-None-Match", "Cookie", "Authorization"} & set(headers)


def test_what_has_not_changed_is_not_sent_again(server: SourceServer) -> None:
    server.routes["/feed"] = lambda headers: with_etag(Reply(BODY), headers)
    first, _ = get(f"{server.url}/feed")

    second, body = get(f"{server.url}/feed", first.validators)

    assert second.body is None
    assert body == b""
    assert second.validators == first.validators
    assert server.counts == {200: 1, 304: 1}


def test_a_304_that_nobody_asked_for_is_no_answer(server: SourceServer) -> None:
    server.failure = Reply(status=304)

    assert refuse(server.url).problem is FetchProblem.HTTP_STATUS


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (too_many("120"), FetchProblem.RATE_LIMITED),
        (Reply(b"", 503), FetchProblem.HTTP_STATUS),
        (Reply(b"", 500), FetchProblem.HTTP_STATUS),
        (Reply(b"", 403), FetchProblem.HTTP_STATUS),
        (Reply(b"", 404), FetchProblem.GONE),
        (Reply(b"", 410), FetchProblem.GONE),
        (half(BODY), FetchProblem.CUT),
        (Reply(b"not packed", headers={"Content-Encoding": "gzip"}), FetchProblem.CUT),
        (BOMB, FetchProblem.TOO_LARGE),
        (Reply(bytes(3_000_000)), FetchProblem.TOO_LARGE),
        (Reply(status=302), FetchProblem.REDIRECTS),
        (redirect("file:///etc/passwd"), FetchProblem.REDIRECTS),
        (redirect("http://[bad/"), FetchProblem.REDIRECTS),
    ],
)
def test_what_goes_wrong_is_reported_by_its_kind(
    server: SourceServer, reply: Reply, problem: FetchProblem
) -> None:
    server.failure = reply

    assert refuse(server.url).problem is problem


def test_a_server_that_is_busy_says_for_how_long(server: SourceServer) -> None:
    server.failure = too_many("120")

    assert refuse(server.url).wait == timedelta(seconds=120)


BRIEF = HttpClient("x", FetchLimits(connect=5, read=5, total=1, size=1_000_000))


def test_a_slow_drip_ends_with_the_time_that_a_request_may_take(server: SourceServer) -> None:
    server.failure = DRIP  # it would take minutes

    assert refuse(server.url, client=BRIEF).problem is FetchProblem.TIMEOUT


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\nX: ", b""])
def test_a_drip_of_headers_or_within_tls_ends_too(scheme: str, begin: bytes) -> None:
    with dripping(begin) as port:
        failure = refuse(f"{scheme}://127.0.0.1:{port}", client=BRIEF)

    assert failure.problem in (FetchProblem.TIMEOUT, FetchProblem.TLS, FetchProblem.CUT)


@contextmanager
def dripping(begin: bytes) -> Iterator[int]:
    """Answer with this, and then a byte at a time for as long as somebody listens."""

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(begin)
                while begin and not ended.wait(0.05):
                    connection.sendall(b"a")
                ended.wait()
            except OSError:
                return

    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dripper = threading.Thread(target=drip, daemon=True)
        dripper.start()
        yield listener.getsockname()[1]
        ended.set()
        dripper.join(60)


def test_permanent_redirects_are_remembered_up_to_the_first_that_is_not(
    server: SourceServer,
) -> None:
    server.routes |= {
        "/old": redirect("/newer", 301),
        "/newer": redirect(f"{server.url}/newest", 308),
        "/newest": redirect("/today", 302),
        "/today": Reply(BODY),
    }

    answer, body = get(f"{server.url}/old")

    assert body == BODY
    assert answer.url == f"{server.url}/today"
    assert answer.moved_to == f"{server.url}/newest"


def test_a_redirect_for_now_is_not_remembered_nor_one_after_it(server: SourceServer) -> None:
    server.routes |= {"/a": redirect("/b", 307), "/b": redirect("/c", 301), "/c": Reply(BODY)}

    assert get(f"{server.url}/a")[0].moved_to == ""


def test_five_redirects_are_followed_and_no_sixth(server: SourceServer) -> None:
    server.routes |= {f"/{n}": redirect(f"/{n + 1}", 302) for n in range(6)} | {"/6": Reply(BODY)}

    assert get(f"{server.url}/1")[1] == BODY
    assert refuse(f"{server.url}/0").problem is FetchProblem.REDIRECTS


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_this_machine_is_not_asked_however_it_is_written(
    server: SourceServer, address: str
) -> None:
    port = server.url.rpartition(":")[2]

    failure = refuse(f"http://{address}:{port}/", allow_private=False)

    assert failure.problem in (FetchProblem.PRIVATE_ADDRESS, FetchProblem.UNREACHABLE)
    assert server.requests == []


def test_a_redirect_inwards_is_refused(
    server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.routes["/feed"] = redirect("http://169.254.169.254/latest/meta-data/", 302)
    monkeypatch.setattr("larkpost.fetch.connection.is_public", lambda one: one == "127.0.0.1")

    failure = refuse(f"{server.url}/feed", allow_private=False)

    assert failure.problem is FetchProblem.PRIVATE_ADDRESS
    assert "169.254.169.254" in str(failure)


@pytest.mark.parametrize("status", [301, 302])
def test_a_source_in_ones_own_network_leads_to_no_other_server_of_it(
    server: SourceServer, status: int
) -> None:
    with SourceServer(host="127.0.0.2") as other:
        port = other.url.rpartition(":")[2]
        for target in (other.url, f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
            server.routes["/feed"] = redirect(f"{target}/admin", status)

            failure = refuse(f"{server.url}/feed")

            assert failure.problem is FetchProblem.PRIVATE_ADDRESS
            assert "the final address" in failure.hint
        assert other.requests == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://rsshub:1200/a", "http://RSSHub:1200/b?c", True),
        ("http://host/a", "https://host:443/a", True),
        ("http://host/a", "http://host:6379/a", False),
        ("http://host:1200/a", "http://other:1200/a", False),
    ],
)
def test_a_server_is_a_host_and_its_port(one: str, other: str, same: bool) -> None:
    assert is_same_server(one, other) is same


def test_a_name_that_changes_its_address_is_called_by_the_one_that_was_checked(
    server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["198.41.0.4"], ["127.0.0.1"], ["127.0.0.1"]])
    called: list[str] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        called.append(address[0])
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", connect)
    client = HttpClient("x", QUICK, resolve=lambda _host, _port: next(answers))

    refuse("http://rebind.example/", client=client, allow_private=False)

    assert called == ["198.41.0.4"]


def test_of_several_addresses_only_the_public_ones_are_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[str] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        called.append(address[0])
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", connect)
    mixed = ["10.0.0.1", "198.41.0.4", "::1", "199.9.14.201"]
    client = HttpClient("x", QUICK, resolve=lambda _host, _port: mixed)

    refuse("http://mixed.example/", client=client, allow_private=False)

    assert called == ["198.41.0.4", "199.9.14.201"]


def test_tls_is_verified_by_the_name_that_was_asked_for(
    server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("papers.example").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(http_client, "_tls_context", lambda: trusting)
    client = HttpClient("x", QUICK, resolve=lambda _host, _port: ["127.0.0.1"])

    with SourceServer(certificate=context) as secure:
        secure.routes["/feed"] = Reply(BODY)
        port = secure.url.rpartition(":")[2]

        assert get(f"https://papers.example:{port}/feed", client=client)[1] == BODY
        assert secure.headers[0]["Host"] == f"papers.example:{port}"
        other = refuse(f"https://other.example:{port}/feed", client=client)

    assert other.problem is FetchProblem.TLS


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    with SourceServer(certificate=context) as secure:
        failure = refuse(f"{secure.url}/feed")
        assert secure.requests == []

    assert failure.problem is FetchProblem.TLS


def test_no_proxy_of_the_environment_comes_between(
    server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server.routes["/feed"] = Reply(BODY)

    assert get(f"{server.url}/feed")[1] == BODY


def test_the_library_writes_no_address_into_the_log(
    server: SourceServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.routes["/feed"] = Reply(BODY)

    with caplog.at_level("DEBUG"):
        get(f"{server.url}/feed?token=hush-hush")

    assert "hush" not in caplog.text


def test_a_login_is_sent_to_its_own_host_and_never_told(server: SourceServer) -> None:
    seen: list[Mapping[str, str]] = []

    def wants_login(headers: Mapping[str, str]) -> Reply:
        seen.append(headers)
        return redirect("http://elsewhere.invalid/feed", 302)

    server.routes["/feed"] = wants_login
    with_login = server.url.replace("http://", "http://me:hush-hush@")

    failure = refuse(f"{with_login}/feed")

    assert "Authorization" in seen[0]
    assert "hush" not in str(failure)
