"""The command that adds ids, links, authors and dates to stored papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.file_arguments import read_each, tell_oddities
from larkpost.cli.output import (
    json_option,
    printable,
    put_json,
    reject_lines,
    reject_records,
)
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.ingest.enrich import EnrichReport


@click.command(short_help="Add ids, links, authors and dates to papers.")
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE…|-", type=click.Path(path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Print what would be added, and change nothing.")
@json_option
@pass_call
def enrich(call: CliContext, paths: Sequence[Path], dry_run: bool, as_json: bool) -> int:
    """Add ids, links, authors and dates to known papers; adds no papers.

    FILE is arXiv's metadata snapshot (JSON Lines of any size) or an answer of the papers API; -
    means standard input. Papers are matched by their ids, or else by title and abstract. Existing
    values stay; reading the same file again adds nothing.
    """
    from larkpost.ingest.enrich import enrich as read

    program = call.program()

    def show(report: EnrichReport) -> None:
        if as_json:
            put_json(_record(report))
        else:
            _say(call, report)
        warnings = report.warnings if call.loudness >= 0 else ()
        tell_oddities(report.name, [*warnings, *reject_lines(report.rejects, report.rejected)])

    return read_each(
        paths,
        lambda path, stream, progress: read(
            program.store, path,
            stream=stream, now=call.now, dry_run=dry_run, progress=progress,
        ),
        show,
    )  # fmt: skip


def _say(call: CliContext, report: EnrichReport) -> None:
    call.say(_line(report))
    if report.without_link:
        call.say(f"  papers without a link: {report.without_link:,}")


def _record(report: EnrichReport) -> dict[str, object]:
    """Return the result of a file as JSON data."""
    counted = (
        "records", "enriched", "complete", "unmatched", "ambiguous", "rejected", "without_link",
    )  # fmt: skip
    return {
        "file": report.name,
        **{name: getattr(report, name) for name in counted},
        "dry_run": report.dry_run,
        "rejected_records": reject_records(report.rejects),
        "warnings": list(report.warnings),
    }


def _line(report: EnrichReport) -> str:
    verb = "would be enriched" if report.dry_run else "enriched"
    counts = [
        f"{quantity(report.enriched, 'paper')} {verb}",
        f"{report.complete:,} already complete",
        f"{quantity(report.unmatched, 'record')} of unknown papers",
    ]
    if report.ambiguous:
        counts.append(f"{report.ambiguous:,} that match several papers")
    if report.rejected:
        counts.append(f"{report.rejected:,} not readable")
    return f"{printable(report.name)}: {', '.join(counts)}"


COMMANDS = (enrich,)
