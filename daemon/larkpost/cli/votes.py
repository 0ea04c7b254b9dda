"""The command that takes thumbs."""

from __future__ import annotations

import click

from larkpost.cli.call import Call, pass_call
from larkpost.cli.interests import named
from larkpost.cli.output import json_option, put, put_json, shown

SAID = {"up": "thumbs up", "down": "thumbs down", "clear": "no thumb"}


@click.command(short_help="Give a paper a thumb, or take it back.")
@click.argument("email")
@click.argument("paper")
@click.argument("thumb", type=click.Choice(["up", "down", "clear"]))
@click.option(
    "--interest", metavar="NAME", help="The interest it is for; default: the one that picked it."
)
@json_option
@pass_call
def vote(
    call: Call, email: str, paper: str, thumb: str, interest: str | None, as_json: bool
) -> None:
    """Give a thumb to PAPER for the reader EMAIL, or take it back with clear.

    PAPER is scheme:value (arxiv:2508.13426), a URL, or a position in the latest edition (3). The
    last thumb wins; the next ranking heeds it at once.
    """
    from larkpost.flows import feedback

    program = call.program()
    reader = call.reader(program, email)
    with program.store.read() as connection:
        found = feedback.resolve(connection, reader, paper)
    choice = feedback.thumb_named(thumb)
    before = feedback.cast(
        program.store,
        reader.id,
        found.id,
        choice,
        via="command",
        now=call.now,
        interest_id=named(reader, interest).id if interest else None,
    )
    if as_json:
        put_json(
            {
                "reader": reader.address or reader.uid,
                "paper": str(found.identifier),
                "thumb": None if choice is None else int(choice),
                "before": None if before is None else int(before.thumb),
                "title": found.title,
            }
        )
        return
    changed = (
        "" if before is None or before.thumb == choice else f" (was {before.thumb.name.lower()})"
    )
    put(f"{SAID[thumb]}: {shown(found.title)} [{shown(found.identifier)}]{changed}")


COMMANDS = (vote,)
