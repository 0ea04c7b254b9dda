"""The command that measures the quality of readers' rankings: evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put, put_json, put_table, waiting
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Reader
    from larkpost.ranking import ReplayReport
    from larkpost.ranking.evaluation.metrics import Estimate, Measures
    from larkpost.ranking.exploration.stream_coverage import Coverage


@click.command(short_help="Measure how well readers' thumbs were predicted.")
@click.argument("emails", nargs=-1, metavar="[EMAIL…]")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a report with charts into one HTML file.",
)
@json_option
@pass_call
def evaluate(call: CliContext, emails: Sequence[str], page: Path | None, as_json: bool) -> None:
    """Replay readers' thumbs day by day, and compare with other ways of ranking.

    The scores of a day use only thumbs of earlier days. Without EMAIL, all readers with ten thumbs
    or more are replayed.
    """  # fmt: skip
    from larkpost.editions.evaluate import evaluate as measure

    if page and (page.is_symlink() or (page.exists() and not page.is_file())):
        raise click.BadParameter(f"{page} is a link, or not a file", param_hint="--html")
    program = call.program()
    asked = _select_readers(call, program, emails)
    found: list[tuple[Reader, ReplayReport]] = []
    with waiting("replaying thumbs") as step:
        for done, reader in enumerate(asked, start=1):
            report = measure(program.store, program.ranker, reader, fewest=1)
            found.append((reader, report))
            if step:
                step(done, len(asked))
    if page:
        from larkpost.render.evaluation_report import report_page
        from larkpost.safe_files import atomic_write

        content = report_page([(_who(one), report) for one, report in found])
        atomic_write(page, content.encode())
    for reader, report in found:
        if as_json:
            put_json({"reader": _who(reader)} | asdict(report))
        else:
            _put_report(reader, report)
    if not found and not as_json:
        put("No reader has ten thumbs yet; name a reader to replay fewer.")
    if page and not as_json:
        put(f"charts: {printable(page)}")


def _select_readers(call: CliContext, program: Program, emails: Sequence[str]) -> list[Reader]:
    from larkpost.db import readers, votes
    from larkpost.editions.evaluate import FEWEST

    if emails:
        return [call.reader(program, email) for email in dict.fromkeys(emails)]
    with program.store.read() as connection:
        everybody = readers.all(connection)
        cast = votes.of_many(connection, [reader.id for reader in everybody])
    return [reader for reader in everybody if len(cast[reader.id]) >= FEWEST]


def _who(reader: Reader) -> str:
    return reader.address or reader.uid


def _put_report(reader: Reader, report: ReplayReport) -> None:
    cast, days = quantity(report.votes, "thumb"), quantity(report.days, "day")
    put(f"{printable(_who(reader))}: {cast}, {days} to measure")
    _put_coverage(report.coverage)
    if not report.days:
        put("  no day had both a liked paper and another one, so nothing can be measured yet")
        return
    _put_measures("ranked by", report.systems)
    _put_measures("larkpost is better than", report.gains)
    if report.calibration_error is not None:
        put(f"mean error of the probabilities (calibration error): {report.calibration_error:.3f}")
        put_table(
            ["predicted", "papers", "predicted on average", "observed"],
            [
                [f"{one.low:.0%} to {one.high:.0%}", one.papers, one.predicted, one.observed]
                for one in report.calibration
            ],
        )
    put_table(
        ["thumbs before", "days", "AUC", "nDCG@10"],
        [[one.votes, one.days, one.auc, one.ndcg] for one in report.learning],
    )
    for month in report.drift:
        put(f"{month.month}: " + ", ".join(printable(weight.term) for weight in month.terms))
    if report.off_policy:
        for name, value in (
            ("the likeliest paper", report.off_policy.likeliest),
            ("a random candidate", report.off_policy.any_paper),
        ):
            put(f"with {name} in the last place, liked: {interval(value.ips)} (IPS),")
            put(f"  {interval(value.snips)} (SNIPS)")


def _put_coverage(coverage: Coverage | None) -> None:
    """Print the coverage, because the measures know only shown papers."""
    if coverage is None:
        return
    topics = f"{coverage.never_shown_regions} of {quantity(coverage.regions, 'topic')}"
    put(f"never shown: {coverage.never_shown:.0%} of {quantity(coverage.papers, 'paper')},")
    put(f"  in {topics}; the measures below use only the rest")
    for one in coverage.largest:
        put(f"  {one.share:.0%} {', '.join(map(printable, one.terms))}")


def _put_measures(title: str, found: Mapping[str, Measures]) -> None:
    put_table(
        [title, "nDCG@10", "P@10", "AUC"],
        [
            [name, *(interval(of) for of in (one.ndcg, one.precision, one.auc))]
            for name, one in found.items()
        ],
    )


def interval(one: Estimate) -> str:
    """Format an estimate with its interval."""
    return f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]"


COMMANDS = (evaluate,)
