"""Commands that export everything as JSON Lines, and import it again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import MOST_TOLD, json_option, printable, put_json
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.domain import PaperRecord
    from larkpost.portability.import_lines import ImportReport

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(short_help="Write everything as JSON Lines.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@json_option
@pass_call
def export(call: CliContext, folder: Path, as_json: bool) -> None:
    """Write papers.jsonl, readers.jsonl, votes.jsonl and decisions.jsonl into DIR.

    After `import` into an empty home, the ranking of every reader is the same.
    """
    from larkpost.portability.exporter import export as write

    counts = write(call.program().store, folder)
    if as_json:
        put_json({"folder": str(folder), **counts})
        return
    call.say(f"{printable(folder)}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))


@click.command("import", short_help="Read papers, readers and thumbs.")
@click.option("--papers", type=FILE, metavar="F", help="JSON Lines of papers.")
@click.option("--readers", type=FILE, metavar="F", help="JSON Lines of readers.")
@click.option("--votes", type=FILE, metavar="F", help="JSON Lines of thumbs.")
@click.option("--decisions", type=FILE, metavar="F", help="JSON Lines of what was split or merged.")
@json_option
@pass_call
def import_(
    call: CliContext,
    papers: Path | None,
    readers: Path | None,
    votes: Path | None,
    decisions: Path | None,
    as_json: bool,
) -> int:
    """Import decisions, papers, readers and thumbs, in this order, as `export` writes them.

    Existing ones are updated, not duplicated. Lines that cannot be imported are reported on
    standard error, and the exit code is 1; the others are imported.
    """
    if not (papers or readers or votes or decisions):
        options = "--papers, --readers, --votes and --decisions"
        raise click.UsageError(f"give at least one of {options}")
    from larkpost.portability import importer
    from larkpost.portability.decisions import take_decisions

    program = call.program()
    store, usual = program.store, program.settings.readers
    take_readers = partial(
        importer.take_readers,
        defaults={
            "zone": usual.zone,
            "send_time": usual.send_time,
            "weekdays": usual.days,
            "papers_per_edition": usual.papers_per_edition,
        },
    )
    tallies = []
    guests: list[PaperRecord] = []
    if decisions:
        tallies.append(("decisions", decisions, take_decisions(store, decisions, now=call.now)))
    if papers:
        tally = importer.take_papers(store, papers, now=call.now)
        guests = tally.guests
        if guests and not votes:
            left = f"{quantity(len(guests), 'paper')} that readers imported left out"
            tally.remarks.append((0, f"{left}: give --votes to say whose they are"))
        tallies.append(("papers", papers, tally))
    for name, path, take in (
        ("readers", readers, take_readers),
        ("votes", votes, importer.take_votes),
    ):
        if path:
            tallies.append((name, path, take(store, path, now=call.now, guests=guests)))
    for name, path, tally in tallies:
        _warn(path, tally)
        if as_json:
            put_json(_result(name, path, tally))
        else:
            refused = f", {len(tally.refused)} refused" if tally.refused else ""
            call.say(f"{printable(path)}: {quantity(tally.taken, name.removesuffix('s'))}{refused}")
    return 1 if any(tally.refused for _, _, tally in tallies) else 0


def _result(name: str, path: Path, tally: ImportReport) -> dict[str, object]:
    return {
        "what": name,
        "file": str(path),
        "imported": tally.taken,
        "refused": [{"line": line, "reason": why} for line, why in tally.refused],
        "unknown_keys": sorted(tally.unknown_keys),
        "warnings": [{"line": line, "text": what} for line, what in tally.remarks],
    }


def _warn(path: Path, tally: ImportReport) -> None:
    name = printable(path)
    for line, reason in tally.refused[:MOST_TOLD]:
        click.echo(f"larkpost: {name}, line {line}: {printable(reason)}", err=True)
    if len(tally.refused) > MOST_TOLD:
        more = quantity(len(tally.refused) - MOST_TOLD, "more line")
        click.echo(f"larkpost: {name}: and {more}", err=True)
    for line, what in tally.remarks[:MOST_TOLD]:
        at = f", line {line}" if line else ""
        click.echo(f"larkpost: {name}{at}: {printable(what)}", err=True)
    if tally.unknown_keys:
        keys = ", ".join(sorted(tally.unknown_keys))
        click.echo(f"larkpost: {name}: ignored unknown keys: {printable(keys)}", err=True)


COMMANDS = (export, import_)
