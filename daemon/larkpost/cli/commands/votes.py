"""The commands that take thumbs, and take them back."""

from __future__ import annotations

from datetime import datetime

import click

from larkpost.cli import params
from larkpost.cli.command_list import DefaultCommandGroup
from larkpost.cli.commands.interests import find_interest
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put_json
from larkpost.text.plurals import quantity

SAID = {"up": "thumbs up", "down": "thumbs down", "clear": "no thumb"}


@click.command("vote", short_help="Give a paper a thumb, or take thumbs back.")
@click.argument("email")
@click.argument("paper")
@click.argument("thumb", type=click.Choice(["up", "down", "clear"]))
@click.option(
    "--interest", metavar="NAME", help="The interest it is for; default: the one that picked it."
)
@json_option
@pass_call
def cast_vote(
    call: CliContext, email: str, paper: str, thumb: str, interest: str | None, as_json: bool
) -> None:
    """Give a thumb to PAPER for the reader EMAIL, or take it back with clear.

    PAPER is scheme:value (arxiv:2508.13426), a URL, or a position in the latest edition (3). The
    last thumb wins; the next ranking heeds it at once.

    `larkpost vote clear EMAIL --since MOMENT` takes back all thumbs of a span of time.
    """
    from larkpost.readers import record_votes

    program, reader = call.open_reader(email)
    with program.store.read() as connection:
        found = record_votes.resolve(connection, reader, paper)
    choice = record_votes.read_thumb(thumb)
    before = record_votes.cast(
        program.store,
        reader.id,
        found.id,
        choice,
        source="command",
        now=call.now,
        interest_id=find_interest(reader, interest).id if interest else None,
    )
    record = {
        "reader": reader.address or reader.uid,
        "paper": str(found.identifier),
        "thumb": None if choice is None else int(choice),
        "before": None if before is None else int(before.thumb),
        "title": found.title,
    }
    changed = (
        "" if before is None or before.thumb == choice else f" (was {before.thumb.name.lower()})"
    )
    told = f"{SAID[thumb]}: {printable(found.title)} [{printable(found.identifier)}]{changed}"
    call.report(record, told, as_json=as_json)


vote = DefaultCommandGroup("vote", default=cast_vote, short_help=cast_vote.short_help)


@vote.command(short_help="Take back all thumbs of a span of time.")
@click.argument("email")
@click.option(
    "--since", required=True, type=params.moment, metavar="MOMENT", help="From this moment on."
)
@click.option("--until", type=params.moment, metavar="MOMENT", help="Before this moment.")
@json_option
@pass_call
def clear(
    call: CliContext, email: str, since: datetime, until: datetime | None, as_json: bool
) -> None:
    """Take back every thumb of the reader EMAIL since a moment, whoever or whatever gave them.

    A thumb that one of these had replaced does not come back: the last one wins, and is all that
    is kept. With --json the lines are those of votes.jsonl: `import --votes` gives them again.
    """
    from larkpost.db import papers
    from larkpost.portability.records import vote_line
    from larkpost.readers import record_votes

    if until is not None and until <= since:
        raise click.BadParameter("The end comes before the beginning.", param_hint="--until")
    program, reader = call.open_reader(email)
    gone = record_votes.roll_back(program.store, reader.id, now=call.now, since=since, until=until)
    with program.store.read() as connection:
        known = papers.get(connection, {one.paper_id for one in gone})
    if as_json:
        put_json(*(vote_line(one, reader, str(known[one.paper_id].identifier)) for one in gone))
    else:
        call.say(f"{quantity(len(gone), 'thumb')} taken back")


@click.command(short_help="Forget the thumbs before a moment, or bring them back.")
@click.argument("email")
@click.option("--before", type=params.moment, metavar="MOMENT", help="Forget those before it.")
@click.option("--undo", is_flag=True, help="Bring back those that were forgotten last.")
@json_option
@pass_call
def forget(
    call: CliContext, email: str, before: datetime | None, undo: bool, as_json: bool
) -> None:
    """Forget every thumb that the reader EMAIL gave before a moment.

    It is for a reader who looks for other things now. The thumbs count for nothing any more. With
    --undo those of the last time come back, within 30 days; a newer thumb on a paper stays.
    """
    from larkpost.readers import record_votes

    if (before is None) != undo:
        raise click.UsageError("Say either --before MOMENT or --undo.")
    program, reader = call.open_reader(email)
    if before is None:
        count = record_votes.remember(program.store, reader.id)
    else:
        count = len(record_votes.forget(program.store, reader.id, before, now=call.now))
    record = {"reader": reader.address or reader.uid, "restored" if undo else "forgotten": count}
    told = "brought back" if undo else "forgotten; --undo brings them back"
    call.report(record, f"{quantity(count, 'thumb')} {told}", as_json=as_json)


COMMANDS = (vote, forget)
