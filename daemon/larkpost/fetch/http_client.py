"""Makes one polite HTTP request: conditional, limited in time and size, to checked addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urljoin, urlsplit

from larkpost.errors import FetchProblem, SourceFailure
from larkpost.fetch.retry_after import read_retry_after
from larkpost.fetch.unpack import ENCODINGS, spool
from larkpost.masking import mask_text

if TYPE_CHECKING:
    import ssl

    import httpx2

    from larkpost.fetch.connection import Deadline, Resolve
    from larkpost.fetch.host_limits import HostLimits

MOST_REDIRECTS = 5
_PERMANENT = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 503})
_IN_MEMORY = 1024 * 1024
_LONGEST_VALIDATOR = 1000
_LONGEST_URL = 4000
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/json;q=0.9, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long a request may take, in seconds, and how large its unpacked body may be, in bytes.

    ``connect`` and ``read`` limit one wait, ``total`` the whole request with all its redirects.
    """

    connect: float = 10.0
    read: float = 20.0
    total: float = 60.0
    size: int = 32_000_000


@dataclass(frozen=True, slots=True)
class Validators:
    """The validators of a response for conditional requests (RFC 9110, 8.8); may be empty."""

    etag: str = ""
    last_modified: str = ""

    def __bool__(self) -> bool:
        """Whether there is any validator."""
        return bool(self.etag or self.last_modified)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: ``body`` from its beginning, or None if unchanged (304).

    The ``validators`` of a 304 are those that were sent, unless the server sent another ETag.
    ``moved_to`` is the target of permanent redirects (301, 308), if there were any.
    """

    url: str
    body: BinaryIO | None = None
    digest: str = ""
    size: int = 0
    validators: Validators = Validators()
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class HttpClient:
    """Makes requests; ``agent`` is its ``User-Agent``, ``resolve`` looks up hosts (for tests)."""

    agent: str
    limits: FetchLimits = FetchLimits()
    host_limits: HostLimits | None = None
    resolve: Resolve | None = field(default=None, repr=False)

    @contextmanager
    def get(
        self,
        url: str,
        validators: Validators = Validators(),
        *,
        allow_private: bool = False,
        now: datetime,
    ) -> Iterator[Answer]:
        """Request ``url``, following at most five redirects, each checked like the first address.

        ``allow_private`` covers the host and port of ``url``, not where it redirects to. Raises
        SourceFailure unless the answer is a complete 200, or a 304 to ``validators``; and
        TryAgainLater while another process sends a request to a limited host.
        """
        answer = self._follow(url, validators, allow_private, now)
        try:
            yield answer
        finally:
            if answer.body is not None:
                answer.body.close()

    def _follow(
        self, url: str, validators: Validators, allow_private: bool, now: datetime
    ) -> Answer:
        from larkpost.fetch.connection import Deadline

        deadline = Deadline(self.limits.total)
        asked, moved_to, for_good = url, "", True
        for _ in range(MOST_REDIRECTS + 1):
            private = allow_private and is_same_server(asked, url)
            with self._one(asked, validators, deadline, allow_private=private) as response:
                if response.status_code not in _REDIRECTS:
                    return self._answer(response, asked, moved_to, validators, now)
                target = _redirect_target(asked, response)
                for_good = for_good and response.status_code in _PERMANENT
                asked, moved_to = target, target if for_good else moved_to
        raise SourceFailure(
            f"more than {MOST_REDIRECTS} redirects, the last to {mask_text(asked)}",
            problem=FetchProblem.REDIRECTS,
            hint="open the address in a browser, and set the final address",
        )

    @contextmanager
    def _one(
        self, url: str, validators: Validators, deadline: Deadline, *, allow_private: bool
    ) -> Iterator[httpx2.Response]:
        """Make one request, without redirects; its connection ends with it."""
        from contextlib import ExitStack

        import httpcore2
        import httpx2

        from larkpost.fetch.transport import make_client

        _must_be_web_address(url)
        with ExitStack() as stack:
            if self.host_limits is not None:
                host = urlsplit(url).hostname or ""
                with deadline.pause():
                    stack.enter_context(self.host_limits.hold(host, self.limits.total))
            client = stack.enter_context(
                make_client(self, deadline, allow_private=allow_private, context=_tls_context())
            )
            try:
                yield stack.enter_context(
                    client.stream("GET", url, headers=self._headers(validators))
                )
            except (httpcore2.TimeoutException, httpx2.TimeoutException) as error:
                raise _timeout(url) from error
            except (httpcore2.NetworkError, httpx2.NetworkError) as error:
                raise _network_failure(url, error) from error
            except (httpcore2.ProtocolError, httpx2.ProtocolError) as error:
                raise SourceFailure(
                    f"the answer of {_host(url)} is cut off or not HTTP: {error}",
                    problem=FetchProblem.CUT,
                ) from error
            except httpx2.InvalidURL as error:
                raise _no_web_address(url) from error

    def _headers(self, validators: Validators) -> dict[str, str]:
        headers = {"User-Agent": self.agent, "Accept": _ACCEPT, "Accept-Encoding": ENCODINGS}
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        return headers

    def _answer(
        self,
        response: httpx2.Response,
        url: str,
        moved_to: str,
        validators: Validators,
        now: datetime,
    ) -> Answer:
        status = response.status_code
        if status == 304 and validators:
            now_valid = _validators(response)
            changed = bool(now_valid.etag) and now_valid.etag != validators.etag
            return Answer(url, validators=now_valid if changed else validators, moved_to=moved_to)
        if status != 200:
            raise _status_failure(response, url, now)
        # The file is deleted together with the answer.
        body = cast("BinaryIO", SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - see above
        encoding = response.headers.get("Content-Encoding", "")
        try:
            digest, size = spool(response.iter_raw(), encoding, body, limit=self.limits.size)
        except BaseException:
            body.close()
            raise
        return Answer(url, body, digest, size, _validators(response), moved_to)


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """Verify certificates with the system's trust store, or with ``SSL_CERT_FILE``."""
    import ssl

    return ssl.create_default_context()


def _validators(response: httpx2.Response) -> Validators:
    etag = response.headers.get("ETag", "")
    modified = response.headers.get("Last-Modified", "")
    return Validators(_short_ascii(etag), _short_ascii(modified))


def _short_ascii(text: str) -> str:
    return text if text.isascii() and text.isprintable() and len(text) < _LONGEST_VALIDATOR else ""


def _redirect_target(url: str, response: httpx2.Response) -> str:
    location = response.headers.get("Location", "")
    if not location:
        raise SourceFailure(
            f"{_host(url)} redirects without an address", problem=FetchProblem.REDIRECTS
        )
    try:
        target = urljoin(url, location).partition("#")[0]
    except ValueError as error:
        raise _no_web_address(location) from error
    _must_be_web_address(target)
    return target


def is_same_server(one: str, other: str) -> bool:
    """Return whether two web addresses have the same host and port; http and https count as one."""
    first, second = urlsplit(one), urlsplit(other)
    ports = {None if parts.port in (80, 443) else parts.port for parts in (first, second)}
    return first.hostname == second.hostname and len(ports) == 1


def _must_be_web_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if not is_web or len(url) > _LONGEST_URL:
        raise _no_web_address(url)


def _no_web_address(url: str) -> SourceFailure:
    return SourceFailure(
        f"{mask_text(url[:200])} is not an http or https address", problem=FetchProblem.REDIRECTS
    )


def _status_failure(response: httpx2.Response, url: str, now: datetime) -> SourceFailure:
    status = response.status_code
    headers = response.headers
    wait = read_retry_after(headers.get("Retry-After", ""), date=headers.get("Date", ""), now=now)
    text = f"{_host(url)} answered {status} {response.reason_phrase[:60]}".rstrip()
    if status in _BUSY:
        return SourceFailure(
            text,
            problem=FetchProblem.RATE_LIMITED if status == 429 else FetchProblem.HTTP_STATUS,
            status=status,
            wait=wait,
            hint="it is polled again after the time that it asks for",
        )
    if status in (404, 410):
        return SourceFailure(
            text,
            problem=FetchProblem.GONE,
            status=status,
            hint="find the new address of the feed, and set that",
        )
    if status in (401, 403):
        hint = "it needs a login, or blocks programs; ask its operator"
        return SourceFailure(text, problem=FetchProblem.HTTP_STATUS, status=status, hint=hint)
    hint = "it is tried again, later each time"
    return SourceFailure(
        text, problem=FetchProblem.HTTP_STATUS, status=status, wait=wait, hint=hint
    )


def _timeout(url: str) -> SourceFailure:
    return SourceFailure(
        f"{_host(url)} did not answer in time",
        problem=FetchProblem.TIMEOUT,
        hint="it is tried again, later each time; fetch.timeout allows more",
    )


def _network_failure(url: str, error: Exception) -> SourceFailure:
    import ssl

    causes: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 5:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(one, ssl.SSLError) for one in causes) or "SSL" in str(error):
        return SourceFailure(
            f"the TLS connection to {_host(url)} failed: {str(error)[:200]}",
            problem=FetchProblem.TLS,
            hint="check the address and the clock of this machine; certificates are verified",
        )
    return SourceFailure(
        f"{_host(url)} cannot be reached: {str(error)[:200] or type(error).__name__}",
        problem=FetchProblem.UNREACHABLE,
        hint="check the network of this machine; it is tried again, later each time",
    )


def _host(url: str) -> str:
    return mask_text(urlsplit(url).netloc.rpartition("@")[2])
