"""The demo: a new home, the sample dump, a reader, a few thumbs, and their effects."""

from __future__ import annotations

import shutil
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from larkpost.cli.commands.demo_output import DemoResult, print_demo
from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, put_json, waiting

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.domain import Edition, Paper, Pick, Reader
    from larkpost.ingest.ingest import IngestReport

MARK = ".larkpost-demo"
MARK_TEXT = "`larkpost demo` made this folder, and makes it again when it is called again.\n"
MADE = ("larkpost.db*", "inbox", "mail", "secret.key", "newsletter.*", "feed.*")
ADDRESS = "you@example.org"
# One theme is liked, two others are not; the sample's other papers on it show the effect.
THUMBS = (
    ("A Survey on Inference Optimization Techniques for Mixture of Experts Models", "up"),
    ("Beyond Standard MoE: Mixture of Latent Experts", "up"),
    ("MoETuner: Optimized Mixture of Expert Serving", "up"),
    ("Bio-inspired computational memory model of the Hippocampus", "down"),
    ("Computing Power and the Governance of Artificial Intelligence", "down"),
)
CAPTURED = (8, 7)  # month and day in the sample, which has no year


@click.command(short_help="Make an edition from the sample, and watch thumbs change it.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder to use; default: ./larkpost-demo.",
)
@json_option
@pass_call
def demo(call: CliContext, folder: Path | None, as_json: bool) -> None:
    """Make an edition from the sample dump, offline, and show how thumbs change it.

    All files are in one folder, which is made again when the demo is called again. The demo ignores
    environment variables and settings files elsewhere, and changes nothing outside its folder.
    """
    home = (folder or call.home or Path("larkpost-demo")).absolute()
    program = _fresh(call, home)
    result = _run_demo(program, home, call.now)
    if as_json:
        put_json(_record(result))
        return
    print_demo(result)


def _fresh(call: CliContext, home: Path) -> Program:
    """Clear the demo's folder, or create it; raises UsageError for a folder of something else."""
    from larkpost.bootstrap import build
    from larkpost.errors import UsageError
    from larkpost.safe_files import atomic_write, is_own, make_folder
    from larkpost.settings import load

    if home.exists() and not is_own(home.stat()):
        raise UsageError(
            f"the folder belongs to somebody else: {home}", hint="choose another with --dir DIR"
        )
    if home.exists() and any(home.iterdir()):
        if not _is_demo(home):
            raise UsageError(
                f"not a folder of the demo, and not empty: {home}",
                hint="choose another with --dir DIR",
            )
        _clear(home)
    make_folder(home)
    atomic_write(home / MARK, MARK_TEXT.encode())
    own = {
        "database.url": f"sqlite:///{home / 'larkpost.db'}",
        "mail.transport": "maildir",
        "ranking.exploration": 0.0,  # a random place would differ in every demo
    }
    settings = load(home=home, environ={}, flags=own)
    call.log(settings)
    program = build(settings)
    program.prepare()
    return program


def _is_demo(home: Path) -> bool:
    """Whether the demo made this folder, and not somebody else as a trap."""
    from larkpost.safe_files import is_own

    mark = home / MARK
    return mark.is_file() and not mark.is_symlink() and is_own(mark.stat()) and is_own(home.stat())


def _clear(home: Path) -> None:
    for pattern in MADE:
        for entry in home.glob(pattern):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _run_demo(program: Program, home: Path, now: datetime) -> DemoResult:
    from larkpost.readers import record_votes, subscriptions

    report = _read(program, now)
    reader = subscriptions.add(
        program.store, ADDRESS, now=now, name="You", zone="Europe/Berlin", send_time=time(6, 30),
        weekdays=frozenset(range(5)), papers_per_edition=10,
    )  # fmt: skip
    before = _rank(program, reader, now)
    thumbs = []
    for title, said in THUMBS:
        thumb = record_votes.read_thumb(said)
        paper = _find_by_title(program, title)
        record_votes.cast(program.store, reader.id, paper.id, thumb, source="demo", now=now)
        if thumb is not None:
            thumbs.append((paper, thumb))
    edition = _publish(program, reader, now)
    files = _write_files(program, edition, home)
    return DemoResult(home, report, reader, before, tuple(thumbs), edition.picks, files)


def _read(program: Program, now: datetime) -> IngestReport:
    from larkpost.ingest.ingest import ingest
    from larkpost.packaged_files import shipped_path

    (sample,) = sorted(shipped_path("seeds").glob("*.txt"))[:1]
    captured = date(now.year, *CAPTURED)
    if captured > now.date():
        captured = captured.replace(year=now.year - 1)
    with waiting(f"reading {sample.name}") as step:
        return ingest(
            program.store, program.dump_formats, sample, date=captured, now=now, progress=step
        )


def _find_by_title(program: Program, title: str) -> Paper:
    from larkpost.db import papers

    with program.store.read() as connection:
        return next(paper for paper in papers.iterate(connection) if paper.title.startswith(title))


def _rank(program: Program, reader: Reader, now: datetime) -> tuple[Pick, ...]:
    from larkpost.editions import recommend

    question = recommend.RankingRequest(
        at=now, window=program.window, thumb_count_step=program.settings.web.thumb_count_step
    )
    return recommend.rank(program.store, program.ranker, [reader], question, now=now)[
        reader.id
    ].picks


def _publish(program: Program, reader: Reader, now: datetime) -> Edition:
    from larkpost.editions import publish
    from larkpost.mail.deliver import deliver

    (result,) = publish.publish(program.publish_context, [publish.by_hand(reader, now)], now=now)
    if result.edition is None:
        raise AssertionError("the sample made no edition")
    deliver(program.store, program.renderer, program.open_transport, now=now, holder=program.holder)
    return result.edition


def _write_files(program: Program, edition: Edition, home: Path) -> dict[str, Path]:
    from larkpost.safe_files import atomic_write

    renderer = program.renderer
    (message,) = renderer.newsletter([edition])
    contents = {
        "newsletter.html": renderer.html(edition).encode(),
        "newsletter.eml": message.content,
        "newsletter.txt": renderer.text(edition).encode(),
        "feed.xml": renderer.feed([edition], "rss"),
        "feed.atom": renderer.feed([edition], "atom"),
        "feed.json": renderer.feed([edition], "json"),
    }
    for name, content in contents.items():
        atomic_write(home / name, content)
    return {name: home / name for name in contents}


def _record(result: DemoResult) -> dict[str, object]:
    from larkpost.portability.records import ranking_line

    return {
        "home": str(result.home),
        "papers": result.report.papers,
        "new": result.report.new,
        "rejected": result.report.rejected,
        "dump_date": result.report.captured.isoformat() if result.report.captured else None,
        "reader": ADDRESS,
        "votes": [
            {"paper": str(paper.identifier), "title": paper.title, "thumb": int(thumb)}
            for paper, thumb in result.thumbs
        ],
        "before": [ranking_line(pick, result.reader) for pick in result.before],
        "after": [ranking_line(pick, result.reader) for pick in result.after],
        "files": {name: str(path) for name, path in result.files.items()},
    }


COMMANDS = (demo,)
