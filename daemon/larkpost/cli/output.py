"""Output of commands: results for people or as JSON on stdout, errors on stderr."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from larkpost.domain import RejectedRecord
    from larkpost.errors import LarkpostError
    from larkpost.settings import Settings

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, one object per line."
)


MOST_TOLD = 10  # bad lines of a file
# Those that JSON does not escape by itself: C1, marks of direction, ends of lines and paragraphs.
_CONTROLS = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LABELS = 16  # the least width of a column of labels
WRAPPED = frozenset({"title", "because of", "value", "from"})  # headings of columns with long text


def put_json(*records: Mapping[str, object]) -> None:
    """Print one object per line, in UTF-8 regardless of the terminal's encoding.

    Characters that control a terminal or reverse text are escaped: mail servers and names of files
    may have some.
    """
    import json

    for record in records:
        text = _CONTROLS.sub(_escape, json.dumps(record, ensure_ascii=False))
        click.echo(text.encode("utf-8", "backslashreplace"))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def reject_records(rejects: Iterable[RejectedRecord]) -> list[dict[str, object]]:
    """Return the unreadable records of a dump as JSON data."""
    return [{"line": reject.line, "reason": reject.reason} for reject in rejects]


def reject_lines(rejects: Sequence[RejectedRecord], count: int) -> list[str]:
    """Print place and reason of the first ten unreadable records, of ``count``."""
    told = [
        f"line {reject.line}: {reject.reason}" if reject.line else reject.reason
        for reject in rejects[:MOST_TOLD]
    ]
    return [*told, f"and {count - len(told)} more"] if count > len(told) else told


def put(text: str = "") -> None:
    """Print a line for people."""
    click.echo(text)


def put_facts(facts: Mapping[str, object]) -> None:
    """Print one line per fact, with the values below each other."""
    width = max(_LABELS, *(len(label) + 2 for label in facts))
    for label, value in facts.items():
        put(f"{label + ':':<{width}}{printable(value)}")


def put_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table that fits the terminal; for a pipe, one line per row, separated by tabs.

    Long text may wrap, names and numbers never do.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [headings, *cells]:
            click.echo("\t".join(row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=heading not in WRAPPED, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def printable(value: object) -> str:
    """Make a value safe to print on one line: it must not move the cursor or reverse text."""
    from larkpost.text.normalize import one_line

    if value is None:
        return "-"
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    # A path may have bytes that are invalid text; without them it would name another file.
    return one_line(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def console(*, stderr: bool = False) -> Console:
    """Return a rich console that interprets no markup in the printed text."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False)


def hint_line(hint: str) -> str:
    """Return the hint line, which is printed below an error."""
    return f"  hint: {printable(hint)}"


def tell(error: LarkpostError) -> None:
    """Print an error on stderr: the problem, the thing concerned, and what to try."""
    from larkpost.logs import without_passwords

    click.echo(f"larkpost: {printable(without_passwords(str(error)))}", err=True)
    if error.hint:
        click.echo(hint_line(without_passwords(error.hint)), err=True)


def put_warnings(settings: Settings) -> list[str]:
    """Print on stderr the settings that make links unreachable; returns the texts for JSON."""
    from larkpost.settings.reachability import unreachable

    warnings = list(unreachable(settings))
    for warning, hint in warnings:
        click.echo(f"larkpost: warning: {printable(warning)}\n{hint_line(hint)}", err=True)
    return [warning for warning, _ in warnings]


def bar(weight: float, largest: float, width: int = 12) -> str:
    """Draw a weight as a bar of at most ``width`` characters, in eighths of a block."""
    eighths = round(abs(weight) / largest * width * 8) if largest else 0
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


@contextmanager
def waiting(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show a progress bar on stderr inside the context, if stderr is a terminal.

    Yields the function to call with the amount done and the total; None without a bar.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console(stderr=True)) as progress:
        task = progress.add_task(printable(what), total=None)

        def step(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield step
