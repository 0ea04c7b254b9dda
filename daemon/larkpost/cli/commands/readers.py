"""Commands about readers: add, list, show, set, remove, and their subcommands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from larkpost.cli import params
from larkpost.cli.commands.interests import find_unmatched, put_unmatched
from larkpost.cli.commands.library import import_library, rate
from larkpost.cli.commands.reader_feed import feed
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import (
    json_option,
    printable,
    put,
    put_facts,
    put_json,
    put_table,
    put_warnings,
)
from larkpost.errors import UsageError
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Bounce, Reader
    from larkpost.interfaces import FeedFormat
    from larkpost.mail.sending_hold import SendingHold
    from larkpost.readers.subscriptions import StatusChange


@click.group(short_help="Add, list, show, change or remove readers.")
def reader() -> None:
    """Add, show, change or remove readers."""


def _read_preferences(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option("--name", metavar="NAME", help="Name of the reader in the newsletter."),
        click.option("--zone", metavar="ZONE", help="Time zone, such as Europe/Berlin."),
        click.option(
            "--at", "send_time", type=params.local_time, metavar="HH:MM",
            help="Local time of the edition.",
        ),
        click.option(
            "--days", "weekdays", type=params.weekdays, metavar="DAYS",
            help="Weekdays, such as mon-fri, or sat,sun, or daily.",
        ),
        click.option(
            "--size", "papers_per_edition", type=click.IntRange(1, 100), metavar="N",
            help="Papers per edition.",
        ),
        click.option(
            "--interest", "interests", multiple=True, metavar="WORDS",
            help="Words to start from, such as 'mixture of experts'; may be given several times.",
        ),
        click.option(
            "--threshold", type=click.FloatRange(0, 1), metavar="P",
            help="Leave out papers with a lower match (0 to 1), as soon as one can be predicted.",
        ),
        click.option(
            "--weekly/--daily", multiple=True, callback=params.refuse_both,
            help="Send one edition per week, on the first of the days, or one on each day.",
        ),
        click.option(
            "--notify-empty/--no-notify-empty", "notify_when_empty", multiple=True,
            callback=params.refuse_both,
            help="Send a short email on a day without papers, or not.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@reader.command(short_help="Add a reader.")
@click.argument("email")
@_read_preferences
@json_option
@pass_call
def add(
    call: CliContext, /, email: str, interests: tuple[str, ...], as_json: bool, **preferences: Any
) -> None:
    """Add a reader; defaults come from the [readers] settings."""
    from larkpost.readers import subscriptions

    program = call.program()
    usual = program.settings.readers
    chosen = {
        "zone": usual.zone,
        "send_time": usual.send_time,
        "weekdays": usual.days,
        "papers_per_edition": usual.papers_per_edition,
        **_only_given(preferences),
    }
    added = subscriptions.add(program.store, email, now=call.now, words=interests, **chosen)
    unmatched = find_unmatched(call, program, added.interests[0].words)
    warnings = put_warnings(program.settings)
    if as_json:
        more = {"unmatched": [one._asdict() for one in unmatched], "warnings": warnings}
        put_json(_record(program, added) | more)
        return
    call.say(f"added {_who(added)}: {_schedule(added)}")
    call.say(f"feed: {program.links.feed(added, 'rss')}")
    put_unmatched(call, unmatched)


@reader.command("list", short_help="List all readers.")
@json_option
@pass_call
def list_readers(call: CliContext, as_json: bool) -> None:
    """List all readers.

    "Expires on" is the day on which a reader is removed if nobody uses their page or feed before.
    Only readers without an email address who used the subscribe form expire.
    """
    from larkpost.db import readers
    from larkpost.db.usage import last_use

    program = call.program()
    with program.store.read() as connection:
        everybody = readers.all(connection)
        expiring = last_use.of(connection, [one.id for one in everybody])
    ends = {number: one.end(program.span) for number, one in expiring.items()}
    if as_json:
        for one in everybody:
            end = ends.get(one.id)
            more = {"expires": one.id in expiring, "expires_on": end and end.isoformat()}
            put_json(_record(program, one) | more)
        return
    if not everybody:
        put("No readers yet. Add one: larkpost reader add you@example.org")
        return
    put_table(
        ["reader", "name", "status", "next edition", "zone", "papers", "expires on"],
        [
            [
                _who(one),
                one.name,
                one.status,
                _local(one),
                _zone(one),
                one.papers_per_edition,
                ends.get(one.id),
            ]
            for one in everybody
        ],
    )


@reader.command(short_help="Show settings, thumbs and secret addresses.")
@click.argument("email")
@json_option
@pass_call
def show(call: CliContext, email: str, as_json: bool) -> None:
    """Show a reader: settings, thumbs, feeds, and the link to their page.

    The feeds and the link are secrets of the reader: whoever has them can use them.
    """
    from larkpost.db import editions, readers, votes
    from larkpost.db.outbox import bounces
    from larkpost.db.usage import vote_eligibility
    from larkpost.mail.sending_hold import sending_hold
    from larkpost.portability.records import bounce_line

    program, found = call.open_reader(email)
    with program.store.read() as connection:
        thumbs = [int(vote.thumb) for vote in votes.of(connection, found.id)]
        latest = editions.latest(connection, found.id)
        returned = bounces.of(connection, found.id)
        hold = sending_hold(connection, found, now=call.now)
        counted = found.id in vote_eligibility.counting_since(connection, [found.id])
        former = [one.address for one in readers.former(connection, [found.id]) if one.address]
    if as_json:
        more = {
            "up": thumbs.count(1),
            "down": thumbs.count(-1),
            "counted": counted,
            "former_addresses": former,
            "hold": hold and {"reason": hold.reason, "hint": hold.hint},
            "bounces": [bounce_line(bounce, found) for bounce in returned],
        }
        put_json(_record(program, found) | more)
        return
    words = ", ".join(word for interest in found.interests for word in interest.words)
    rows = {
        "reader": _who(found) + (f" ({printable(found.name)})" if found.name else ""),
        **({"former": ", ".join(former)} if former else {}),
        **_status(found, hold, returned),
        "schedule": _schedule(found),
        "interests": words or "none",
        "threshold": found.threshold or "none",
        "empty days": "a short email" if found.notify_when_empty else "no email",
        "thumbs": f"{thumbs.count(1)} up, {thumbs.count(-1)} down"
        + ("" if counted else ", not counted for others yet"),
        "latest edition": latest[0].date if latest else "none yet",
        **_feeds(program, found),
        "own page": program.links.page(found),
    }
    put_facts(rows)


@reader.command("set", short_help="Change settings; pause, resume, unsubscribe.")
@click.argument("email")
@_read_preferences
@click.option("--address", metavar="NEW", help="The reader's new email address.")
@click.option("--pause", is_flag=True, help="Send nothing until --resume.")
@click.option("--until", type=params.day, metavar="DATE", help="With --pause: until this day.")
@click.option(
    "--resume", is_flag=True, help="Send again: after a pause, bounces, or unsubscribing."
)
@click.option("--leave", is_flag=True, help="Unsubscribe the reader, but keep the thumbs.")
@json_option
@pass_call
def set_reader(
    call: CliContext, /, email: str, interests: tuple[str, ...], address: str | None,
    pause: bool, until: date | None, resume: bool, leave: bool, as_json: bool, **preferences: Any,
) -> None:  # fmt: skip
    """Change the given settings of a reader; --interest replaces all interest words.

    Either all of them are changed or, where one is not possible, none.
    """
    if pause + resume + leave > 1 or (until and not pause):
        raise click.UsageError("choose one of --pause [--until DATE], --resume and --leave")
    chosen = _only_given(preferences)
    if not (chosen or interests or address or pause or resume or leave):
        raise click.UsageError("nothing to change: give at least one option")
    from larkpost.readers import subscriptions

    program, found = call.open_reader(email)
    status: StatusChange | None = (
        "pause" if pause else "resume" if resume else "leave" if leave else None
    )
    changed = subscriptions.change(
        program.store, found.id, now=call.now, address=address, words=interests or None,
        status=status, until=until, **chosen,
    )  # fmt: skip
    unmatched = find_unmatched(call, program, changed.interests[0].words if interests else ())
    if as_json:
        put_json(_record(program, changed) | {"unmatched": [one._asdict() for one in unmatched]})
    else:
        call.say(f"changed {_who(changed)}: {_schedule(changed)}")
        put_unmatched(call, unmatched)


@reader.command(short_help="Remove a reader.")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@pass_call
def remove(call: CliContext, email: str, yes: bool, as_json: bool) -> None:
    """Remove a reader with their address, thumbs and editions. This cannot be undone.

    Asks for confirmation; without a terminal, --yes is needed. `reader set EMAIL --leave` stops the
    emails and keeps the thumbs.
    """
    from larkpost.readers import subscriptions

    program, found = call.open_reader(email)
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            f"{_who(found)} was not removed: confirmation is needed, and there is no terminal",
            hint="--yes removes without asking; it cannot be undone",
        )
    if not yes:
        click.confirm(f"Remove {_who(found)} with all thumbs and editions?", abort=True, err=True)
    subscriptions.remove(
        program.store, found.id, outbox=program.places.maildir, returned=program.inbound_folder
    )
    record = {"reader": _who(found), "removed": True}
    call.report(record, f"removed {_who(found)}", as_json=as_json)


def _only_given(preferences: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in preferences.items() if value is not None}


def _who(one: Reader) -> str:
    return printable(one.address or one.uid)


def _record(program: Program, one: Reader) -> dict[str, object]:
    from larkpost.cli.result_json import of_reader

    return of_reader(one, program.links)


def _status(one: Reader, hold: SendingHold | None, returned: list[Bounce]) -> dict[str, str]:
    """Print a reader's status: whether messages are sent, else reason and remedy; and bounces."""
    from larkpost.mail.sending_hold import describe_bounce

    rows = {"status": str(one.status)}
    if hold is not None:
        rows |= {"sent nothing": hold.reason, "to change that": hold.hint}
    if returned:
        rows["bounces"] = f"{len(returned)}, {describe_bounce(returned[-1])}"
    return rows


def _feeds(program: Program, one: Reader) -> dict[str, str]:
    if not one.feed_key:
        return {"feed": "disabled"}
    forms: tuple[FeedFormat, ...] = ("rss", "atom", "json")
    return {f"feed ({form})": program.links.feed(one, form) for form in forms}


def _schedule(one: Reader) -> str:
    from larkpost.settings import day_names

    days = "every day" if len(one.weekdays) == 7 else ", ".join(day_names(one.weekdays))
    when = f"weekly, first of {days}" if one.weekly else days
    following = f"; next edition {_local(one)}" if one.next_slot else f"; {one.status}"
    count = quantity(one.papers_per_edition, "paper")
    return f"{count}, {when} at {one.send_time:%H:%M} {_zone(one)}{following}"


def _local(one: Reader) -> str | None:
    from larkpost.schedule import local_time

    if one.next_slot is None:
        return None
    return f"{local_time(one.zone, one.next_slot):%Y-%m-%d %H:%M}"


def _zone(one: Reader) -> str:
    from larkpost.schedule import is_available

    return (
        one.zone if is_available(one.zone) else f"{one.zone} (unknown on this machine; UTC is used)"
    )


for command in (import_library, rate, feed):
    reader.add_command(command)
COMMANDS = (reader,)
