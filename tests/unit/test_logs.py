"""Tests what the log contains, and what it never contains."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from larkpost import logs
from larkpost.log_events import LogEvent
from larkpost.web import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = 'a\r\nb\x1b[31m\u2028c\u2029d\x85e\u202e"f" =g\x00\ud800'


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def logger(stream: io.StringIO, format: logs.Format = "console", **more: Any) -> Any:  # noqa: A002 - as in configure
    logs.configure("info", format, stream, **more)
    return logs.get_logger("larkpost.test")


def test_the_console_shows_time_level_event_and_facts() -> None:
    stream = io.StringIO()

    logger(stream).info(LogEvent.DUMP_INGESTED, papers=108, name="aug 7.txt")

    moment, level, rest = stream.getvalue().rstrip("\n").split(maxsplit=2)
    assert moment.endswith("Z")
    assert level == "info"
    assert rest == 'dump.ingested papers=108 name="aug 7.txt"'


def test_json_is_an_object_a_line() -> None:
    stream = io.StringIO()

    logger(stream, "json").warning(LogEvent.DUMP_INGESTED, papers=108)

    event = json.loads(stream.getvalue())
    assert event["event"] == LogEvent.DUMP_INGESTED
    assert event["papers"] == 108
    assert event["level"] == "warning"
    assert event["logger"] == "larkpost.test"


@pytest.mark.parametrize(("stream", "first"), [(io.StringIO(), "{"), (Terminal(), "2")])
def test_auto_is_json_unless_a_person_looks(stream: io.StringIO, first: str) -> None:
    logger(stream, "auto").info("hello")

    assert stream.getvalue()[0] == first


def test_only_a_terminal_gets_colours() -> None:
    plain, terminal = io.StringIO(), Terminal()

    logger(plain).error("hello")
    logger(terminal).error("hello")

    assert "\x1b" not in plain.getvalue()
    assert "\x1b[31m" in terminal.getvalue()


@pytest.mark.parametrize("format", ["console", "json"])
def test_outside_text_stays_on_one_line(format: logs.Format) -> None:  # noqa: A002 - as in configure
    stream = io.StringIO()

    logger(stream, format).info(f"read {HOSTILE}", name=HOSTILE, names=[HOSTILE])

    text = stream.getvalue()
    assert text.endswith("\n")
    assert len(text.splitlines()) == 1
    assert text[:-1].isprintable()


@given(st.text())
def test_any_text_is_one_printable_line(text: str) -> None:
    assert logs.escape(text).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\\")))
def test_printable_text_is_left_alone(text: str) -> None:
    assert logs.escape(text) == text or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /vote/Ab.c-d_e/3/up", "GET /vote/***/3/up"),
        ("http://h:1/leave/tok?x=1", "http://h:1/leave/***?x=1"),
        ("/me/tok", "/me/***"),
        ("/confirm/tok", "/confirm/***"),
        ("/edition/tok#top", "/edition/***#top"),
        ("GET /lark/admin/tok?page=2", "GET /lark/admin/***?page=2"),
        ("/feed/k3y.rss", "/feed/***.rss"),
        ("postgresql+psycopg://me:pw@host/db", "postgresql+psycopg://me:***@host/db"),
        ("https://arxiv.org/abs/2508.13426", "https://arxiv.org/abs/2508.13426"),
    ],
)
def test_tokens_and_passwords_in_addresses_are_masked(text: str, shown: str) -> None:
    assert logs.mask(text) == shown


def test_every_address_with_a_token_or_a_key_in_it_is_masked() -> None:
    secret = {"token": "t0ken", "key": "k3y"}
    holding = [one.path for one in ROUTES if secret.keys() & one.param_convertors.keys()]
    assert {"/admin/{token}", "/me/{token}/export.jsonl"} <= set(holding)

    for path in holding:
        for name, value in secret.items():
            path = path.replace(f"{{{name}}}", value)

        assert not [value for value in secret.values() if value in logs.mask(f"GET {path}")]


@pytest.mark.parametrize("format", ["console", "json"])
def test_secrets_are_masked_by_name_and_by_value(format: logs.Format) -> None:  # noqa: A002 - as in configure
    stream = io.StringIO()

    logger(stream, format, hide=["hunter2", ""]).info(
        "login", smtp_password="qwertz", feed_key="asdf", said="no hunter2", deep={"a": ["hunter2"]}
    )

    text = stream.getvalue()
    assert all(word not in text for word in ("hunter2", "qwertz", "asdf"))
    assert text.count("***") == 4


def test_a_library_logs_like_us_and_its_tokens_are_masked() -> None:
    stream = io.StringIO()
    logger(stream)

    logging.getLogger("some.library").warning('%s - "%s"', "::1", "GET /vote/tok/1/up")

    assert '::1 - "GET /vote/***/1/up"' in stream.getvalue()


def test_an_error_is_one_line_with_its_place() -> None:
    stream = io.StringIO()
    log = logger(stream)

    try:
        raise ValueError("no\nno")  # noqa: TRY301 - the log needs a real traceback
    except ValueError:
        log.exception("it failed")

    (line,) = stream.getvalue().splitlines()
    assert 'error="ValueError: no\\nno"' in line
    assert "test_logs.py" in line


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()

    logger(stream).debug("too much")

    assert stream.getvalue() == ""


def test_configuring_twice_writes_once() -> None:
    stream = io.StringIO()
    logger(stream)

    logger(stream).info("hello")

    assert len(stream.getvalue().splitlines()) == 1


def test_a_full_disk_does_not_stop_the_work() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, f"no space left for {text!r}")

    stream = Full()

    logger(stream).info("hello")

    assert stream.getvalue() == ""
