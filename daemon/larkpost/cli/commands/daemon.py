"""Commands about the daemon: status, tick, serve, admin."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from larkpost.cli.commands.papers import report_line, report_record
from larkpost.cli.commands.sources import (
    poll_line,
    poll_record,
    put_source_problems,
    source_counts,
    source_record,
)
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import (
    hint_line,
    json_option,
    printable,
    put,
    put_facts,
    put_json,
    reject_lines,
    reject_records,
    tell,
)
from larkpost.errors import Busy, TryAgainLater, UsageError
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.db.read_dumps import Dump
    from larkpost.ingest.inbox import Taken
    from larkpost.mail.circuit_breaker import Outage
    from larkpost.scheduler.status import StatusReport
    from larkpost.scheduler.tick import TickResult


@click.command(short_help="Show papers, readers and emails; or why a day is empty.")
@click.option(
    "--why",
    is_flag=True,
    help="Print only why there are no papers, and what to try; ends with 1 if there is a reason.",
)
@json_option
@pass_call
def status(call: CliContext, why: bool, as_json: bool) -> int:
    """Show how many papers, readers and emails there are, and why a day is empty."""
    from larkpost.scheduler.status import read_status

    program = call.program()
    if why:
        return _put_reasons(call, program, as_json=as_json)
    with program.store.read() as connection:
        found = read_status(connection, now=call.now, window=program.window)
    if as_json:
        put_json(_standing_record(found))
    else:
        _put_overview(found)
    return 0


def _put_reasons(call: CliContext, program: Program, *, as_json: bool) -> int:
    """Print the reasons for missing papers, and what to try; returns 1 if there is a reason."""
    from larkpost.editions.empty_day_reasons import explain_empty_day

    with program.store.read() as connection:
        reasons = explain_empty_day(connection, now=call.now, window=program.window)
    for reason in reasons:
        if as_json:
            put_json({"reason": str(reason.kind), "text": reason.text, "hint": reason.hint})
        else:
            put(f"{printable(reason.text)}\n{hint_line(reason.hint)}")
    if not reasons and not as_json:
        call.say("There is no known reason why papers would not come.")
    return 1 if reasons else 0


def _standing_record(found: StatusReport) -> dict[str, Any]:
    return {
        "papers": found.papers,
        "votes": found.votes,
        "expiring": found.expiring,
        "readers": {str(state): count for state, count in found.readers.items() if count},
        "deliveries": {str(state): count for state, count in found.deliveries.items() if count},
        "newest_dump": _dump_record(found),
        "refused": [one.record for one in found.refused],
        "unknown": [
            {"reader": one.reader, "date": one.date.isoformat(), "last_response": one.reply}
            for one in found.undecided
        ],
        "sources": [source_record(one) for one in found.sources],
        "next_edition": _moment(found.next_slot),
        "jobs": {
            kind: {"at": _moment(event.at), "ok": event.ok, "detail": dict(event.detail)}
            for kind, event in found.events.items()
        },
        "empty_day": [
            {"reason": str(one.kind), "text": one.text, "hint": one.hint} for one in found.empty_day
        ],
    }


def _dump_record(found: StatusReport) -> dict[str, Any] | None:
    if (dump := found.newest_dump) is None:
        return None
    return {
        "name": dump.name,
        "read_at": _moment(dump.read_at),
        "papers": dump.papers,
        "new": dump.new,
        "rejected": dump.rejected,
        "rejected_records": reject_records(found.rejects),
    }


def _put_overview(found: StatusReport) -> None:
    dump = found.newest_dump
    rows = {
        "papers": found.papers,
        "newest dump": _dump_words(dump) if dump else "none yet",
        "readers": _counts(found.readers) or "none yet",
        **({"may expire": quantity(found.expiring, "reader")} if found.expiring else {}),
        **({"sources": source_counts(found.sources)} if found.sources else {}),
        "thumbs": found.votes,
        "next edition": _minute(found.next_slot) if found.next_slot else "none",
        "emails": _counts(found.deliveries) or "none yet",
    }
    for kind, event in sorted(found.events.items()):
        rows[f"last {kind}"] = f"{_minute(event.at)}, {'OK' if event.ok else 'failed'}"
    put_facts(rows)
    if merge := found.events.get("merge"):
        count = merge.detail["readers"]
        put(f"\nreaders merged because their addresses differ only in case: {count}")
        put(hint_line("run larkpost reader show EMAIL to see the former addresses of a reader"))
    if dump and dump.rejected:
        put(f"\n{quantity(dump.rejected, 'record')} of {printable(dump.name)} could not be read:")
        for line in reject_lines(found.rejects, dump.rejected):
            put(f"  {printable(line)}")
    for refusal in found.refused:
        put(f"\nrefused: {printable(refusal.reason)}")
        if refusal.hint:
            put(hint_line(refusal.hint))
        if refusal.place:
            put(f"  it is in {printable(refusal.place)}")
    put_source_problems(found.sources)
    if found.undecided:
        _put_ambiguous(found)
    for reason in found.empty_day:
        put(f"\n{printable(reason.text)}" + (f"\n{hint_line(reason.hint)}" if reason.hint else ""))


def _put_ambiguous(found: StatusReport) -> None:
    from larkpost.scheduler.status import SEND_UNDECIDED

    put("\nIt is unknown whether these emails arrived, so they are not sent again automatically:")
    for one in found.undecided:
        put(f"  {printable(one.reader)}, {one.date}: {printable(one.reply)}")
    put(hint_line(f"to send them again, run {SEND_UNDECIDED}"))


def _dump_words(dump: Dump) -> str:
    from larkpost.editions.empty_day_reasons import no_new_papers

    read = f"{dump.name}, read {_minute(dump.read_at)}"
    return read if dump.new or not dump.papers else f"{read}: {no_new_papers(dump.papers)}"


@click.command(short_help="Read the inbox, publish and deliver once.")
@json_option
@pass_call
def tick(call: CliContext, as_json: bool) -> int:
    """Do once what `serve` does every half minute: read the inbox, publish, deliver.

    For cron and systemd timers: with -q it prints nothing unless there is a problem. Ends with 1
    where a step failed (the other steps are done anyway). Ends with 75 while another process does
    the same, while the mail server accepts no emails (reported at first, then once per hour), and
    where it was stopped (SIGTERM; with 130 by Ctrl-C). A refused file is reported, but is no failed
    step.
    """
    from larkpost.cli.signals import finish_on
    from larkpost.scheduler.tick import tick as run

    program = call.program()
    try:
        with finish_on(program, signal.SIGTERM, signal.SIGINT) as heard:
            done = run(program.tick_context, now=call.now)
    except Busy:
        if call.loudness < 0:  # the other process does the work: nothing for cron to mail
            return Busy.exit_code
        raise
    if as_json:
        put_json(_round_record(done))
    else:
        _put_round(done, quiet=call.loudness < 0)
    if done.outage is not None and done.outage.is_news:
        tell(TryAgainLater(f"no emails can be sent: {done.outage.problem}", hint=done.outage.hint))
    if signal.SIGINT in heard:
        raise KeyboardInterrupt
    return 1 if done.troubles else 75 if done.outage or heard else 0


def _file_records(taken: Sequence[Taken]) -> dict[str, Any]:
    from larkpost.ingest.inbox import RejectedFile

    bad = [one for one in taken if isinstance(one, RejectedFile)]
    return {
        "files": len(taken),
        "ingested": [report_record(one) for one in taken if not isinstance(one, RejectedFile)],
        "refused": [
            {"file": one.name, "reason": one.reason, "hint": one.hint, "place": one.place}
            for one in bad
            if one.moved
        ],
        "deferred": [{"file": one.name, "reason": one.reason} for one in bad if not one.moved],
    }


def _round_record(done: TickResult) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "polled": [poll_record(one) for one in done.polled],
        **_file_records(done.taken),
        "inbound": {str(meaning): count for meaning, count in done.returned.items()},
        "editions": {str(outcome): count for outcome, count in done.outcomes.items()},
        "deliveries": asdict(done.ledger),
        "errors": ({"deliver": done.outage.problem} if done.outage else {}) | done.troubles,
        "outage": done.outage and _outage_record(done.outage),
    }


def _outage_record(outage: Outage) -> dict[str, Any]:
    return {
        "problem": outage.problem,
        "hint": outage.hint,
        "until": _moment(outage.until),
        "waiting": outage.messages,
    }


def _put_round(done: TickResult, *, quiet: bool) -> None:
    """Print the results; if ``quiet``, only those that need attention."""
    from larkpost.ingest.inbox import RejectedFile

    for polled in done.polled:
        if polled.problem or not quiet:
            put(f"source {poll_line(polled)}")
    if not quiet:
        put(f"inbox: {quantity(len(done.taken), 'file')}")
    for one in done.taken:
        if isinstance(one, RejectedFile) or not quiet:
            _put_ingested(one)
    if not quiet:
        if done.returned:
            put(f"inbound: {_counts(done.returned)}")
        put(f"editions: {_counts(done.outcomes) or 'none due'}")
        put(f"emails: {_emails(done)}")
    for step, trouble in done.troubles.items():
        click.echo(f"larkpost: {step} failed: {printable(trouble)}", err=True)


def _emails(done: TickResult) -> str:
    """Describe the outcome for messages, and an outage of the mail server."""
    from dataclasses import asdict

    counts = {name: n for name, n in asdict(done.ledger).items() if name != "undecided"}
    if (outage := done.outage) is None:
        return _counts(counts) or "none to send"
    waiting = f"{outage.messages} waiting, not tried before {_minute(outage.until)}"
    tried = f"{_counts(counts)}; " if any(counts.values()) else ""
    return f"{tried}{waiting}: {printable(outage.problem)}"


def _put_ingested(one: Taken) -> None:
    from larkpost.ingest.inbox import RejectedFile

    if not isinstance(one, RejectedFile):
        put(f"  {report_line(one)}")
        return
    what = "refused" if one.moved else "not read yet, will be tried again"
    put(f"  {printable(one.name)}: {what}: {printable(one.reason)}")
    if one.hint:
        put(f"  {hint_line(one.hint)}")


@click.command(short_help="Run the daemon.")
@click.option("--host", metavar="HOST", help="Where to listen; default: web.host.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="0 means any free port; default: web.port.",
)
@pass_call
def serve(call: CliContext, host: str | None, port: int | None) -> None:
    """Run the daemon: web server, inbox, editions, emails. SIGTERM stops it cleanly.

    SIGHUP makes it read the settings again.
    """
    from larkpost.cli.daemon_jobs import DaemonJobs
    from larkpost.serve import run

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the daemon can handle it
    flags = {"web.host": host, "web.port": port}
    program = call.program(flags, daemon=True)
    program.fits_apart = True
    _ = program.signature  # a missing key is reported now, not at the first edition
    web, jobs = program.settings.web, DaemonJobs()
    run(
        program,
        host=web.host,
        port=web.port,
        tick=jobs.tick,
        post=jobs.post,
        poll=jobs.poll,
        finish=jobs.finish,
        renewal=lambda before: call.rebuild(before, flags),
    )


@click.command(short_help="Print the link of the admin page.")
@pass_call
def admin(call: CliContext) -> None:
    """Print the link of the admin page, which shows readers, dumps, emails and health.

    Whoever has the link can see all of it. The page exists where `web.admin_link_version` is set;
    another number there makes earlier links invalid.
    """
    program = call.program()
    number = program.settings.web.admin_link_version
    if not number:
        raise UsageError(
            "there is no admin page: web.admin_link_version is 0",
            hint="set web.admin_link_version = 1 in the settings file, and restart the daemon",
        )
    put(program.links.admin(number))


def _counts(counts: Any) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _moment(at: datetime | None) -> str | None:
    from larkpost.portability.records import moment

    return moment(at) if at else None


COMMANDS = (status, tick, serve, admin)
