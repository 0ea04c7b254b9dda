"""The command line, for people and scripts; the body of each command imports late."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from larkpost.blas_threads import limit_blas_threads
from larkpost.cli.command_list import CommandGroups, ListedCommand, OutputClosedError
from larkpost.cli.context import CliContext
from larkpost.cli.output import tell
from larkpost.cli.streams import discard, help_width, is_broken, prepare_streams
from larkpost.errors import LarkpostError
from larkpost.garbage_collection import collect_rarely

WIDEST_HELP = 100
INTERRUPTED = 130  # 128 + SIGINT, as shells count


def _version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"larkpost {version('larkpost')}")
        ctx.exit()


@click.group(
    cls=CommandGroups,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST_HELP},
    epilog="Try `larkpost demo` first. Exit codes: 0 done, 1 failed, 2 usage error, 75 try again"
    " later, 130 interrupted.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Keep everything (database, inbox, mail, settings) in this folder.",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Read this settings file instead of the usual one.",
)
@click.option("-v", "--verbose", count=True, help="Log more to standard error; twice: everything.")
@click.option("-q", "--quiet", count=True, help="Print only errors.")
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True,
    help="Show the version and exit.",
)  # fmt: skip
@click.pass_context
def larkpost(
    ctx: click.Context, home: str | None, config: str | None, verbose: int, quiet: int
) -> None:
    """Send every reader a personal edition of the research papers they are likely to like.

    `ingest` reads dumps of papers, `vote` records thumbs. Every reader gets a feed and a
    newsletter, and each paper in it comes with the reason why it was picked.
    """
    from pathlib import Path  # not above: --help needs no paths, and their import is slow

    if home == "" or config == "":
        name = "--home" if home == "" else "--config"
        raise click.BadParameter("the path is empty", param_hint=name)
    ctx.obj = CliContext(
        home=Path(home) if home else None,
        config=Path(config) if config else None,
        loudness=verbose - quiet,
    )


larkpost.take(
    {
        "Getting started": (
            ListedCommand(
                "demo", "demo", "Make an edition from the sample, and watch thumbs change it."
            ),
            ListedCommand("init", "home", "Create the home: folders, database, key."),
            ListedCommand("config", "config", "Show or check the settings."),
            ListedCommand("doctor", "doctor", "Check everything Larkpost needs."),
            ListedCommand("serve", "daemon", "Run the daemon."),
        ),
        "Readers": (
            ListedCommand("reader", "readers", "Add, list, show, change or remove readers."),
            ListedCommand(
                "interest", "interests", "List, set or remove the named interests of a reader."
            ),
            ListedCommand("vote", "votes", "Give a paper a thumb, or delete thumbs."),
            ListedCommand("forget", "votes", "Forget the thumbs before a moment, or restore them."),
        ),
        "Papers": (
            ListedCommand(
                "source", "sources", "Add, list, check or remove sources that are polled."
            ),
            ListedCommand("ingest", "papers", "Read dumps of papers."),
            ListedCommand("papers", "papers", "List or search papers."),
            ListedCommand("enrich", "enrich", "Add ids, links, authors and dates to papers."),
            ListedCommand(
                "rank", "ranking", "Rank papers for a reader, without changing anything."
            ),
            ListedCommand("explain", "ranking", "Show why a paper is ranked where it is."),
            ListedCommand("publish", "editions", "Publish editions."),
            ListedCommand("preview", "editions", "Print an edition as HTML, text, email or feed."),
            ListedCommand(
                "evaluate", "evaluate", "Measure how well readers' thumbs were predicted."
            ),
        ),
        "Mail": (
            ListedCommand("deliver", "mail", "Send the emails that are due."),
            ListedCommand("deliveries", "mail", "List emails, and send failed ones again."),
            ListedCommand("send-test", "mail", "Send an email to test the mail settings."),
            ListedCommand("receive-mail", "mail", "Read one inbound email from standard input."),
        ),
        "Maintenance": (
            ListedCommand(
                "status", "daemon", "Show papers, readers and emails; or why a day is empty."
            ),
            ListedCommand("tick", "daemon", "Read the inbox, publish and deliver once."),
            ListedCommand("admin", "daemon", "Print the link of the admin page."),
            ListedCommand("migrate", "home", "Upgrade the database to this version."),
            ListedCommand("export", "import_export", "Write everything as JSON Lines."),
            ListedCommand("import", "import_export", "Read papers, readers and thumbs."),
            ListedCommand("completion", "config", "Print the completion script for a shell."),
        ),
    }
)


def _from_os_error(error: OSError) -> LarkpostError:
    """Convert an OSError; a full disk means "try again later", not a failure."""
    from larkpost.disk_space import is_no_room, no_room

    where = error.filename or ("standard output" if is_broken(sys.stdout) else "")
    if is_no_room(error):
        return no_room(where or "what was to be written", error)
    what = f"system error: {error.strerror or error}"
    return LarkpostError(f"{what}: {where}" if where else what)


def _fault(error: Exception) -> LarkpostError:
    """Report a bug and its place; with -vv the log has the whole traceback."""
    import traceback
    from pathlib import Path

    from larkpost import logs
    from larkpost.log_events import LogEvent

    logs.get_logger("larkpost").debug(LogEvent.PROGRAM_FAILED, exc_info=error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
    return LarkpostError(
        f"internal error: {type(error).__name__}: {error} ({place})",
        hint="nothing is half done; please report this, with the output of the command with -vv",
    )


def _say(error: LarkpostError) -> None:
    """Print an error, unless standard error itself is broken."""
    try:
        tell(error)
    except OSError:
        discard(sys.stderr)


def main(arguments: Sequence[str] | None = None, *, prog_name: str = "larkpost") -> NoReturn:
    """Run a command and exit: 0 done, 1 failed, 2 wrong call, 75 later, 130 interrupted."""
    collect_rarely()
    limit_blas_threads()
    os.umask(os.umask(0o077) | 0o002)  # only we may write our files, whatever the caller's umask
    prepare_streams()
    try:
        width = help_width(WIDEST_HELP)
        done = larkpost.main(arguments, prog_name, standalone_mode=False, terminal_width=width)
        code = done or 0
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        from larkpost.cli.click_errors import from_click_error

        _say(from_click_error(error))
        code = error.exit_code
    except LarkpostError as error:
        _say(error)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say(LarkpostError("interrupted"))
        code = INTERRUPTED
    except (BrokenPipeError, OutputClosedError):
        code = 0
    except OSError as error:
        refusal = _from_os_error(error)
        _say(refusal)
        code = refusal.exit_code
    except Exception as error:
        _say(_fault(error))
        code = 1
    for stream in (sys.stdout, sys.stderr):
        if is_broken(stream):
            discard(stream)
    sys.exit(code)
