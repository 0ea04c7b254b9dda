"""Commands about mail: deliver, deliveries, send-test, receive-mail."""

from __future__ import annotations

import re
import signal
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put, put_json, put_table, tell, waiting
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Delivery, DeliveryState, Message
    from larkpost.mail.sending_hold import RequeuedDelivery

_MOST_DRAINED = 64 * 1024 * 1024  # bytes of a mail on standard input


@click.command(short_help="Send the emails that are due.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most this many emails.")
@click.option("--dry-run", is_flag=True, help="List the emails that would be sent, and send none.")
@json_option
@pass_call
def deliver(call: CliContext, limit: int | None, dry_run: bool, as_json: bool) -> int:
    """Send the emails that are planned, or deferred and due.

    Ends with 75 where emails wait: the mail server deferred them or does not answer, or the command
    was stopped (SIGTERM). Ends with 1 where the server refused an email, or it is unknown whether
    an email arrived.
    """
    from dataclasses import asdict

    from larkpost.cli.signals import finish_on
    from larkpost.db.coordination import clock_steadiness
    from larkpost.mail.deliver import deliver as send

    program = call.program()
    if dry_run:
        return _dry_run(program, call.now, limit, as_json=as_json)
    # The ticks do so, too; where none runs any more, no message would be given up.
    clock_steadiness.note(program.store, call.now)
    with finish_on(program, signal.SIGTERM, signal.SIGINT) as heard, waiting("emails") as progress:
        ledger = send(
            program.store,
            program.replyable_renderer,
            program.open_transport,
            now=call.now,
            limit=limit,
            holder=program.holder,
            stopped=program.stopping.is_set,
            progress=progress,
            per_domain=program.settings.mail.domain_hourly_limit,
            operator=program.settings.mail.admin_address,
        )
    counts = asdict(ledger)
    said = _in_words(counts) or ("Stopped." if heard else "No emails to send.")
    call.report(counts, said, as_json=as_json)
    if signal.SIGINT in heard:
        raise KeyboardInterrupt
    if ledger.failed or ledger.undecided:
        return 1
    return 75 if ledger.deferred or ledger.unknown or heard else 0


def _in_words(counts: dict[str, int]) -> str:
    """Describe the numbers of messages by state; undecided ones are included in the unknown."""
    named = {name: count for name, count in counts.items() if count and name != "undecided"}
    return ", ".join(f"{count} {name}" for name, count in named.items())


def _dry_run(program: Program, now: datetime, limit: int | None, *, as_json: bool) -> int:
    from larkpost.mail.deliver import would_go

    per_domain = program.settings.mail.domain_hourly_limit
    rows = would_go(program.store, now=now, limit=limit, per_domain=per_domain)
    _put_messages(program, rows, as_json=as_json)
    return 0


@click.command(short_help="List emails, and send failed ones again.")
@click.option(
    "--failed", is_flag=True, help="Emails that the mail server refused, or that were given up."
)
@click.option("--unknown", is_flag=True, help="Emails of which it is unknown whether they arrived.")
@click.option("--retry", is_flag=True, help="Send them again at the next delivery.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    metavar="N",
    help="At most this many.",
)
@json_option
@pass_call
def deliveries(
    call: CliContext, failed: bool, unknown: bool, retry: bool, limit: int, as_json: bool
) -> int:
    """List emails, the newest first: reader, state, and the last response of the server.

    With --retry, failed and unknown ones become due again, under their old Message-IDs. Ends with 1
    where one cannot, because its reader is sent nothing.
    """
    from larkpost.db.outbox import deliveries as outbox
    from larkpost.domain import DeliveryState

    program = call.program()
    chosen = [
        *([DeliveryState.FAILED] if failed else []),
        *([DeliveryState.UNKNOWN] if unknown else []),
    ]
    if retry:
        states = chosen or [DeliveryState.FAILED, DeliveryState.UNKNOWN]
        return _retry(program, states, limit, call.now, as_json=as_json)
    with program.store.read() as connection:
        rows = outbox.by_state(connection, chosen or list(DeliveryState), limit)
    _put_messages(program, rows, as_json=as_json)
    return 0


def _retry(
    program: Program, states: list[DeliveryState], limit: int, now: datetime, *, as_json: bool
) -> int:
    from larkpost.mail import sending_hold

    done = sending_hold.retry(program.store, states, limit=limit, now=now)
    going = [one.delivery for one in done if one.hold is None]
    if as_json:
        records = _records(program, [one.delivery for one in done])
        for record, one in zip(records, done, strict=True):
            hold = one.hold and {"reason": one.hold.reason, "hint": one.hold.hint}
            put_json(record | {"retried": one.hold is None, "hold": hold})
    else:
        if going or not done:
            _put_messages(program, going, as_json=False)
        if going:
            put(f"{len(going)} will be sent again: larkpost deliver")
        _tell_holds(done)
    return 0 if len(going) == len(done) else 1


def _tell_holds(done: list[RequeuedDelivery]) -> None:
    """Print on stderr the readers who are sent nothing, with reasons and remedies."""
    from larkpost.errors import Failure
    from larkpost.readers.subscriptions import who

    held = {one.reader.id: (one.reader, one.hold) for one in done if one.reader and one.hold}
    for reader, hold in held.values():
        message = f"nothing is sent again to {who(reader)}: {hold.reason}"
        tell(Failure(message, hint=f"{hold.hint}; then larkpost deliveries --retry"))


def _put_messages(program: Program, rows: list[Delivery], *, as_json: bool) -> None:
    records = _records(program, rows)
    if as_json:
        put_json(*records)
    elif records:
        put_table(
            ("date", "kind", "reader", "state", "attempts", "next attempt", "last response"),
            [
                tuple(
                    (record | {"next_attempt_at": _second(record["next_attempt_at"])})[name]
                    for name in _COLUMNS
                )
                for record in records
            ],
        )
    else:
        put("There are no such emails.")


def _second(moment: str | None) -> str | None:
    """Format a time without fractions of a second: RFC 3339, as in JSON."""
    return moment and re.sub(r"\.[0-9]+", "", moment)


_COLUMNS = ("date", "kind", "reader", "state", "attempts", "next_attempt_at", "last_response")


def _records(program: Program, rows: list[Delivery]) -> list[dict[str, Any]]:
    from larkpost.db import readers
    from larkpost.domain import DeliveryState
    from larkpost.portability.records import moment, name_of

    with program.store.read() as connection:
        people = readers.many(connection, {row.reader_id for row in rows if row.reader_id})
    waits = {DeliveryState.PLANNED, DeliveryState.DEFERRED}
    return [
        {
            "date": row.day.isoformat(),
            "kind": str(row.kind),
            "reader": name_of(people[row.reader_id]) if row.reader_id in people else "",
            "state": str(row.state),
            "attempts": row.attempts,
            "next_attempt_at": moment(row.next_attempt_at)
            if row.state in waits or _goes_once_more(row)
            else None,
            "last_response": row.last_response,
            "message_id": row.message_id,
        }
        for row in rows
    ]


def _goes_once_more(row: Delivery) -> bool:
    from larkpost.db.outbox.delivery_queue import AMBIGUOUS_ATTEMPTS
    from larkpost.domain import DeliveryState

    return row.state is DeliveryState.UNKNOWN and row.ambiguous_attempts <= AMBIGUOUS_ATTEMPTS


@click.command("send-test", short_help="Send an email to test the mail settings.")
@click.argument("address", metavar="ADDRESS")
@json_option
@pass_call
def send_test(call: CliContext, address: str, as_json: bool) -> None:
    """Send one email to an address with the mail settings, and say how it went.

    A reader gets their edition of today, or a draft of it; any other address gets a few lines.
    Nothing is stored, and the email has a Message-ID of its own.
    """
    program = call.program()
    message = _test_message(call, program, address)
    with program.open_transport() as transport:
        transport.send(message)
    where = program.settings.mail.transport
    record = {"to": message.recipient, "by": where, "message_id": message.message_id}
    said = f"The email to {printable(message.recipient)} was accepted ({where})."
    call.report(record, said, as_json=as_json)


def _test_message(call: CliContext, program: Program, address: str) -> Message:
    from secrets import token_hex

    from larkpost.cli.commands.editions import edition_of
    from larkpost.errors import UnknownReader
    from larkpost.mail.message_builder import under_its_name

    try:
        page = edition_of(call, program, call.reader(program, address), None)
        message = next(iter(program.replyable_renderer.newsletter([page])))
    except UnknownReader:
        lines = [
            "This is a test email, sent with larkpost send-test.",
            "It arrived, so the mail settings are right. You do not have to do anything.",
        ]
        message = program.renderer.report(address, "test email", lines, call.now)
    domain = message.message_id.rpartition("@")[2]
    return under_its_name(message, f"<test.{token_hex(12)}@{domain}")


@click.command("receive-mail", short_help="Read one inbound email from standard input.")
@json_option
@pass_call
def receive_mail(call: CliContext, as_json: bool) -> None:
    """Read one inbound email, to inbound.address, from standard input.

    It is a bounce, a reply with thumbs, a request to unsubscribe, or a digest of papers from one of
    inbound.digest_senders.

    For the pipe of a mail server. Ends with 75 where the server should try again later. An email
    that no mail program would send is refused, with a line in the log and exit code 0, because a
    mail server would bounce it after any other code.
    """
    from larkpost import logs
    from larkpost.errors import StoreError, TryAgainLater
    from larkpost.formats.mail.mail_parser import MOST_READ
    from larkpost.inbound.digest_mail import LARGEST_DIGEST
    from larkpost.inbound.maildir import receive_safely
    from larkpost.log_events import LogEvent

    program = call.program()
    digests = program.digests
    if program.mailboxes is None and digests is None:
        raise TryAgainLater("inbound.address is not set", hint="see docs/delivery.md")
    content, size = _read_mail(sys.stdin.buffer, LARGEST_DIGEST if digests else MOST_READ)
    try:
        result = receive_safely(
            program.store, program.mailboxes, content, now=call.now, size=size, digests=digests
        )
    except StoreError as error:
        raise TryAgainLater(str(error), hint=error.hint) from error
    if result.why:
        logs.get_logger(__name__).warning(LogEvent.INBOUND_REJECTED, reason=result.why)
    if as_json:
        why = {"reason": result.why} if result.why else {}
        papers = {"papers": result.papers, "new": result.new} if result.papers else {}
        put_json({"kind": str(result.meaning), "votes": result.votes, **papers, **why})
    else:
        cast = f", {quantity(result.votes, 'thumb')}" if result.votes else ""
        read = f", {quantity(result.papers, 'paper')}, {result.new} new" if result.papers else ""
        call.say(f"{result.meaning}{cast}{read}")


def _read_mail(stream: BinaryIO, most: int) -> tuple[bytes, int]:
    """Read a mail up to a limit; the rest is only counted, because a mail server must write it all.

    Reading stops after 64 MiB.
    """
    content = stream.read(most)
    size = len(content)
    while size < _MOST_DRAINED and (more := stream.read(most)):
        size += len(more)
    return content, size


COMMANDS = (deliver, deliveries, send_test, receive_mail)
