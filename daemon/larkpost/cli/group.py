"""The root of the command line: its commands by families, in the order in which one meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class OutputClosedError(Exception):
    """Whoever read our output has seen enough; no error, though nothing more can be said."""


class Families(click.Group):
    """A group whose help lists its commands under headings, not by the alphabet."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.families: dict[str, list[str]] = {}

    def take(self, families: Mapping[str, Sequence[click.Command]]) -> None:
        """Add commands under their headings, in this order."""
        for heading, commands in families.items():
            self.families[heading] = [command.name or "" for command in commands]
            for command in commands:
                self.add_command(command)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; where its output goes nowhere any more, raise OutputClosedError.

        Click itself would end with 1, as if something had failed.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosedError from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in order."""
        return [name for names in self.families.values() for name in names]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each family."""
        width = max(map(len, self.list_commands(ctx)))
        for heading, names in self.families.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (name.ljust(width), command.get_short_help_str(80))
                        for name in names
                        if (command := self.get_command(ctx, name)) is not None
                    ]
                )
