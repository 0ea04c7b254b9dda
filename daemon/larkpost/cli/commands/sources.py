"""Commands about polled sources: source add, list, check, remove."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import hint_line, json_option, printable, put, put_json, put_table, tell
from larkpost.errors import UsageError
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.db.polling.polled_sources import SourceState
    from larkpost.fetch.check import CheckResult
    from larkpost.fetch.poll import PollResult
    from larkpost.settings.polled_sources import PolledSource


@click.group(short_help="Add, list, check or remove sources that are polled.")
def source() -> None:
    """Fetch papers automatically: `serve` and `tick` poll the sources added here or in settings.

    Known names are hf-daily, hf-trending and arxiv:cs.CL (or arxiv:cs.CL+cs.LG); any feed has an
    address; an OPML file has many. Nothing is fetched until a source is added.
    """


@source.command("add", short_help="Add a source, or the feeds of an OPML file.")
@click.argument("what")
@click.option("--name", metavar="NAME", help="Its name; default: made from its address.")
@click.option(
    "--every",
    type=click.FloatRange(5, 7 * 24 * 60),
    metavar="MINUTES",
    help="How often it is polled; default: depends on its kind.",
)
@click.option(
    "--allow-private",
    is_flag=True,
    help="Allow this source to be on this machine or in a private network.",
)
@click.option(
    "--authority",
    is_flag=True,
    help="Let its texts replace those of other sources, as those of arXiv do.",
)
@json_option
@pass_call
def add(
    call: CliContext,
    what: str,
    name: str | None,
    every: float | None,
    allow_private: bool,
    authority: bool,
    as_json: bool,
) -> None:
    """Add WHAT: a known name, the address of a feed, or an OPML file.

    Nothing is fetched now: `serve` and `tick` do that, and `source check` tries it. A source whose
    address is there already is not added again.
    """
    from larkpost.fetch.configured import add_sources

    program = call.program()
    sources = _sources_of(what, name, (every, allow_private, authority))
    fresh = add_sources(program.store, sources, program.read_sources(), now=call.now)
    if as_json:
        put_json(*(_identity(one) | {"added": one in fresh} for one in sources))
        return
    for one in fresh:
        call.say(f"added {printable(one.name)}{_address_after(one)}")
    if already := len(sources) - len(fresh):
        call.say(f"{quantity(already, 'source')} added before, and not changed")
    if fresh:
        call.say("`larkpost serve` and `tick` poll it; try it now: larkpost source check")


def _sources_of(
    what: str, name: str | None, options: tuple[float | None, bool, bool]
) -> list[PolledSource]:
    from larkpost.fetch.opml import read_opml
    from larkpost.settings.polled_sources import (
        PolledSource,
        name_of_address,
        read_source_address,
        read_source_name,
    )

    if _is_file(what):
        if name is not None:
            raise UsageError("an OPML file has its own names", hint="leave out --name")
        feeds = read_opml(Path(what))
        return [PolledSource(one.name, one.address, *options, by_command=True) for one in feeds]
    try:
        address = read_source_address(what)
        called = name_of_address(address) if name is None else read_source_name(name)
    except ValueError as error:
        raise UsageError(
            str(error), hint="`larkpost source add --help` lists what is possible"
        ) from None
    return [PolledSource(called, address, *options, by_command=True)]


def _is_file(what: str) -> bool:
    if "://" in what:
        return False
    return what.lower().endswith((".opml", ".xml")) or Path(what).is_file()


@source.command("list", short_help="List the sources and their state.")
@json_option
@pass_call
def list_all(call: CliContext, as_json: bool) -> None:
    """List the sources of the settings and those added by command, with their state."""
    from larkpost.fetch.configured import list_sources

    program = call.program()
    configured = program.read_sources()
    states = list_sources(program.store, configured, now=call.now)
    for problem in configured.problems:
        tell(problem)
    if as_json:
        put_json(*map(source_record, states))
        return
    if not states:
        put("No sources yet: nothing is fetched. Try `larkpost source add hf-daily`.")
        return
    put_table(
        ["source", "added by", "last poll", "new papers", "next poll", "state"],
        [
            [
                state.source.name,
                "command" if state.source.by_command else "settings",
                _minute(state.last_poll_at),
                _minute(state.last_news_at),
                _minute(state.next_poll_at),
                _how(state),
            ]
            for state in states
        ],
    )
    put_source_problems(states)


@source.command("check", short_help="Try sources now, without adding papers.")
@click.argument("names", nargs=-1)
@json_option
@pass_call
def check(call: CliContext, names: Sequence[str], as_json: bool) -> int:
    """Try the sources NAMES now (default: all) and print what would be read; adds no papers.

    Ends with 1 where one has a problem. A source that had to wait after a failure and answers again
    is polled by the next tick.
    """
    from larkpost.fetch.check import check_source

    program = call.program()
    context = program.poll_context
    failed = False
    for one in _chosen(program, names, call.now):
        result = check_source(context, one, now=call.now)
        failed = failed or result.problem is not None
        if as_json:
            put_json(_check_record(result))
        else:
            _put_check(result)
    return 1 if failed else 0


def _chosen(program: Program, names: Sequence[str], now: datetime) -> list[PolledSource]:
    from larkpost.fetch.configured import find_source, list_sources

    configured = program.read_sources()
    if names:
        return [find_source(program.store, one, configured, now=now).source for one in names]
    states = list_sources(program.store, configured, now=now)
    if not states:
        raise UsageError("there is no source yet", hint="run larkpost source add hf-daily")
    return [state.source for state in states]


@source.command("remove", short_help="Remove a source.")
@click.argument("name")
@json_option
@pass_call
def remove(call: CliContext, name: str, as_json: bool) -> None:
    """Remove the source NAME, which was added by command; its papers stay."""
    from larkpost.fetch.configured import remove_source

    program = call.program()
    gone = remove_source(program.store, name, program.read_sources(), now=call.now)
    record = _identity(gone) | {"removed": True}
    call.report(record, f"removed {printable(gone.name)}", as_json=as_json)


def _identity(one: PolledSource) -> dict[str, Any]:
    from larkpost.masking import mask_text

    return {
        "name": one.name,
        "kind": str(one.kind),
        "address": mask_text(one.address),
        "by": "command" if one.by_command else "settings",
        "interval_minutes": one.interval_minutes,
        "allow_private": one.allow_private,
        "authority": one.authority,
    }


def source_record(state: SourceState) -> dict[str, Any]:
    """Return a source as JSON data."""
    from larkpost.masking import mask_text
    from larkpost.portability.records import moment

    moments = ("last_poll_at", "last_answer_at", "last_news_at", "next_poll_at")
    return {
        **_identity(state.source),
        **{key: (at := getattr(state, key)) and moment(at) for key in moments},
        "papers": state.papers,
        "failures": state.failures,
        "moved_to": mask_text(state.moved_to) or None,
        "problem": state.problem and _problem_record(state),
    }


def _problem_record(state: SourceState) -> dict[str, Any]:
    from larkpost.portability.records import moment

    return {
        "kind": state.problem,
        "text": state.problem_text,
        "hint": state.problem_hint,
        "since": state.problem_since and moment(state.problem_since),
    }


def poll_record(result: PollResult) -> dict[str, Any]:
    """Return the result of one poll as JSON data."""
    problem = result.problem
    return {
        "source": result.source.name,
        "papers": sum(report.papers for report in result.reports),
        "new": result.new,
        "problem": problem
        and {"kind": str(problem.problem), "text": problem.text, "hint": problem.hint},
    }


def poll_line(result: PollResult) -> str:
    """Describe the result of one poll in a line."""
    papers = sum(report.papers for report in result.reports)
    brought = f"{quantity(papers, 'paper')}, {result.new} new" if result.reports else "nothing new"
    name = printable(result.source.name)
    return f"{name}: {printable(result.problem.text) if result.problem else brought}"


def source_counts(states: Sequence[SourceState]) -> str:
    """Count the sources, and those with problems."""
    bad = sum(1 for state in states if state.problem)
    return f"{len(states)}, {bad} with problems" if bad else f"{len(states)}, all OK"


def put_source_problems(states: Sequence[SourceState]) -> None:
    """Print the problems of sources, and permanent moves."""
    from larkpost.masking import mask_text

    for state in states:
        name = printable(state.source.name)
        if state.problem:
            since = f" (since {_minute(state.problem_since)} UTC)" if state.problem_since else ""
            put(f"\nthe source {name} has a problem: {printable(state.problem_text)}{since}")
            put(hint_line(state.problem_hint or f"run larkpost source check {name}"))
        if state.moved_to:
            put(f"\nthe source {name} has a new address: {printable(mask_text(state.moved_to))}")
            put(hint_line("it is polled there from now on; change the address where you added it"))


def _how(state: SourceState) -> str:
    if state.problem:
        return state.problem
    if state.last_poll_at is None:
        return "not polled yet"
    return "moved" if state.moved_to else "OK"


def _check_record(result: CheckResult) -> dict[str, Any]:
    problem = result.problem
    return {
        **_identity(result.source),
        "ok": problem is None,
        "papers": result.papers,
        "format": result.format,
        "first_title": result.first_title,
        "problem": problem
        and {"kind": str(problem.problem), "text": problem.text, "hint": problem.hint},
    }


def _put_check(result: CheckResult) -> None:
    name = printable(result.source.name)
    if result.problem is not None:
        put(f"{name}: {printable(result.problem.text)}")
        if result.problem.hint:
            put(hint_line(result.problem.hint))
        return
    papers = (
        f"{quantity(result.papers, 'paper')} ({result.format})" if result.papers else "no paper"
    )
    put(f"{name}: {papers}")
    if result.first_title:
        put(f"  the first one: {printable(result.first_title)}")


def _address_after(one: PolledSource) -> str:
    from larkpost.masking import mask_text

    return "" if one.name == one.address else f" ({printable(mask_text(one.address))})"


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"


COMMANDS = (source,)
