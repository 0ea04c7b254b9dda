"""Commands about the interests of readers: interest list, set, remove."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put_json, put_table
from larkpost.errors import UsageError
from larkpost.text.plurals import sentence

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Interest, Reader
    from larkpost.readers.interest_hints import UnmatchedWord


@click.group(short_help="List, set or remove the named interests of a reader.")
def interest() -> None:
    """Give a reader several interests, each with its own words, thumbs and share of the edition."""


@interest.command("list", short_help="List the interests of a reader.")
@click.argument("email")
@json_option
@pass_call
def list_interests(call: CliContext, email: str, as_json: bool) -> None:
    """List the interests of the reader EMAIL, with the number of thumbs of each."""
    program, found = call.open_reader(email)
    records = _records(program, found)
    if as_json:
        put_json(*records)
        return
    put_table(
        ["interest", "quota", "up", "down", "words"],
        [[r["name"], r["quota"], r["up"], r["down"], ", ".join(r["words"])] for r in records],
    )


@interest.command("set", short_help="Add or change an interest.")
@click.argument("email")
@click.argument("name")
@click.option(
    "--words",
    multiple=True,
    metavar="WORDS",
    help="Words to start from, replacing the present ones; may be given several times.",
)
@click.option(
    "--quota",
    type=click.IntRange(1, 100),
    metavar="N",
    help="Share of the edition: interests with 2 and 1 get two thirds and one third.",
)
@json_option
@pass_call
def set_interest(
    call: CliContext, email: str, name: str, words: Sequence[str], quota: int | None, as_json: bool
) -> None:  # fmt: skip
    """Make the interest NAME of the reader EMAIL, or change what is given of it.

    A new interest starts from its words. Thumbs on papers that it picked, or given with
    `vote --interest`, count for it.
    """
    from larkpost.readers import interests

    program, reader = call.open_reader(email)
    before = {one.name: one for one in reader.interests}.get(name)
    interests.set_interest(
        program.store,
        reader.id,
        name,
        words=words or (before.words if before else ()),
        quota=quota or (before.quota if before else 1),
    )
    changed = call.reader(program, reader.uid)
    record = next(r for r in _records(program, changed) if r["name"] == name.strip())
    unmatched = find_unmatched(call, program, record["words"] if words else ())
    if as_json:
        put_json(record | {"unmatched": [one._asdict() for one in unmatched]})
        return
    about = ", ".join(record["words"]) or "no words yet"
    call.say(f"{printable(record['name'])}: {printable(about)}; quota {record['quota']}")
    put_unmatched(call, unmatched)


@interest.command("remove", short_help="Remove an interest.")
@click.argument("email")
@click.argument("name")
@json_option
@pass_call
def remove_interest(call: CliContext, email: str, name: str, as_json: bool) -> None:
    """Remove the interest NAME of the reader EMAIL; its thumbs go to the first one left."""
    program, reader = call.open_reader(email)
    from larkpost.readers import interests

    interests.remove_interest(program.store, reader.id, name)
    record = {"reader": reader.address or reader.uid, "interest": name, "removed": True}
    call.report(record, f"removed {printable(name)}", as_json=as_json)


def find_unmatched(call: CliContext, program: Program, words: Sequence[str]) -> list[UnmatchedWord]:
    """List the given words that match nothing in the model; without words nothing is loaded."""
    from larkpost.readers.interest_hints import check_words

    return check_words(program.store, program.ranker, words, now=call.now) if words else []


def put_unmatched(call: CliContext, unmatched: Sequence[UnmatchedWord]) -> None:
    """Print a line for each word that matches nothing in the model."""
    from larkpost.readers.interest_hints import describe

    for one in unmatched:
        call.say(sentence(printable(describe(one))))


def find_interest(reader: Reader, name: str) -> Interest:
    """Find an interest of a reader by its name; raises UsageError."""
    for one in reader.interests:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in reader.interests)
    raise UsageError(f"there is no interest called {printable(name)!r}", hint=f"there are: {names}")


def _records(program: Program, reader: Reader) -> list[dict[str, Any]]:
    from larkpost.db import votes

    main = reader.interests[0].id
    with program.store.read() as connection:
        cast = votes.of(connection, reader.id)
    thumbs = [(vote.interest_id or main, int(vote.thumb)) for vote in cast]
    return [
        {
            "reader": reader.address or reader.uid,
            "name": one.name,
            "words": list(one.words),
            "quota": one.quota,
            "up": thumbs.count((one.id, 1)),
            "down": thumbs.count((one.id, -1)),
        }
        for one in reader.interests
    ]


COMMANDS = (interest,)
