"""Write the reference of commands and settings from the code: what is typed and allowed.

``python -m scripts.reference`` writes both pages; a test compares them with the code. The pages
``docs/commands.md`` and ``docs/settings.md`` explain what these list.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from larkpost.cli import larkpost
from larkpost.cli.command_list import DefaultCommandGroup
from larkpost.settings import keys
from larkpost.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[1] / "docs"
_NOTE = (
    "This page is written from the code by `python -m scripts.reference`: "
    "change the code, not the page."
)
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} in length",
    "maxLength": "at most {} in length",
}


def commands_page() -> str:
    """The page of all commands: how each is called, what it does, its arguments and options."""
    lines = [
        "# Commands, as `--help` lists them",
        "",
        _NOTE,
        "[Commands](commands.md) explains them.",
    ]
    context = click.Context(larkpost, info_name="larkpost")
    for path, command in _commands(larkpost, context, "larkpost"):
        usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path)))
        lines += ["", f"## `{path}`", "", f"`{path} {usage}`", "", command.get_short_help_str(200)]
        rows = [_option_row(one) for one in command.params if isinstance(one, click.Option)]
        if rows:
            lines += ["", "| option | meaning |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """The page of all settings: the variable, the type with its bounds, and the default of each."""
    lines = [
        "# Settings, with types and defaults",
        "",
        _NOTE,
        "[Settings](settings.md) explains them.",
    ]
    lines += ["", "| setting | variable | type | default |", "|---|---|---|---|"]
    schema = Settings.model_json_schema()
    for key, default in keys().items():
        variable = f"LARKPOST_{key.replace('.', '__').upper()}"
        kind = _type(schema, _field(schema, key))
        if key == "readers.days":  # in the model a set of numbers; people write names
            kind = "list of weekdays"
        lines.append(f"| `{key}` | `{variable}` | {kind} | {_default(default)} |")
    return "\n".join(lines) + "\n"


def _commands(
    group: click.Group, context: click.Context, path: str
) -> Iterator[tuple[str, click.Command]]:
    """Return every command that does something, with the words that call it, in order of help."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, DefaultCommandGroup):
            yield f"{path} {name}", command.default
        if isinstance(command, click.Group):
            yield from _commands(command, inner, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _option_row(option: click.Option) -> str:
    context = click.Context(click.Command("any"))
    names, text = option.get_help_record(context) or (", ".join(option.opts), option.help or "")
    return f"| `{_cell(names)}` | {_cell(text)} |"


def _field(schema: dict[str, Any], key: str) -> dict[str, Any]:
    """Look up what pydantic says of a setting."""
    found = schema
    for name in key.split("."):
        found = _resolve(schema, found)["properties"][name]
    return found


def _resolve(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    reference = field.get("$ref", "").rpartition("/")[2]
    resolved: dict[str, Any] = schema["$defs"][reference] if reference else field
    return resolved


def _type(schema: dict[str, Any], field: dict[str, Any]) -> str:
    field = _resolve(schema, field)
    if "enum" in field:
        return " or ".join(f"`{_cell(str(one))}`" for one in field["enum"])
    if "anyOf" in field:
        return " or ".join(_type(schema, one) for one in field["anyOf"])
    bounds = [text.format(field[name]) for name, text in _BOUNDS.items() if name in field]
    kind = field.get("format", field.get("type", "text"))
    if kind == "array":
        kind = f"list of {_type(schema, field.get('items', {}))}s"
    return ", ".join([{"string": "text", "object": "table"}.get(kind, kind), *bounds])


def _default(default: object) -> str:
    if default in ("", []):
        return "empty"
    if isinstance(default, list):
        texts = [one["name"] if isinstance(one, dict) else str(one) for one in default]
        return ", ".join(f"`{_cell(one)}`" for one in texts)
    return f"`{_cell(str(default).lower() if isinstance(default, bool) else str(default))}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {"reference-commands.md": commands_page, "reference-settings.md": settings_page}


def main() -> None:
    """Write the pages."""
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
        print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
