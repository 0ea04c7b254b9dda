"""Commands that store thumbs, and delete them."""

from __future__ import annotations

from datetime import datetime

import click

from larkpost.cli import params
from larkpost.cli.command_list import DefaultCommandGroup
from larkpost.cli.commands.interests import find_interest
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put_json
from larkpost.text.plurals import quantity

SAID = {"up": "thumb up", "down": "thumb down", "clear": "no thumb"}


@click.command("vote", short_help="Give a paper a thumb, or delete thumbs.")
@click.argument("email")
@click.argument("paper")
@click.argument("thumb", type=click.Choice(["up", "down", "clear"]))
@click.option(
    "--interest",
    metavar="NAME",
    help="The interest that the thumb is for; default: the one that picked the paper.",
)
@json_option
@pass_call
def cast_vote(
    call: CliContext, email: str, paper: str, thumb: str, interest: str | None, as_json: bool
) -> None:
    """Give PAPER a thumb from the reader EMAIL; clear deletes it.

    PAPER is scheme:value (arxiv:2508.13426), a URL, or a position in the latest edition (3). The
    last thumb wins, and counts in the next ranking.

    `larkpost vote clear EMAIL --since MOMENT` deletes all thumbs of a period.
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


@vote.command(short_help="Delete all thumbs of a period.")
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
    """Delete all thumbs of the reader EMAIL since a moment, whoever or whatever gave them.

    Earlier thumbs on the same papers do not come back, because only the last one is stored. With
    --json, the lines are those of votes.jsonl: `import --votes` restores them.
    """
    from larkpost.db import papers
    from larkpost.portability.records import vote_line
    from larkpost.readers import record_votes

    if until is not None and until <= since:
        raise click.BadParameter("the end is not after the start", param_hint="--until")
    program, reader = call.open_reader(email)
    gone = record_votes.roll_back(program.store, reader.id, now=call.now, since=since, until=until)
    with program.store.read() as connection:
        known = papers.get(connection, {one.paper_id for one in gone})
    if as_json:
        put_json(*(vote_line(one, reader, str(known[one.paper_id].identifier)) for one in gone))
    else:
        call.say(f"{quantity(len(gone), 'thumb')} deleted")


@click.command(short_help="Forget the thumbs before a moment, or restore them.")
@click.argument("email")
@click.option(
    "--before", type=params.moment, metavar="MOMENT", help="Forget the thumbs before this moment."
)
@click.option("--undo", is_flag=True, help="Restore the thumbs that were forgotten last.")
@json_option
@pass_call
def forget(
    call: CliContext, email: str, before: datetime | None, undo: bool, as_json: bool
) -> None:
    """Forget all thumbs that the reader EMAIL gave before a moment.

    For a reader whose interests have changed. Forgotten thumbs do not count any more. --undo
    restores them within 30 days; newer thumbs on the same papers stay.
    """
    from larkpost.readers import record_votes

    if (before is None) != undo:
        raise click.UsageError("give either --before MOMENT or --undo")
    program, reader = call.open_reader(email)
    if before is None:
        count = record_votes.remember(program.store, reader.id)
    else:
        count = len(record_votes.forget(program.store, reader.id, before, now=call.now))
    record = {"reader": reader.address or reader.uid, "restored" if undo else "forgotten": count}
    said = "restored" if undo else "forgotten; --undo restores them"
    call.report(record, f"{quantity(count, 'thumb')} {said}", as_json=as_json)


COMMANDS = (vote, forget)
