"""Commands about the secret address of a reader's feed: reader feed rotate, disable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable

if TYPE_CHECKING:
    from larkpost.readers.subscriptions import FeedChange


@click.group(short_help="Change or disable the secret address of a reader's feed.")
def feed() -> None:
    """Give a reader's feed another secret address, or disable it."""


@feed.command(short_help="Give the feed a new secret address.")
@click.argument("email")
@json_option
@pass_call
def rotate(call: CliContext, email: str, as_json: bool) -> None:
    """Give the feed of the reader EMAIL a new secret address; the old one stops working.

    This also enables a feed that was disabled.
    """
    _change(call, email, "renew", as_json=as_json)


@feed.command(short_help="Disable the feed, until it is rotated.")
@click.argument("email")
@json_option
@pass_call
def disable(call: CliContext, email: str, as_json: bool) -> None:
    """Disable the feed of the reader EMAIL; `rotate` enables it with a new address."""
    _change(call, email, "end", as_json=as_json)


def _change(call: CliContext, email: str, change: FeedChange, *, as_json: bool) -> None:
    from larkpost.cli.result_json import of_reader
    from larkpost.readers import subscriptions

    program, reader = call.open_reader(email)
    changed = subscriptions.change(program.store, reader.id, now=call.now, feed=change)
    told = f"feed of {printable(changed.address or changed.uid)} disabled"
    if changed.feed_key:
        told = f"feed: {program.links.feed(changed, 'rss')}"
    call.report(of_reader(changed, program.links), told, as_json=as_json)
