"""Shows the records that were merged into one paper, with reasons, and corrects merges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put, put_json, put_table
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.db.engine import Connection
    from larkpost.db.matching.merge_log import MergedRecord
    from larkpost.domain import Paper

_REASONS = {
    "first": "came first",
    "arxiv": "the same arXiv number",
    "doi": "the same DOI",
    "id": "the same id",
    "link": "the same link, and a text somewhat alike",
    "text": "the same title and abstract",
    "withdrawn": "the same title; one is a notice of withdrawal",
    "title": "the same title; one has no abstract",
    "title-abstract": "the same title, and abstracts alike",
    "title-subject": "the same title, and one abstract sums up the other",
    "edited-title": "nearly the same title, and abstracts alike",
    "abstract": "the same abstract",
    "shared-names": "a record had ids of both, and their texts are alike",
    "metadata": "by larkpost enrich",
    "decision": "by larkpost papers merge",
}


def _put_merged(paper: Paper, records: Sequence[MergedRecord]) -> None:
    put(f"{printable(paper.identifier)}  {printable(paper.title)}")
    put_table(["", "day", "format", "dump", "why", "names"], _rows(records))
    put()


def list_duplicates(call: CliContext, limit: int, *, as_json: bool) -> None:
    """Print the papers that were merged from several records, latest merge first."""
    from larkpost.db import papers
    from larkpost.db.matching import merge_log

    with call.program().store.read() as connection:
        merged = merge_log.latest(connection, limit)
        there = papers.get(connection, merged.keys())
        total = merge_log.count(connection)
    for number, records in merged.items():
        if as_json:
            put_json(merged_line(there[number], records))
        else:
            _put_merged(there[number], records)
    if not merged and not as_json:
        put("No papers were merged.")
    if total > len(merged) and call.loudness >= 0:
        listed = f"{len(merged):,} of {quantity(total, 'paper')}"
        click.echo(f"larkpost: {listed}; --limit 0 lists all", err=True)


def _rows(records: Sequence[MergedRecord]) -> list[list[object]]:
    return [
        [
            number,
            f"{one.captured or one.at.date()}",
            one.origin.format or "-",
            one.dump or "-",
            _REASONS[one.rule],
            " ".join(str(name) for name in one.names if name.scheme != "text") or "none",
        ]
        for number, one in enumerate(records, 1)
    ]


def merged_line(paper: Paper, records: Sequence[MergedRecord]) -> dict[str, object]:
    """Return a paper with its merged records, in the form of ``papers --duplicates --json``."""
    from larkpost.portability.records import moment

    return {
        "paper": str(paper.identifier),
        "uid": paper.uid,
        "title": paper.title,
        "records": [
            {
                "number": number,
                "format": one.origin.format or None,
                "dump": one.dump,
                "captured": one.captured and one.captured.isoformat(),
                "at": moment(one.at),
                "rule": str(one.rule),
                "reason": _REASONS[one.rule],
                "title": one.record.title,
                "names": [str(name) for name in one.names],
            }
            for number, one in enumerate(records, 1)
        ],
    }


def list_decisions(call: CliContext, limit: int, *, as_json: bool) -> None:
    """Print decisions, latest first; as JSON in the form of ``decisions.jsonl``."""
    from larkpost.db.matching import match_decisions
    from larkpost.portability.records import decision_line

    with call.program().store.read() as connection:
        decisions = list(match_decisions.iterate(connection))[::-1][:limit]
    for one in decisions:
        if as_json:
            put_json(decision_line(one))
            continue
        put(f"{one.at:%Y-%m-%d}  {'always one' if one.same else 'never one'}")
        for names in one.parts:
            put(f"  {printable(' '.join(map(str, names)))}")
    if not decisions and not as_json:
        put("There are no decisions.")


@click.command(short_help="Split a paper that was merged wrongly.")
@click.argument("paper", metavar="PAPER")
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[RECORD]…")
@json_option
@pass_call
def split(call: CliContext, paper: str, numbers: tuple[int, ...], as_json: bool) -> None:
    """Split PAPER into the papers that it was merged from.

    RECORD is the number of a record in `larkpost papers --duplicates`: the given records make one
    paper, the others stay. Thumbs and editions stay with the paper that readers saw. Later dumps
    follow this decision; `larkpost papers merge` undoes it.
    """
    from larkpost.db import papers
    from larkpost.db.matching.split_paper import split as take_apart

    program = call.program()
    with program.store.begin() as connection:
        papers.take_turns(connection)
        found = find_paper(connection, paper)
        ids = take_apart(connection, found.id, now=call.now, chosen=numbers)
    _report(call, program, ids, as_json=as_json, verb="are separate papers now")


@click.command(short_help="Merge two papers into one.")
@click.argument("paper", metavar="PAPER")
@click.argument("other", metavar="OTHER")
@json_option
@pass_call
def merge(call: CliContext, paper: str, other: str, as_json: bool) -> None:
    """Merge PAPER and OTHER: PAPER stays, unless only OTHER was shown to readers.

    The paper that stays gets the thumbs, editions and ids of both, and the better texts. Later
    dumps follow this decision; `larkpost papers split` undoes it.
    """
    from larkpost.db import papers
    from larkpost.db.matching.unify_papers import unify_by_decision
    from larkpost.errors import UsageError

    program = call.program()
    with program.store.begin() as connection:
        papers.take_turns(connection)
        first, second = (find_paper(connection, name) for name in (paper, other))
        if first.id == second.id:
            raise UsageError(f"{paper} and {other} are the same paper already")
        stays = unify_by_decision(connection, first.id, second.id, now=call.now)
    _report(call, program, [stays], as_json=as_json, verb="is one paper now")


def find_paper(connection: Connection, name: str) -> Paper:
    """Find a public paper by an id, an address or its uid; raises UnknownPaper."""
    from larkpost.db import papers
    from larkpost.errors import UnknownPaper
    from larkpost.text.identifiers import parse_identifier

    found = papers.by_uid(connection, name.strip().lower())
    if found is None:
        found = papers.by_identifier(connection, parse_identifier(name))
    if found is None:
        raise UnknownPaper(
            f"there is no paper {printable(name)}",
            hint="run larkpost papers --search WORDS to list papers with their ids",
        )
    return found


def _report(
    call: CliContext, program: Program, ids: Sequence[int], *, as_json: bool, verb: str
) -> None:
    from larkpost.db import papers
    from larkpost.portability.exporter import paper_lines

    with program.store.read() as connection:
        there = papers.get(connection, ids)
        some = [there[number] for number in ids]
        lines = list(paper_lines(connection, some))
    for paper, line in zip(some, lines, strict=True):
        if as_json:
            put_json(line)
        else:
            call.say(f"{printable(paper.identifier)}  {printable(paper.title)}")
    if not as_json:
        call.say(f"{quantity(len(ids), 'paper')} {verb}" if len(ids) > 1 else f"It {verb}")
