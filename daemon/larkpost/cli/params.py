"""Parameter types: days, times, weekdays; each error names the invalid value."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import click


def day(text: str) -> date:
    """Read a day such as 2026-08-07."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a day such as 2026-08-07") from None


def moment(text: str) -> datetime:
    """Read a time such as 2026-08-07T06:30Z; the default zone is UTC, a day means its start."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a moment such as 2026-08-07 or 2026-08-07T06:30Z"
        ) from None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def local_time(text: str) -> time:
    """Read a local time such as 06:30."""
    try:
        hours, minutes = text.split(":")
        return time(int(hours), int(minutes))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time such as 06:30") from None


def weekdays(text: str) -> frozenset[int]:
    """Read weekdays such as mon,tue,fri, mon-fri, weekdays or daily."""
    from larkpost.settings import read_days
    from larkpost.text.plurals import sentence

    try:
        return read_days(text)
    except ValueError as error:
        raise click.BadParameter(sentence(str(error))) from None


def refuse_both(
    _ctx: click.Context, option: click.Parameter, flags: tuple[bool, ...]
) -> bool | None:
    """Return the value of a flag that may be given several times; None if it is not given.

    Raises UsageError for both yes and no: click alone would take the last.
    """
    if len(set(flags)) > 1:
        both = f"{option.opts[0]} and {option.secondary_opts[0]}"
        raise click.UsageError(f"choose one of {both}")
    return flags[0] if flags else None
