"""Commands about the home folder: init, migrate."""

from __future__ import annotations

from pathlib import Path

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put, put_json
from larkpost.errors import UsageError


@click.command(short_help="Create the home: folders, database, key.")
@click.option(
    "--new-key",
    is_flag=True,
    help="Create a new key if the old one is lost or damaged; earlier links stop working.",
)
@json_option
@pass_call
def init(call: CliContext, new_key: bool, as_json: bool) -> None:
    """Create the home: folders, database, key. Other commands do the same where there is none."""
    from larkpost.packaged_files import shipped_path

    settings = call.settings()
    new = not settings.places.secret.exists()
    if new_key and not new and not _is_damaged(settings.places.secret):
        raise UsageError(
            f"there is a key already: {settings.places.secret}",
            hint="to rotate keys, put a new line at its top; see docs/operating.md",
        )
    program = call.program(new_key=new_key)
    places = program.places
    if as_json:
        put_json(
            {
                "home": str(places.data),
                "new": new or new_key,
                "settings": str(places.config),
                "inbox": str(places.inbox),
                "mail": str(places.maildir),
            }
        )
        return
    put(f"{'created' if new or new_key else 'exists already'}: {printable(places.data)}")
    put(f"  dumps in {printable(places.inbox)} are read by `larkpost serve` and `tick`")
    put(f"  settings go into {printable(places.config)}")
    put(f"  every setting is explained in {printable(shipped_path('config/default.toml'))}")
    put("Next: larkpost reader add you@example.org --interest 'mixture of experts'")
    if not settings.sources:
        put("To fetch papers automatically: larkpost source add hf-daily (or arxiv:cs.CL),")
        put("or two lines in the settings file; until then nothing is fetched:")
        put('    [[sources]]\n    name = "hf-daily"')


def _is_damaged(secret: Path) -> bool:
    from larkpost.errors import DamagedKey
    from larkpost.tokens import read_keys

    try:
        read_keys(secret)
    except DamagedKey:
        return True
    return False


@click.command(short_help="Upgrade the database to this version.")
@json_option
@pass_call
def migrate(call: CliContext, as_json: bool) -> None:
    """Upgrade the database to the version of this program; other commands do the same.

    Readers whose addresses differ only in case are merged, and printed.
    """
    from larkpost.bootstrap import MERGES_READERS, build
    from larkpost.db import migrations, readers

    settings = call.settings()
    program = build(settings)
    fresh = program.store.file is not None and not program.store.file.exists()
    before = None if fresh else migrations.current(program.store)
    program.prepare()
    after = migrations.current(program.store)
    with program.store.read() as connection:
        has_merged = (before or "") < MERGES_READERS <= (after or "")
        merges = readers.merges(connection) if has_merged else []
    if as_json:
        merged = [
            {"former_address": former.address, "reader": kept.address, "status": str(kept.status)}
            for former, kept in merges
        ]
        put_json({"before": before, "after": after, "merged": merged})
        return
    if before == after:
        call.say(f"The database is up to date (revision {after}).")
    else:
        call.say(f"The database was upgraded from revision {before or 'none'} to {after}.")
    for former, kept in merges:
        call.say(
            f"{printable(former.address)} was merged into {printable(kept.address)}, {kept.status}"
        )


COMMANDS = (init, migrate)
