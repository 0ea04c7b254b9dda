"""Prints the results of the demo, for a terminal of 80 columns or as plain text for a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from larkpost.cli.commands.ranking import because
from larkpost.cli.output import printable, put
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.domain import Paper, Pick, Reader, Thumb
    from larkpost.ingest.ingest import IngestReport

WIDTH = 78
COLUMN = 36
REASONED = 5


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The results of the demo, ready to be printed."""

    home: Path
    report: IngestReport
    reader: Reader
    before: tuple[Pick, ...]
    thumbs: tuple[tuple[Paper, Thumb], ...]
    after: tuple[Pick, ...]
    files: dict[str, Path]


def print_demo(result: DemoResult) -> None:
    """Print the steps, how the order changed and why, and what to do next."""
    _heading("1. The sample dump")
    report = result.report
    _say(
        f"{quantity(report.papers, 'paper')} read"
        f" ({report.new} new, {report.rejected} not readable), "
        f"taken on {report.captured}."
    )
    reader = result.reader
    _heading("2. A reader, and five thumbs")
    _say(
        f"{reader.address}: {quantity(reader.papers_per_edition, 'paper')}, Monday to Friday"
        f" at {reader.send_time:%H:%M} in {reader.zone}. Nothing is known of their taste,"
        " so the first edition is simply the newest papers. Then:"
    )
    for paper, thumb in result.thumbs:
        put(_cut(f"  {'+' if thumb > 0 else '-'} {paper.title}", WIDTH))
    _heading("3. Today's edition, before and after")
    _side_by_side(result)
    _heading("4. Why these papers")
    for pick in result.after[:REASONED]:
        put(_cut(f"{pick.position:>2}. {pick.paper.title}", WIDTH))
        _say(f"because of {because(pick)}", indent="      ")
    _next(result)


def _side_by_side(result: DemoResult) -> None:
    ups = sum(thumb > 0 for _, thumb in result.thumbs)
    downs = len(result.thumbs) - ups
    put(f"{'before any thumb':<{COLUMN + 4}} after {ups} up, {downs} down")
    was = {pick.paper.id: pick.position for pick in result.before}
    left = [_entry(pick, " ") for pick in result.before]
    right = [_entry(pick, " " if pick.paper.id in was else "*") for pick in result.after]
    for number in range(max(len(left), len(right))):
        one = left[number] if number < len(left) else ""
        two = right[number] if number < len(right) else ""
        put(f"{one:<{COLUMN + 4}} {two}".rstrip())
    fresh = sum(pick.paper.id not in was for pick in result.after)
    put(f"{'':<{COLUMN + 4}}  * not there before: {fresh} of {len(result.after)}")
    _say("Papers with a thumb count as read, and are not picked again.")


def _entry(pick: Pick, mark: str) -> str:
    return f"{mark}{pick.position:>2} " + _cut(pick.paper.title, COLUMN - 1)


def _next(result: DemoResult) -> None:
    home = _short(result.home)
    _heading("5. The files")
    put(f"in {home}:")
    for name, what in (
        ("newsletter.html", "the edition: open it in a browser"),
        ("newsletter.eml", "the same as an email, for any mail program"),
        ("newsletter.txt", "the same as plain text"),
        ("feed.xml, feed.atom, feed.json", "the feed as RSS, Atom and JSON Feed"),
        ("mail/", "the email as it was delivered (a Maildir)"),
    ):
        put(f"  {name:<31}{what}")
    _heading("Next")
    for command, what in (
        ("serve", "pages, feeds and thumbs by link, on this machine"),
        (f"explain {result.reader.address} 1", "the first pick, term by term"),
        (f"vote {result.reader.address} 1 up", "a thumb of yours"),
        (
            "reader add YOUR@ADDRESS --interest WORDS",
            "an edition of your own, and its feed",
        ),
    ):
        put(f"  larkpost --home {home} {command}")
        put(f"      {what}")
    _heading("Tomorrow's papers")
    _say(
        "Larkpost fetches nothing until you add a source (`larkpost source add hf-daily`)."
        " Without one, save the day's papers into the inbox folder (`larkpost config show` says"
        " where); the best page is https://huggingface.co/api/daily_papers, and the text of the"
        " trending page will do (docs/formats.md: which page to save). One of these commands reads"
        " the inbox, publishes each reader's edition when it is due, and delivers it:"
    )
    put("  larkpost serve                          all the time, with pages and feeds")
    put("  */10 * * * * larkpost -q tick           the same from cron, or a systemd timer")


def _heading(text: str) -> None:
    import click

    put()
    click.secho(text, bold=True)


def _say(text: str, indent: str = "") -> None:
    lines: Iterable[str] = textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,  # names such as hf-daily stay whole
    )
    for line in lines:
        put(line)


def _cut(text: str, width: int) -> str:
    """Shorten to a number of columns; wide characters count as two."""
    from rich.cells import cell_len, set_cell_size

    text = text[:2] + printable(text[2:]) if text[:2].isspace() else printable(text)
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def _short(path: Path) -> Path:
    """Return the path relative to the working directory, if that is shorter."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) and path != here else path
