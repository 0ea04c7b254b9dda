"""Commands that export everything as JSON Lines, and import it again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import MOST_TOLD, json_option, printable
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import PaperRecord
    from larkpost.portability.import_lines import ImportReport

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(short_help="Write everything as JSON Lines.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@json_option
@pass_call
def export(call: CliContext, folder: Path, as_json: bool) -> None:
    """Write papers, readers, votes, decisions and sources as .jsonl files into DIR.

    After `import` into an empty home, the ranking of every reader is the same.
    """
    from larkpost.portability.exporter import export as write

    counts = write(call.program().store, folder)
    told = ", ".join(f"{n} {name}" for name, n in counts.items())
    call.report({"folder": str(folder), **counts}, f"{printable(folder)}: {told}", as_json=as_json)


@click.command("import", short_help="Read papers, readers and thumbs.")
@click.option("--papers", type=FILE, metavar="F", help="JSON Lines of papers.")
@click.option("--readers", type=FILE, metavar="F", help="JSON Lines of readers.")
@click.option("--votes", type=FILE, metavar="F", help="JSON Lines of thumbs.")
@click.option("--decisions", type=FILE, metavar="F", help="JSON Lines of what was split or merged.")
@click.option("--sources", type=FILE, metavar="F", help="JSON Lines of sources added by command.")
@json_option
@pass_call
def import_(
    call: CliContext,
    papers: Path | None,
    readers: Path | None,
    votes: Path | None,
    decisions: Path | None,
    sources: Path | None,
    as_json: bool,
) -> int:
    """Import decisions, papers, readers, thumbs and sources, in this order, from an `export`.

    Existing ones are updated, not duplicated. Lines that cannot be imported are reported on
    standard error, and the exit code is 1; the others are imported.
    """
    if not (papers or readers or votes or decisions or sources):
        options = "--papers, --readers, --votes, --decisions and --sources"
        raise click.UsageError(f"give at least one of {options}")
    program = call.program()
    tallies = []
    guests: list[PaperRecord] = []
    for name, path, take in (
        ("decisions", decisions, _take_decisions),
        ("papers", papers, _take_papers),
        ("readers", readers, _take_readers),
        ("votes", votes, _take_votes),
        ("sources", sources, _take_sources),
    ):
        if path:
            tally = take(program, path, call.now, guests)
            guests = guests or tally.guests
            tallies.append((name, path, tally))
    for name, path, tally in tallies:
        if tally.guests and not votes:
            left = f"{quantity(len(tally.guests), 'paper')} that readers imported left out"
            tally.remarks.append((0, f"{left}: give --votes to say whose they are"))
        _warn(path, tally)
        _put(call, name, path, tally, as_json=as_json)
    return 1 if any(tally.refused for _, _, tally in tallies) else 0


def _take_decisions(
    program: Program, file: Path, now: datetime, _guests: list[PaperRecord]
) -> ImportReport:
    from larkpost.portability.decisions import take_decisions

    return take_decisions(program.store, file, now=now)


def _take_papers(
    program: Program, file: Path, now: datetime, _guests: list[PaperRecord]
) -> ImportReport:
    from larkpost.portability import importer

    return importer.take_papers(program.store, file, now=now)


def _take_readers(
    program: Program, file: Path, now: datetime, guests: list[PaperRecord]
) -> ImportReport:
    from larkpost.portability import importer
    from larkpost.readers.subscriptions import Preferences

    usual = program.settings.readers
    defaults = Preferences(
        zone=usual.zone,
        send_time=usual.send_time,
        weekdays=usual.days,
        papers_per_edition=usual.papers_per_edition,
    )
    return importer.take_readers(program.store, file, now=now, guests=guests, defaults=defaults)


def _take_votes(
    program: Program, file: Path, now: datetime, guests: list[PaperRecord]
) -> ImportReport:
    from larkpost.portability import importer

    return importer.take_votes(program.store, file, now=now, guests=guests)


def _take_sources(
    program: Program, file: Path, now: datetime, _guests: list[PaperRecord]
) -> ImportReport:
    from larkpost.portability.sources import take_sources

    return take_sources(program.store, file, now=now)


def _put(call: CliContext, name: str, path: Path, tally: ImportReport, *, as_json: bool) -> None:
    refused = f", {len(tally.refused)} refused" if tally.refused else ""
    line = f"{printable(path)}: {quantity(tally.taken, name.removesuffix('s'))}{refused}"
    call.report(_result(name, path, tally), line, as_json=as_json)


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
