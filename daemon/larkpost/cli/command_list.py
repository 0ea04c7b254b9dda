"""The root of the command line: lists commands by group, imports a command when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class OutputClosedError(Exception):
    """The reader of our output has closed it; not an error, but nothing more can be printed."""


class ListedCommand(NamedTuple):
    """A command in the list: its module is imported when it is called.

    ``module`` is one of ``larkpost.cli.commands``, and has the command in its ``COMMANDS``.
    """

    name: str
    module: str
    short_help: str


class DefaultCommandGroup(click.Group):
    """A group that may be called without a command: then its ``default`` runs.

    So `vote EMAIL PAPER up` and `vote clear EMAIL …` both work; the help is that of the default.
    """

    def __init__(self, name: str, *, default: click.Command, **more: Any) -> None:
        super().__init__(name, **more)
        self.default = default

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:  # fmt: skip
        """Parse the arguments as the group's if they name a command, or for completion."""
        completing = extra.get("resilient_parsing", False) and not args
        if completing or (args and args[0] in self.commands):
            return super().make_context(info_name, args, parent, **extra)
        return self.default.make_context(info_name, args, parent, **extra)


class CommandGroups(click.Group):
    """A group whose help lists its commands under headings, not alphabetically.

    A ``ListedCommand`` is imported when it is requested, so neither the list nor a command imports
    another one.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.families: dict[str, tuple[ListedCommand, ...]] = {}

    def take(self, families: Mapping[str, tuple[ListedCommand, ...]]) -> None:
        """List commands under their headings, in this order."""
        self.families.update(families)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by its name, importing its module on first use."""
        listed = (one for family in self.families.values() for one in family)
        for one in listed:
            if one.name == cmd_name and cmd_name not in self.commands:
                module = import_module(f"{__package__}.commands.{one.module}")
                self.add_command(next(c for c in module.COMMANDS if c.name == cmd_name))
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; raises OutputClosedError if nobody reads the output any more.

        Click itself would end with 1, as if something had failed.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosedError from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands in order."""
        return [one.name for family in self.families.values() for one in family]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each heading."""
        width = max(map(len, self.list_commands(ctx)))
        for heading, family in self.families.items():
            with formatter.section(heading):
                formatter.write_dl([(one.name.ljust(width), one.short_help) for one in family])
