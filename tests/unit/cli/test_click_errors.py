"""Tests that usage errors have our wording and form, never click's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
import pytest

from larkpost.cli import larkpost, main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# As click begins or ends its sentences.
RAW = re.compile(
    r"Invalid value|Missing (?:argument|option|parameter|command)|No such (?:option|command)|"
    r"Got unexpected|requires an argument|does not take|not a valid|is not in the range|"
    r"Usage:|Try '|Error:|does not exist\.|<=|Possible options|Did you mean"
)
GOOD = {
    "email": "a@example.org",
    "day": "2026-08-07",
    "moment": "2026-08-07",
    "local_time": "06:30",
}


def commands(
    command: click.Command = larkpost, name: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, (*name, child))
    if name:
        yield name, command


COMMANDS = list(commands())
OPTIONS = [
    (name, param)
    for name, command in [((), larkpost), *COMMANDS]
    for param in command.params
    if isinstance(param, click.Option) and not param.is_flag and not param.count
]
FLAGS = [
    (name, param)
    for name, command in COMMANDS
    for param in command.params
    if isinstance(param, click.Option) and param.is_flag
]


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Call with arguments that are wrong; returns the lines on standard error."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    told = capsys.readouterr()
    assert told.out == ""
    assert end.value.code == 2, told.err
    assert not RAW.search(told.err), told.err
    first, *rest = told.err.splitlines()
    assert first.startswith("larkpost: ")
    assert re.match(r"larkpost: (?:[a-z]|-|'|[A-Z]{2,})", first), first
    assert not first.endswith(".")
    assert all(line.startswith("  hint: ") for line in rest)
    return [first, *rest]


def called(name: tuple[str, ...], tmp_path: Path) -> list[str]:
    return ["--home", str(tmp_path / "home"), *name]


def wrong(kind: click.ParamType[Any]) -> str | None:
    """Return a value that a type refuses; None if it takes any text."""
    if isinstance(kind, click.Path):
        return "/nowhere/at/all" if kind.exists else None
    return None if kind is click.STRING else "no such value"


def kind_of(param: click.Parameter) -> str:
    return type(param.type).__name__ if param.type is not click.STRING else "STRING"


@pytest.mark.parametrize(
    ("name", "option"), OPTIONS, ids=[f"{' '.join(name)} {one.opts[0]}" for name, one in OPTIONS]
)
def test_an_option_without_a_value_or_with_a_wrong_one_is_refused_in_our_words(
    name: tuple[str, ...],
    option: click.Option,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flag = max(option.opts, key=len)

    assert refusal(capsys, *called(name, tmp_path), flag)[0] == f"larkpost: {flag} needs a value"
    if (value := wrong(option.type)) is not None:
        arguments = [*called(name, tmp_path), flag, value]
        first = refusal(capsys, *arguments)[0]
        assert first.startswith(f"larkpost: {flag}: "), first
        assert value.split()[0] in first
    assert not (tmp_path / "home").exists()


def test_the_options_are_of_every_type_that_click_refuses_values_of() -> None:
    kinds = {kind_of(option) for _, option in OPTIONS}

    assert {"IntRange", "FloatRange", "FuncParamType", "Path", "STRING"} <= kinds


@pytest.mark.parametrize(
    ("name", "flag"), FLAGS, ids=[f"{' '.join(name)} {one.opts[0]}" for name, one in FLAGS]
)
def test_a_flag_with_a_value_is_refused_in_our_words(
    name: tuple[str, ...], flag: click.Option, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = max(flag.opts, key=len)
    lines = refusal(capsys, *called(name, tmp_path), f"{long}=yes")

    assert lines[0] == f"larkpost: {long} takes no value"


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=lambda one: str(one)[:50])
def test_an_unknown_option_and_a_missing_argument_are_refused_in_our_words(
    name: tuple[str, ...],
    command: click.Command,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = refusal(capsys, *called(name, tmp_path), "--nonsense")

    assert lines[0] == "larkpost: there is no option --nonsense"
    assert lines[1].startswith("  hint: ")
    needed = [one for one in command.params if one.required]
    if needed and not isinstance(command, click.Group):
        first, hint = refusal(capsys, *called(name, tmp_path))
        assert re.fullmatch(r"larkpost: the (?:argument|option) \S+ is missing", first), first
        assert hint == f"  hint: run larkpost {' '.join(name)} --help"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "larkpost: there is no command nonsense"),
        (("reader", "nonsense"), "larkpost: there is no command nonsense"),
        (
            ("serve", "--port", "70000"),
            "larkpost: --port: '70000' is not a whole number from 0 to 65535",
        ),
        (("deliver", "--limit", "0"), "larkpost: --limit: '0' is not a whole number of at least 1"),
        (("deliver", "--limit", "x"), "larkpost: --limit: 'x' is not a whole number of at least 1"),
        (
            ("reader", "add", "a@example.org", "--threshold", "2"),
            "larkpost: --threshold: '2.0' is not a number from 0 to 1",
        ),
        (
            ("vote", "a@example.org", "1", "sideways"),
            "larkpost: THUMB: 'sideways' is not one of up, down, clear",
        ),
        (("completion", "tcsh"), "larkpost: SHELL: 'tcsh' is not one of bash, zsh, fish"),
        (("publish", "--date", "x"), "larkpost: --date: 'x' is not a day such as 2026-08-07"),
        (("import", "--papers", "/nowhere"), "larkpost: --papers: there is no file /nowhere"),
        (("import", "--papers", "/"), "larkpost: --papers: / is a folder, not a file"),
        (("status", "more"), "larkpost: unexpected argument: more"),
        (("vote",), "larkpost: the argument EMAIL is missing"),
        (("vote", "clear", "a@example.org"), "larkpost: the option --since is missing"),
        (("publish", "--dat", "x"), "larkpost: there is no option --dat"),
        (("--home", "", "status"), "larkpost: --home: the path is empty"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong_with_what(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *rest = refusal(capsys, *called((), tmp_path), *arguments)

    assert first == said
    assert len(rest) == 1


def test_a_misspelt_option_is_reported_with_the_one_it_may_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = refusal(capsys, *called(("publish",), tmp_path), "--dat", "x")

    assert lines[1] == "  hint: did you mean --date?"
