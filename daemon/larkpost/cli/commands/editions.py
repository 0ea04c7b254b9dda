"""Commands about editions: publish, preview."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, get_args

import click

from larkpost.cli import params
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put, put_json
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Edition, Reader
    from larkpost.editions.publish import EditionRequest, PublishResult

Form = Literal["html", "text", "eml", "rss", "atom", "json"]
FORMATS: tuple[Form, ...] = get_args(Form)
FEED_EDITIONS = 30


@click.command(short_help="Publish editions.")
@click.argument("emails", nargs=-1, metavar="[EMAIL…]")
@click.option("--due", is_flag=True, help="All readers whose edition is due by their own schedule.")
@click.option("--all", "everybody", is_flag=True, help="Every active reader, due or not.")
@click.option("--date", "day", type=params.day, metavar="D", help="The edition of this local day.")
@json_option
@pass_call
def publish(
    call: CliContext,
    emails: Sequence[str],
    due: bool,
    everybody: bool,
    day: date | None,
    as_json: bool,
) -> int:
    """Publish editions: pick the papers, store them, and put the newsletters into the outbox.

    Without an address, --due is meant. Each reader has one edition per day; publishing again
    changes nothing. `larkpost deliver` sends the newsletters. Ends with 1 where an edition failed.
    """
    if (bool(emails) + due + everybody > 1) or (due and day):
        raise click.UsageError("name readers, or give --all, or --due (without --date)")
    from larkpost.cli.result_json import of_result
    from larkpost.editions import publish as publishing

    program = call.program()
    occasions, lost = _occasions(call, program, emails, day, everybody=everybody)
    results = [*lost, *publishing.publish(program.publish_context, occasions, now=call.now)]
    for result in results:
        if as_json:
            put_json(of_result(result))
        else:
            tell = put if result.outcome is publishing.PublishOutcome.FAILED else call.say
            tell(_sentence(result))
    if not results and not as_json:
        call.say("Nothing is due. To publish anyway: larkpost publish EMAIL")
    return 1 if any(one.outcome is publishing.PublishOutcome.FAILED for one in results) else 0


def _occasions(
    call: CliContext, program: Program, emails: Sequence[str], day: date | None, *, everybody: bool
) -> tuple[list[EditionRequest], list[PublishResult]]:
    """Return the requested editions, and the requests that cannot be resolved."""
    from larkpost.db import readers
    from larkpost.domain import Status
    from larkpost.editions import publish as publishing
    from larkpost.editions.clock_correction import recover_from_future

    if emails:
        named = [call.reader(program, email) for email in dict.fromkeys(emails)]
        return [publishing.by_hand(reader, call.now, day) for reader in named], []
    recover_from_future(program.store, now=call.now)
    with program.store.read() as connection:
        if everybody or day:
            chosen = readers.all(connection, Status.ACTIVE)
            return [publishing.by_hand(reader, call.now, day) for reader in chosen], []
        return publishing.all_due(readers.due(connection, call.now, limit=10_000), call.now)


def _sentence(result: PublishResult) -> str:
    from larkpost.editions.publish import PublishOutcome
    from larkpost.portability.records import name_of

    who, when = printable(name_of(result.request.reader)), result.request.day
    papers = quantity(len(result.edition.picks) if result.edition else 0, "paper")
    return {
        PublishOutcome.PUBLISHED: f"{who}: edition of {when} with {papers}",
        PublishOutcome.ALREADY_PUBLISHED: (
            f"{who}: the edition of {when} is published already, with {papers}"
        ),
        PublishOutcome.EMPTY: f"{who}: no edition on {when}, there are no new papers",
        PublishOutcome.BELOW_THRESHOLD: (
            f"{who}: no edition on {when}, every paper is below the threshold"
        ),
        PublishOutcome.FAILED: f"{who}: the edition of {when} failed: {printable(result.fault)}",
    }[result.outcome]


@click.command(short_help="Print an edition as HTML, text, email or feed.")
@click.argument("email")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="The format to print.",
)
@click.option("--date", "day", type=params.day, metavar="D", help="The edition of this local day.")
@pass_call
def preview(call: CliContext, email: str, form: Form, day: date | None) -> None:
    """Print a reader's edition of today, or a draft of it where it is not published yet."""
    program, reader = call.open_reader(email)
    edition = edition_of(call, program, reader, day)
    sys.stdout.buffer.write(_render(program, edition, form))


def edition_of(call: CliContext, program: Program, reader: Reader, day: date | None) -> Edition:
    """Return the published edition, or else a draft of it; the default day is today."""
    from larkpost.db import editions
    from larkpost.editions import publish as publishing

    request = publishing.by_hand(reader, call.now, day)
    with program.store.read() as connection:
        out = editions.on(connection, reader.id, request.day)
    return out or publishing.draft(program.publish_context, request, now=call.now)


def _render(program: Program, edition: Edition, form: Form) -> bytes:
    from larkpost.db import editions

    renderer = program.renderer
    if form == "html":
        return renderer.html(edition).encode()
    if form == "text":
        return renderer.text(edition).encode()
    if form == "eml":
        (message,) = program.replyable_renderer.newsletter([edition])
        return message.content
    with program.store.read() as connection:
        earlier = editions.latest(connection, edition.reader.id, limit=FEED_EDITIONS)
    others = [one for one in earlier if one.date < edition.date]
    return renderer.feed([edition, *others], form)


COMMANDS = (publish, preview)
