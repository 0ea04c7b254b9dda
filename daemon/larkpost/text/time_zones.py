"""Names of time zones: the available ones, and suggestions for a wrong one."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

# These names mean the machine's own zone, which differs between machines.
_OF_THIS_MACHINE = frozenset({"localtime", "posixrules"})
# The tz database's zone for machines whose zone was never set; its abbreviation is "-00".
_PLACEHOLDERS = frozenset({"Factory"})


@cache
def zone_names() -> frozenset[str]:
    """Return every valid choice: the IANA zones, without ``posix/…`` and ``right/…``."""
    return frozenset(available_timezones()) - _OF_THIS_MACHINE - _PLACEHOLDERS


def nearest_zones(name: str) -> list[str]:
    """Find up to three zones that may have been meant by ``name``."""
    return get_close_matches(name, zone_names(), n=3, cutoff=0.6)
