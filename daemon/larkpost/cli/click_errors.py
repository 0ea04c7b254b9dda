"""Translates click's errors into our own words and form."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

import click

from larkpost.errors import LarkpostError, UsageError

# The given value is before the complaint, or between the first quotation marks.
_GIVEN = re.compile(
    r"(?P<quote>'?)(?P<value>.*?)(?P=quote) is not (?:a valid|in the|one of)", re.DOTALL
)
_QUOTED = re.compile(r"'(?P<value>.*)'", re.DOTALL)
_EXTRA = re.compile(r"unexpected extra arguments? \((.*)\)", re.DOTALL)


def from_click_error(error: click.ClickException) -> LarkpostError:
    """Convert an error to our own: the problem, the argument or option, and what to try."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
    hint = f"run {command} --help" if command else ""
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        near = difflib.get_close_matches(error.option_name, error.possibilities, 1, 0)
        hint = f"did you mean {near[0]}?"
    made = UsageError(_describe(error), hint=hint)
    made.exit_code = error.exit_code
    return made


def _describe(error: click.ClickException) -> str:
    for kind, describe in _KINDS.items():
        if isinstance(error, kind):
            return describe(error)
    return _plain(error.message)


def _no_such_option(error: click.NoSuchOption) -> str:
    return f"there is no option {error.option_name}"


def _missing(error: click.MissingParameter) -> str:
    kind = "argument" if isinstance(error.param, click.Argument) else "option"
    return f"the {kind} {_name(error)} is missing"


def _bad_option(error: click.BadOptionUsage) -> str:
    takes_none = "does not take" in error.message
    return f"{error.option_name} {'takes no value' if takes_none else 'needs a value'}"


def _bad_value(error: click.BadParameter) -> str:
    """Name the argument or option, the value, and what it must be."""
    param = error.param
    reason = _reason(param.type, error.message) if param else None
    return f"{_name(error)}: {reason or _plain(error.message)}"


def _bad_call(error: click.UsageError) -> str:
    if extra := _EXTRA.search(error.message):
        return f"unexpected argument: {extra[1]}"
    if error.message.startswith("No such command"):
        return f"there is no command {_value(error.message)}"
    if error.message.startswith("Missing command"):
        return "the name of a command is missing"
    return _plain(error.message)


_KINDS: dict[type[click.ClickException], Callable[..., str]] = {
    click.NoSuchOption: _no_such_option,
    click.MissingParameter: _missing,
    click.BadOptionUsage: _bad_option,
    click.BadParameter: _bad_value,
    click.UsageError: _bad_call,
}


def _reason(kind: click.ParamType[Any], message: str) -> str | None:
    """Return the requirement for a value of one of click's own types; None for our own types."""
    if isinstance(kind, click.Path):
        return _path_reason(message)
    wanted = _wanted(kind)
    return wanted and f"{_value(message)!r} is not {wanted}"


def _wanted(kind: click.ParamType[Any]) -> str | None:
    if isinstance(kind, click.Choice):
        return f"one of {', '.join(map(str, kind.choices))}"
    if isinstance(kind, click.IntRange | click.FloatRange):
        noun = "a whole number" if isinstance(kind, click.IntRange) else "a number"
        return noun + _range(kind.min, kind.max)
    if kind is click.INT:
        return "a whole number"
    if kind is click.FLOAT:
        return "a number"
    return "true or false" if kind is click.BOOL else None


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return "" if least is None else f" of at least {least:g}"
    return f" up to {most:g}" if least is None else f" from {least:g} to {most:g}"


def _path_reason(message: str) -> str:
    value = _value(message)
    if "does not exist" in message:
        return f"there is no file {value}"
    if "is a directory" in message:
        return f"{value} is a folder, not a file"
    if "is a file" in message:
        return f"{value} is a file, not a folder"
    return f"{value} cannot be read or written"


def _value(message: str) -> str:
    """Extract the given value from a message of click."""
    found = _GIVEN.match(message) or _QUOTED.search(message)
    return found["value"] if found else ""


def _name(error: click.BadParameter) -> str:
    """Return the name of an option as typed, of an argument as in the help."""
    hint = error.param_hint
    if hint is not None:
        return hint if isinstance(hint, str) else " / ".join(hint)
    if isinstance(error.param, click.Argument):
        return error.param.human_readable_name.split("…")[0].split("|")[0].strip("[]")
    return max(error.param.opts, key=len) if error.param else "a value"


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")
