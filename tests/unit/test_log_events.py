"""Tests that every event of the log is in one list, and in the documents."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import larkpost
from larkpost.log_events import LogEvent
from larkpost.packaged_files import CHECKOUT

PACKAGE = Path(larkpost.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "exception"}
LOGGERS = {"log", "_log"}


def is_logger(value: ast.expr) -> bool:
    """Whether an expression is one of our loggers: ``log``, ``_log``, or a ``get_logger(…)``."""
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) in ("logs.get_logger", "get_logger")
    return isinstance(value, ast.Name) and value.id in LOGGERS


def events(call: ast.Call) -> list[str]:
    """The events that a call may log: its first argument, or both sides of a condition."""
    first = call.args[0]
    choices = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
    return [ast.unparse(choice) for choice in choices]


def logged(source: str) -> list[str]:
    """The events of all log calls of a module, as they are written there."""
    return [
        event
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in LEVELS and is_logger(node.func.value)
        for event in events(node)
    ]


LOGGED = {path: logged(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("event", LogEvent)
def test_an_event_is_a_noun_and_a_verb_and_says_when_it_is_logged(event: LogEvent) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+", event)
    assert event.name == event.replace(".", "_").upper()
    assert event.meaning
    assert "\n" not in event.meaning


def test_every_log_call_has_an_event_of_the_list() -> None:
    known = {f"LogEvent.{event.name}" for event in LogEvent}
    others = {
        (path.name, event) for path, used in LOGGED.items() for event in used if event not in known
    }

    assert not others


def test_every_event_of_the_list_is_logged_somewhere() -> None:
    used = {event for ones in LOGGED.values() for event in ones}

    assert {f"LogEvent.{event.name}" for event in LogEvent} <= used


def test_a_log_call_with_a_text_of_its_own_would_be_seen() -> None:
    source = "log.info('read')\nlogs.get_logger('a').warning('odd')\nlog.error(A if b else 'c')"

    assert set(logged(source)) == {"'read'", "'odd'", "A", "'c'"}


def test_the_page_for_operators_lists_every_event_and_no_other() -> None:
    page = (CHECKOUT / "docs" / "operating.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (.*) \|$", page, re.MULTILINE))

    assert listed == {str(event): event.meaning for event in LogEvent}
