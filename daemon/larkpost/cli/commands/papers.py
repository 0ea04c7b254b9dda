"""Commands about papers: read dumps, list and search papers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from larkpost.cli import params
from larkpost.cli.commands.merges import list_decisions, list_duplicates, merge, split
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.file_arguments import read_each, tell_oddities
from larkpost.cli.output import (
    hint_line,
    json_option,
    printable,
    put,
    put_json,
    put_table,
    reject_lines,
    reject_records,
)
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.domain import Paper
    from larkpost.ingest.ingest import IngestReport

_ALL = 10**9  # papers; more than will ever exist


@click.command(short_help="Read dumps of papers.")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH…|-", type=click.Path(path_type=Path)
)
@click.option("--date", "captured", type=params.day, metavar="DATE", help="The day of the dump.")
@click.option(
    "--format",
    "dump_format",
    metavar="NAME",
    help="Read the dump as this format, instead of detecting it.",
)
@click.option(
    "--as-papers",
    is_flag=True,
    help="Read lists of references, too; their papers become candidates for all readers.",
)
@json_option
@pass_call
def ingest(
    call: CliContext,
    paths: Sequence[Path],
    captured: date | None,
    dump_format: str | None,
    as_papers: bool,
    as_json: bool,
) -> int:
    """Read dumps of papers; a folder means all files in it, - means standard input.

    Reading the same file again changes nothing. A file that cannot be read is reported on standard
    error, and the others are read anyway.
    """
    from larkpost.ingest.ingest import ingest as read

    program = call.program()

    def show(report: IngestReport) -> None:
        if as_json:
            put_json(report_record(report))
        else:
            call.say(report_line(report))
            if report.rejected and not report.already:
                call.say(hint_line("run larkpost status to see what could not be read, and why"))
        tell_oddities(report.name, _oddities(report, quiet=call.loudness < 0))

    return read_each(
        _files(paths),
        lambda path, stream, progress: read(
            program.store, program.dump_formats, path,
            stream=stream, date=captured, dump_format=dump_format, now=call.now, progress=progress,
            as_papers=as_papers,
        ),
        show,
    )  # fmt: skip


def _oddities(report: IngestReport, *, quiet: bool) -> list[str]:
    """List warnings and unreadable records, unless they were printed before."""
    warnings = () if quiet else report.warnings
    rejects = [] if report.already else reject_lines(report.rejects, report.rejected)
    return [*warnings, *rejects]


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Return every file: those of a folder sorted by name, without hidden ones."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            files = (one for one in path.iterdir() if one.is_file())
            yield from sorted(one for one in files if not one.name.startswith("."))
        else:
            yield path


def report_record(report: IngestReport) -> dict[str, object]:
    """Return the result of a dump as JSON data."""
    from larkpost.portability.records import moment

    return {
        "file": report.name,
        "format": report.format,
        "dump_date": report.captured.isoformat() if report.captured else None,
        "papers": report.papers,
        "new": report.new,
        "updated": report.updated,
        "known": report.known,
        "rejected": report.rejected,
        "already_read_at": moment(report.already) if report.already else None,
        "sha256": report.digest,
        "rejected_records": reject_records(report.rejects),
        "warnings": list(report.warnings),
    }


def report_line(report: IngestReport) -> str:
    """Describe the result of a dump in a line; "nothing new" comes first."""
    name = printable(report.name)
    if report.already:
        return f"{name}: already read on {report.already:%Y-%m-%d at %H:%M} UTC, nothing new"
    taken = f" ({report.format}, taken {report.captured})" if report.captured else ""
    return f"{name}: {_counts(report)}{taken}"


def _counts(report: IngestReport) -> str:
    from larkpost.editions.empty_day_reasons import no_new_papers

    unread = f", {report.rejected} not readable" if report.rejected else ""
    if report.papers and report.known == report.papers:
        return no_new_papers(report.papers) + unread
    kinds = {"new": report.new, "updated": report.updated, "already known": report.known}
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count) or "none new"
    read = quantity(report.papers, "paper")
    what = read if report.new or not report.papers else "no new papers"
    return f"{what}: {counts}{unread}"


@click.group(short_help="List or search papers.", invoke_without_command=True)
@click.option("--search", "words", metavar="WORDS", help="Papers with these words.")
@click.option("--since", type=params.day, metavar="DATE", help="First seen on this day or later.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    metavar="N",
    help="At most this many; 0 lists all.",
)
@click.option(
    "--duplicates",
    is_flag=True,
    help="List which records were merged into one paper, and why; the latest first.",
)
@click.option(
    "--decisions", is_flag=True, help="List the decisions of `papers split` and `papers merge`."
)
@json_option
@pass_call
@click.pass_context
def papers(
    context: click.Context,
    call: CliContext,
    words: str | None,
    since: date | None,
    limit: int,
    duplicates: bool,
    decisions: bool,
    as_json: bool,
) -> None:
    """List papers, newest first, or search them.

    Says on standard error where there are more papers than are listed.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    if (duplicates or decisions) and (words or since or (duplicates and decisions)):
        raise click.UsageError(
            "--duplicates and --decisions go with --limit and --json, not with other options"
        )
    if duplicates:
        list_duplicates(call, limit or _ALL, as_json=as_json)
    elif decisions:
        list_decisions(call, limit or _ALL, as_json=as_json)
    else:
        _list_papers(call, words, since, limit, as_json=as_json)


def _refuse_options(context: click.Context) -> None:
    """Raise UsageError for options of the listing before a subcommand, which would be ignored."""
    given = [
        name
        for name in context.params
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        options = {one.name: one.opts[0] for one in context.command.params}
        told = ", ".join(sorted(options[name] for name in given))
        raise click.UsageError(f"{told}: not possible with {context.invoked_subcommand}")


def _list_papers(
    call: CliContext, words: str | None, since: date | None, limit: int, *, as_json: bool
) -> None:
    from larkpost.db.search import find
    from larkpost.portability.exporter import paper_lines

    query = find.parse(words or "")
    if since:
        start = datetime.combine(since, time(), UTC)
        query = replace(query, since=max(start, query.since or start))
    program = call.program()
    with program.store.read() as connection:
        found = find.find(connection, query, limit=limit or _ALL)
        lines = list(paper_lines(connection, found.papers)) if as_json else []
    if as_json:
        put_json(*lines)
    elif found.papers:
        rows = [
            [one.identifier, f"{one.first_seen:%Y-%m-%d}", _with_mark(one)] for one in found.papers
        ]
        put_table(["paper", "first seen", "title"], rows)
    else:
        put("No papers" + (f" with {printable(words)}" if words else "") + ".")
        put(hint_line("read a dump: larkpost ingest FILE"))
    if found.total > len(found.papers) and call.loudness >= 0:
        listed = f"{len(found.papers):,} of {quantity(found.total, 'paper')}"
        click.echo(f"larkpost: {listed}; --limit 0 lists all", err=True)


def _with_mark(paper: Paper) -> str:
    return f"{paper.title} (withdrawn)" if paper.withdrawn else paper.title


papers.add_command(split)
papers.add_command(merge)

COMMANDS = (ingest, papers)
