"""Tests the command line: its commands, its replies, and that its document is right."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from larkpost import cli
from larkpost.cli import larkpost, main, output
from larkpost.cli.command_list import DefaultCommandGroup
from larkpost.errors import Busy, Deferred, Failure, LarkpostError, UsageError
from larkpost.packaged_files import CHECKOUT, shipped_path

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8")
# The contract of issue 1: what a script may rely on.
CONTRACT = {
    "init": "",
    "demo": "--dir",
    "source add": "--name --every --allow-private --authority",
    "source list": "",
    "source check": "",
    "source remove": "",
    "ingest": "--date --format",
    "enrich": "--dry-run",
    "papers": "--search --since --duplicates --decisions",
    "papers split": "",
    "papers merge": "",
    "reader add": "--name --zone --at --days --size --interest",
    "reader list": "",
    "reader show": "",
    "reader set": "",
    "reader remove": "",
    "interest list": "",
    "interest set": "--words --quota",
    "interest remove": "",
    "reader import-library": "",
    "reader rate": "--page",
    "reader feed rotate": "",
    "reader feed disable": "",
    "vote": "--interest",
    "vote clear": "--since --until",
    "forget": "--before --undo",
    "evaluate": "--html",
    "rank": "--all --date --limit --window --again",
    "publish": "--due --date",
    "deliver": "--dry-run --limit",
    "deliveries": "--failed --unknown --retry",
    "send-test": "",
    "receive-mail": "",
    "preview": "--format",
    "explain": "",
    "export": "",
    "import": "--papers --readers --votes",
    "status": "--why",
    "tick": "",
    "serve": "--host --port",
    "admin": "",
    "migrate": "",
    "config show": "",
    "config check": "",
    "doctor": "",
    "completion": "",
}
WITHOUT_RESULT = {"preview", "serve", "admin", "completion"}


def commands(
    group: click.Group = larkpost, before: str = ""
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, DefaultCommandGroup):
            yield f"{before}{name}", command.default
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{before}{name}", command


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


@pytest.fixture(scope="module")
def edition_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with papers, a reader, and an edition."""
    home = tmp_path_factory.mktemp("home")
    dump = next(iter(sorted(shipped_path("seeds").glob("*.txt"))))
    for call in (("ingest", str(dump)), ("reader", "add", "ann@example.org"), ("publish", "--all")):
        assert called("--home", str(home), *call) == 0
    return home


def called(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code


def test_every_command_of_the_contract_is_there_with_its_options() -> None:
    offered = dict(commands())

    assert set(offered) == set(CONTRACT)
    for name, wanted in CONTRACT.items():
        assert set(wanted.split()) <= options(offered[name]), name


def test_every_command_with_a_result_gives_it_as_json() -> None:
    without = {name for name, command in commands() if "--json" not in options(command)}

    assert without == WITHOUT_RESULT


def test_every_command_has_a_short_help_that_is_not_cut() -> None:
    for name, command in commands():
        assert command.help, name
        assert "..." not in command.get_short_help_str(80), name


def test_every_option_has_a_help() -> None:
    for name, command in commands():
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, (name, parameter.name)


def sections() -> dict[str, str]:
    found = re.findall(r"^### `larkpost ([^`]+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    names = sorted(CONTRACT, key=len, reverse=True)
    return {
        next(n for n in names if f"{title} ".startswith(f"{n} ")): body for title, body in found
    }


def test_the_page_tells_every_command() -> None:
    assert set(sections()) == set(CONTRACT)


@pytest.mark.parametrize("name", CONTRACT)
def test_the_page_tells_every_option_and_no_other(name: str) -> None:
    listed = [line for line in sections()[name].splitlines() if line.startswith("- ")]
    told = {option for line in listed for option in re.findall(r"`(--[a-z-]+)", line)}

    assert {"--json"} & told == {"--json"} & options(dict(commands())[name])
    assert options(dict(commands())[name]) <= told | {"--resume"}
    assert told <= options(dict(commands())[name]) | {"--pause", "--resume"}


def test_the_page_tells_every_option_of_all_commands() -> None:
    assert all(f"`{option}" in PAGE for option in options(larkpost))


@pytest.mark.parametrize("code", [0, 1, 2, 75, 130])
def test_the_page_tells_every_exit_code(code: int) -> None:
    assert f"| `{code}` |" in PAGE


@pytest.mark.parametrize(
    ("error", "code"), [(Failure, 1), (UsageError, 2), (Busy, 75), (Deferred, 75)]
)
def test_an_error_ends_with_its_own_code(
    error: type[LarkpostError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("fail")
    def fail() -> None:
        raise error("it went wrong: this thing", hint="try that")

    larkpost.add_command(fail)
    try:
        ended = called("fail")
    finally:
        del larkpost.commands["fail"]

    assert ended == code
    assert capsys.readouterr().err == "larkpost: it went wrong: this thing\n  hint: try that\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device", "/var/x"), 75, "no room left for /var/x"),
        (OSError(122, "Disk quota exceeded", "/var/x"), 75, "no room left for /var/x"),
        (OSError(13, "Permission denied", "/var/x"), 1, "Permission denied: /var/x"),
        (BrokenPipeError(), 0, ""),
        (ZeroDivisionError("division by zero"), 1, "internal error"),
    ],
)
def test_whatever_happens_is_said_in_words(
    error: BaseException, code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    @click.command("fail")
    def fail() -> None:
        raise error

    larkpost.add_command(fail)
    try:
        ended = called("fail")
    finally:
        del larkpost.commands["fail"]

    assert ended == code
    told = capfd.readouterr().err
    assert said in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["rank"],
        ["rank", "a@example.org", "--all"],
        ["rank", "a@example.org", "--date", "yesterday"],
        ["reader", "add", "a@example.org", "--at", "25:00"],
        ["reader", "add", "a@example.org", "--days", "someday"],
        ["reader", "add", "a@example.org", "--size", "0"],
        ["reader", "set", "a@example.org"],
        ["reader", "set", "a@example.org", "--pause", "--resume"],
        ["reader", "set", "a@example.org", "--weekly", "--daily"],
        ["reader", "add", "a@example.org", "--daily", "--weekly"],
        ["reader", "set", "a@example.org", "--no-notify-empty", "--notify-empty"],
        ["vote", "a@example.org", "1", "sideways"],
        ["publish", "a@example.org", "--due"],
        ["import"],
        ["serve", "--port", "70000"],
        ["completion", "tcsh"],
    ],
)
def test_a_wrong_call_ends_with_2_and_touches_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"

    assert called("--home", str(home), *arguments) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("larkpost: ")
    assert not home.exists()


HEAVY = ("numpy", "scipy", "sklearn", "sqlalchemy", "pydantic", "rich", "starlette", "structlog")


@pytest.mark.parametrize("arguments", [["--help"], ["vote", "--help"], ["completion", "zsh"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom larkpost.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert end.code == 0, end\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_the_list_of_commands_says_what_the_commands_say() -> None:
    listed = {one.name: one for family in larkpost.families.values() for one in family}

    for module in {one.module for one in listed.values()}:
        for command in import_module(f"larkpost.cli.commands.{module}").COMMANDS:
            assert listed[command.name].module == module
            assert listed[command.name].short_help == command.short_help


def test_every_module_with_commands_is_in_the_list() -> None:
    listed = {one.module for family in larkpost.families.values() for one in family}
    folder = Path(cli.__file__).parent / "commands"

    assert listed == {
        file.stem for file in folder.glob("*.py") if "\nCOMMANDS = " in file.read_text("utf-8")
    }


# Each of these costs a command more than what it does: they are imported where they are used.
UNUSED = (
    "structlog", "rich", "alembic", "rapidfuzz", "Stemmer", "numpy", "starlette", "jinja2",
    "sqlalchemy.dialects.postgresql", "larkpost.text.markup",
)  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [("status",), ("reader", "list"), ("vote", "ann@example.org", "1", "up")]
)
def test_everyday_commands_import_nothing_that_they_do_not_use(
    arguments: tuple[str, ...], edition_home: Path
) -> None:
    code = (
        "import sys\nfrom larkpost.cli import main\n"
        f"try:\n    main({['--home', str(edition_home), *arguments]!r})\n"
        "except SystemExit as end:\n    assert end.code == 0, end\n"
        f"print('loaded:', [name for name in {UNUSED!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_as_a_module_the_program_names_itself_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "larkpost", "reader", "--help"], capture_output=True, text=True
    )

    assert done.returncode == 0
    assert done.stdout.startswith("Usage: python -m larkpost reader [OPTIONS] COMMAND [ARGS]...")


def test_as_a_module_the_program_ends_with_its_exit_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "larkpost", "vote"], capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "hint: run python -m larkpost vote --help" in done.stderr


@pytest.mark.parametrize("word", ["", "re", "reader ", "reader feed ", "vote "])
def test_a_shell_completes_commands_that_are_not_imported_yet(word: str) -> None:
    words = ["larkpost", *word.split(" ")]
    environ = {
        "PATH": os.environ["PATH"],
        "_LARKPOST_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from larkpost.cli import main; main()"],
        env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip

    offered = {line.partition(",")[2] for line in done.stdout.splitlines()}
    wanted = {
        "": {"status", "completion"},
        "re": {"reader", "receive-mail"},
        "reader ": {"add", "set", "rate"},
        "reader feed ": {"rotate", "disable"},
        "vote ": {"clear"},
    }
    assert wanted[word] <= offered


def test_a_table_in_a_pipe_is_tabs_and_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output.put_table(["a", "b"], [["x\ny", None], ["\x1b[31mred", 0.5]])

    assert capsys.readouterr().out == "a\tb\nx y\t-\n[31mred\t0.500\n"


def test_json_is_one_line_in_utf_8(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    output.put_json({"title": "Schrödinger\u2028\n", "score": 0.1, "reply": "\x9b31m\u202e"})

    written = capsysbinary.readouterr().out
    assert written.count(b"\n") == 1
    read = json.loads(written.decode("utf-8"))
    assert read == {"title": "Schrödinger\u2028\n", "score": 0.1, "reply": "\x9b31m\u202e"}
    assert rb"\u009b31m\u202e" in written  # no terminal obeys it


@pytest.mark.parametrize(
    ("weight", "drawn"), [(1.0, "████"), (-1.0, "████"), (0.5, "██"), (0.0, ""), (0.03125, "▏")]
)
def test_a_bar_is_as_long_as_its_weight(weight: float, drawn: str) -> None:
    assert output.bar(weight, 1.0, width=4) == drawn


def test_a_bar_of_nothing_is_nothing() -> None:
    assert output.bar(0.0, 0.0) == ""


def test_nobody_is_shown_a_progress_bar_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)

    with output.waiting("reading") as step:
        assert step is None

    assert stream.getvalue() == ""
