"""Commands that show the model at work: rank, explain."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from larkpost.cli import params
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import bar, hint_line, json_option, printable, put, put_json, put_table

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Paper, Pick, Reader
    from larkpost.editions.recommend import ReaderRanking


@click.command(short_help="Rank papers for a reader, without changing anything.")
@click.argument("email", required=False)
@click.option("--all", "everybody", is_flag=True, help="Rank for every reader.")
@click.option(
    "--date",
    "day",
    type=params.day,
    metavar="D",
    help="Rank as of the end of this day (UTC) instead of now.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="Papers per reader; default: the reader's own number.",
)
@click.option(
    "--window",
    type=click.IntRange(1, 3660),
    metavar="DAYS",
    help="Papers that were first seen in so many days; default: ranking.window_days.",
)
@click.option("--again", is_flag=True, help="Include papers of earlier editions.")
@json_option
@pass_call
def rank(
    call: CliContext, email: str | None, everybody: bool, day: date | None, limit: int | None,
    window: int | None, again: bool, as_json: bool,
) -> None:  # fmt: skip
    """Rank the papers of the window for a reader, without changing anything.

    Papers with a thumb, papers of earlier editions (unless --again is given) and near-duplicates
    are left out.
    """
    if everybody == (email is not None):
        raise click.UsageError("name one reader, or give --all")
    from larkpost.editions import recommend

    program = call.program()
    question = recommend.RankingRequest(
        at=call.now if day is None else recommend.end_of(day),
        window=program.window if window is None else timedelta(days=window),
        limit=limit,
        again=again,
        thumb_count_step=program.settings.web.thumb_count_step,
        exploration=program.settings.ranking.exploration if limit is None else 0.0,
    )
    asked = [call.reader(program, email)] if email else _everybody(program)
    rankings = recommend.rank(program.store, program.ranker, asked, question, now=call.now)
    for reader in asked:
        if as_json:
            _put_lines(program, reader, rankings[reader.id])
        else:
            _put_ranking(reader, rankings[reader.id], named=everybody)


def _everybody(program: Program) -> list[Reader]:
    from larkpost.db import readers

    with program.store.read() as connection:
        return readers.all(connection)


def _put_lines(program: Program, reader: Reader, ranking: ReaderRanking) -> None:
    from larkpost.portability.records import ranking_line

    put_json(*(ranking_line(p, reader) | _addresses(program, p.paper) for p in ranking.picks))


def _addresses(program: Program, paper: Paper) -> dict[str, str | None]:
    """Print a paper's page on this site and its own link."""
    from larkpost.render.wording import link_of

    return {"page": program.links.paper(paper.uid), "url": link_of(paper) or None}


def _put_ranking(reader: Reader, ranking: ReaderRanking, *, named: bool) -> None:
    from larkpost.portability.records import name_of

    if named:
        put(printable(name_of(reader)))
    if not ranking.picks:
        below = f"; {ranking.below} are below the threshold" if ranking.below else ""
        put(f"No papers for {printable(name_of(reader))}{below}.")
        put(hint_line("run larkpost status to see why; --window DAYS looks further back"))
        return
    put_table(
        ["", "match", "paper", "title", "because of"],
        [
            [
                pick.position,
                _percentage(pick.shown_probability),
                pick.paper.identifier,
                pick.paper.title,
                because(pick),
            ]
            for pick in ranking.picks
        ],
    )


def _percentage(chance: float | None) -> str | None:
    return None if chance is None else f"{chance:.0%}"


def because(pick: Pick) -> str:
    """Return the reason of a pick in a few words, as in the newsletter."""
    from larkpost.render.wording import reason

    like = f"like “{pick.similar_paper.title}”" if pick.similar_paper else ""
    return (
        "; ".join(part for part in (", ".join(reason(pick).terms), like) if part) or "newest first"
    )


@click.command(short_help="Show why a paper is ranked where it is.")
@click.argument("email")
@click.argument("paper")
@json_option
@pass_call
def explain(call: CliContext, email: str, paper: str, as_json: bool) -> None:
    """Show why PAPER is ranked where it is for the reader EMAIL: terms, weights, similarity.

    PAPER is scheme:value, a URL, or a position in the latest edition. Bars to the right raise the
    score, bars to the left lower it.
    """
    from larkpost.editions import recommend
    from larkpost.portability.records import explanation_line
    from larkpost.readers import record_votes

    program, reader = call.open_reader(email)
    with program.store.read() as connection:
        found = record_votes.resolve(connection, reader, paper)
    pick = recommend.explain_paper(program.store, program.ranker, reader, found, now=call.now)
    if as_json:
        put_json(explanation_line(pick, reader) | _addresses(program, found))
        return
    put(f"{printable(found.title)} [{printable(found.identifier)}]")
    chance = _percentage(pick.shown_probability) or "unknown before the first thumb up"
    put(f"match: {chance} (score {pick.score:+.3f})")
    near = pick.nearest
    if near and near.id == found.id:
        put("nearest liked paper: this one; it has a thumb up")
    elif near:
        put(f"nearest liked paper: {printable(near.title)} [{printable(near.identifier)}]")
        said = "" if pick.similar_paper else ", too little to be shown as a reason"
        put(f"  similarity {pick.similarity or 0:.2f}{said}")
    else:
        put("nearest liked paper: none yet; ranked by interest words, or by date")
    _put_weights(pick)


def _put_weights(pick: Pick) -> None:
    if not (pick.positive_terms or pick.negative_terms):
        put("none of its terms is known to matter to this reader yet")
        return
    told = [
        (one.weight, printable(one.term))
        for one in (*pick.positive_terms, *reversed(pick.negative_terms))
    ]
    told += [(pick.others, "(all its other terms)"), (pick.bias, "(the same for all papers)")]
    largest = max(abs(weight) for weight, _ in told)
    for weight, name in told:
        drawn = bar(weight, largest)
        left, right = ("", drawn) if weight >= 0 else (drawn, "")
        put(f"  {weight:+.3f}  {left:>12}|{right:<12}  {name}".rstrip())


COMMANDS = (rank, explain)
