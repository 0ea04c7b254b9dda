"""Commands about the settings, and about the shell: config show, config check, completion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import click

from larkpost.cli.context import CliContext, pass_call
from larkpost.cli.output import json_option, printable, put, put_json, put_table, put_warnings

if TYPE_CHECKING:
    from larkpost.settings import Settings


@click.group(short_help="Show or check the settings.")
def config() -> None:
    """Show the settings and where they come from, or check them."""


@config.command("show", short_help="Print every setting and where it comes from.")
@json_option
@pass_call
def show(call: CliContext, as_json: bool) -> None:
    """Print every setting, its value and where it comes from; passwords are masked."""
    settings = call.settings()
    rows = _rows(settings)
    if as_json:
        put_json(*({"setting": key, "value": value, "from": o} for key, value, o in rows))
        return
    put(f"settings file: {printable(settings.places.config)}{_absent(settings)}")
    put(f"data folder:   {printable(settings.places.data)}")
    put()
    put_table(["setting", "value", "from"], [(key, _plain(value), o) for key, value, o in rows])


@config.command("check", short_help="Check all settings, and say what is wrong.")
@json_option
@pass_call
def check(call: CliContext, as_json: bool) -> None:
    """Check all settings; ends with 2 where one is misspelt or has a bad value.

    Warns on standard error about settings that are valid, but do not lead readers to this site.
    """
    from larkpost.settings import keys

    settings = call.settings()
    warnings = put_warnings(settings)
    unset = len(keys()) - len(settings.origins)
    if as_json:
        file, remarks = str(settings.places.config), [*settings.remarks, *warnings]
        put_json({"ok": True, "file": file, "set": len(settings.origins), "warnings": remarks})
        return
    call.say(f"{printable(settings.places.config)}{_absent(settings)}")
    call.say(f"All settings are valid: {len(settings.origins)} set, {unset} at their defaults.")


def _absent(settings: Settings) -> str:
    return "" if settings.places.config.exists() else " (does not exist; that is fine)"


def _rows(settings: Settings) -> list[tuple[str, object, str]]:
    from larkpost.masking import HIDDEN
    from larkpost.settings.model import flat

    rows = []
    for key, value in flat(settings.model_dump(mode="json")):
        safe = _without_passwords(value)
        if key == "smtp.password" and settings.smtp.password.get_secret_value():
            safe = HIDDEN
        rows.append((key, safe, settings.origins.get(key, "default")))
    return rows


def _without_passwords(value: object) -> object:
    from larkpost.masking import mask_value

    if isinstance(value, dict):
        return {key: _without_passwords(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_passwords(inner) for inner in value]
    return mask_value(value) if isinstance(value, str) else value


def _plain(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    some = cast("list[object]", value)
    if any(isinstance(one, dict) for one in some):
        return json.dumps(some, ensure_ascii=False)
    return ",".join(map(str, some))


@click.command(short_help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    bash: eval "$(larkpost completion bash)" in ~/.bashrc. zsh: the same in ~/.zshrc. fish:
    larkpost completion fish > ~/.config/fish/completions/larkpost.fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"there is no completion for {shell}")
    root = click.get_current_context().find_root().command
    put(made(root, {}, "larkpost", "_LARKPOST_COMPLETE").source())


COMMANDS = (config, completion)
