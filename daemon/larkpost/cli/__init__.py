"""The command line: the edge where people and scripts call; every command's body imports late."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from larkpost.cli import (
    config,
    demo,
    editions,
    enrich,
    evaluate,
    interests,
    papers,
    place,
    portability,
    post,
    ranking,
    readers,
    running,
    votes,
)
from larkpost.cli.call import Call
from larkpost.cli.group import Families, OutputClosedError
from larkpost.cli.output import tell
from larkpost.errors import LarkpostError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def _version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"larkpost {version('larkpost')}")
        ctx.exit()


@click.group(
    cls=Families,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try `larkpost demo` first. Exit codes: 0 done, 1 failed, 2 wrong call, 75 try again"
    " later, 130 interrupted.",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep everything (database, inbox, mail, settings) in this folder.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Read this settings file instead of the usual one.",
)
@click.option("-v", "--verbose", count=True, help="Tell more on standard error; twice: everything.")
@click.option("-q", "--quiet", count=True, help="Tell errors only.")
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True,
    help="Show the version and exit.",
)  # fmt: skip
@click.pass_context
def larkpost(
    ctx: click.Context, home: Path | None, config: Path | None, verbose: int, quiet: int
) -> None:
    """Make everybody's own morning paper from digests of research papers.

    Dumps come in with `ingest`, thumbs with `vote`; every reader gets a feed and a newsletter
    with the papers they are likely to like, each with its reasons.
    """
    ctx.obj = Call(home=home, config=config, loudness=verbose - quiet)


larkpost.take(
    {
        "Begin": (demo.demo, place.init),
        "Papers": (*papers.COMMANDS, *enrich.COMMANDS),
        "Readers": (*readers.COMMANDS, *interests.COMMANDS, *votes.COMMANDS),
        "Editions": (*ranking.COMMANDS, *editions.COMMANDS, *evaluate.COMMANDS),
        "Letters": post.COMMANDS,
        "Daemon": running.COMMANDS,
        "Upkeep": (place.migrate, place.doctor, *portability.COMMANDS, *config.COMMANDS),
    }
)


def _translated(error: click.ClickException) -> LarkpostError:
    """Say what click found wrong in the form of our own messages."""
    message = error.format_message().rstrip(".")
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
    hint = f"`{command} --help` shows how." if command else ""
    return LarkpostError(message[:1].lower() + message[1:], hint=hint)


def _refused(error: OSError) -> LarkpostError:
    """Say what the system would not do; a full disk is no failure, but for later."""
    from larkpost.disk_space import is_no_room, no_room

    if is_no_room(error):
        return no_room(error.filename or "what was to be written", error.strerror)
    where = f": {error.filename}" if error.filename else ""
    return LarkpostError(f"the system refused: {error.strerror or error}{where}")


def _fault(error: Exception) -> LarkpostError:
    """Say that we are at fault, and where; -vv has the whole trace in the log."""
    import traceback

    import structlog

    if structlog.is_configured():
        structlog.get_logger("larkpost").debug("unexpected fault", exc_info=error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
    return LarkpostError(
        f"a fault in Larkpost itself: {type(error).__name__}: {error} ({place})",
        hint="Nothing half done was kept. Please report it, with the output of the call with -vv.",
    )


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit: 0 done, 1 failed, 2 wrong call, 75 later, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = larkpost.main(args=arguments, prog_name="larkpost", standalone_mode=False) or 0
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        tell(_translated(error))
        code = error.exit_code
    except LarkpostError as error:
        tell(error)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("larkpost: interrupted", err=True)
        code = INTERRUPTED
    except (BrokenPipeError, OutputClosedError):
        # Without this, Python would complain of the closed pipe once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        refusal = _refused(error)
        tell(refusal)
        code = refusal.exit_code
    except Exception as error:
        tell(_fault(error))
        code = 1
    sys.exit(code)
