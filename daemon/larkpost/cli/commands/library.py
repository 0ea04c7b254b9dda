"""Commands that begin a taste: reader import-library, reader rate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from larkpost.cli.commands.interests import find_interest
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put, put_json, put_table
from larkpost.text.plurals import quantity, thumbs

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Paper, Reader

LONGEST = 10_000_000  # characters of a list of references


@click.command("import-library", short_help="Give thumbs up to papers already read.")
@click.argument("email")
@click.argument("sources", nargs=-1, required=True, metavar="FILE|ID…")
@click.option(
    "--interest",
    metavar="NAME",
    help="The interest that the thumbs are for; default: the reader's first one.",
)
@json_option
@pass_call
def import_library(
    call: CliContext, email: str, sources: Sequence[str], interest: str | None, as_json: bool
) -> None:
    """Give a thumb up of the reader EMAIL to papers they have read and liked.

    FILE is BibTeX, RIS, an export of Zotero, or a list of identifiers and links; - is standard
    input; ID is scheme:value or a link.
    """
    from larkpost.readers import onboarding

    program, reader = call.open_reader(email)
    interest_id = find_interest(reader, interest).id if interest else None
    names = [source for source in sources if not _is_file(source)]
    known = _like(call, program, reader, names, interest_id)
    texts = [_read(source) for source in sources if _is_file(source)]
    texts.append("\n".join(name for name in names if name not in known))
    begun = [
        onboarding.from_references(
            program.store, reader.id, text, now=call.now, interest_id=interest_id
        )
        for text in texts
    ]
    liked = sum(known.values()) + sum(one.liked for one in begun)
    new = sum(one.new for one in begun)
    unknown = [name for one in begun for name in one.unknown]
    if as_json:
        who = reader.address or reader.uid
        put_json({"reader": who, "liked": liked, "new": new, "unknown": unknown})
        return
    call.say(f"{thumbs(liked, 'up')}; {quantity(new, 'paper')} added")
    for name in unknown:
        put(f"not known here, and has no title: {printable(name)}")


@click.command(short_help="List ten papers that are most useful to rate.")
@click.argument("email")
@click.option(
    "--page", type=click.IntRange(1, 50), default=1, metavar="N",
    help="The second ten, the third, …",
)  # fmt: skip
@json_option
@pass_call
def rate(call: CliContext, email: str, page: int, as_json: bool) -> None:
    """List ten papers that the reader EMAIL has not rated yet, and that are most useful to rate.

    `larkpost vote EMAIL PAPER up` (or down) gives a thumb; --page 2 lists ten more papers.
    """
    program, reader = call.open_reader(email)
    _put_to_rate(_to_rate(call, program, reader, page), as_json=as_json)


def _like(
    call: CliContext,
    program: Program,
    reader: Reader,
    names: Sequence[str],
    interest_id: int | None,
) -> dict[str, bool]:
    """Give a thumb up to stored papers; returns by name whether the thumb is new."""
    from larkpost.db import papers, votes
    from larkpost.domain import Thumb
    from larkpost.readers import record_votes
    from larkpost.text.identifiers import parse_identifier

    known: dict[str, bool] = {}
    for name in names:
        with program.store.read() as connection:
            paper = papers.by_identifier(connection, parse_identifier(name))
            voted = paper and votes.one(connection, reader.id, paper.id)
        if paper:
            known[name] = voted is None
        if paper and not voted:
            record_votes.cast(
                program.store,
                reader.id,
                paper.id,
                Thumb.UP,
                source="import",
                now=call.now,
                interest_id=interest_id,
            )
    return known


def _is_file(source: str) -> bool:
    return source == "-" or Path(source).is_file()


def _read(source: str) -> str:
    from larkpost.formats.decoding import decode

    raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    return decode(raw)[:LONGEST]


def _to_rate(call: CliContext, program: Program, reader: Reader, page: int) -> list[Paper]:
    from larkpost.db import votes
    from larkpost.editions.model_cache import fresh_space
    from larkpost.readers import onboarding

    space = fresh_space(program.store, program.ranker, now=call.now)
    with program.store.read() as connection:
        known = {vote.paper_id for vote in votes.of(connection, reader.id)}
        pool = onboarding.rating_pool(connection, space, now=call.now, window=program.window)
    ten = pool.choose(known)
    for _ in range(1, page):
        known |= {paper.id for paper in ten}
        ten = pool.choose(known)
    return ten


def _put_to_rate(papers: Sequence[Paper], *, as_json: bool) -> None:
    from larkpost.portability.records import paper_line

    if as_json:
        put_json(*map(paper_line, papers))
        return
    if not papers:
        put("There are no papers to rate. Read a dump first: larkpost ingest FILE")
        return
    put("These are most useful to rate (larkpost vote EMAIL PAPER up, or down):")
    put_table(["paper", "title"], [[paper.identifier, paper.title] for paper in papers])
