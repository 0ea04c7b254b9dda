"""The old names of settings, for the hint when one is still set."""

from __future__ import annotations

NEW_NAMES = {
    "mail.operator": "mail.admin_address",
    "returns": "inbound",
    "returns.address": "inbound.address, and its default folder is now `inbound`",
    "returns.folder": "inbound.folder",
    "inbox.settle_seconds": "inbox.stable_seconds",
    "ranking.careful": 'ranking.mode: "accurate" for true, "fast" for false',
    "readers.at": "readers.send_time",
    "readers.size": "readers.papers_per_edition",
    "web.proxies": "web.trusted_proxies",
    "web.admin": "web.admin_link_version",
    "web.fewest_thumbs": "web.thumb_count_step",
    "tick": "scheduler",
    "tick.seconds": "scheduler.interval_seconds",
}


def new_name(written: str, prefix: str = "") -> str:
    """Return the new name of an old setting; empty if it never was one.

    ``written`` is a name as in the settings file (``mail.operator``), or as in the environment and
    secret files (``LARKPOST_MAIL__OPERATOR``, ``mail__operator``), where ``prefix`` is removed.
    """
    old = written.upper().removeprefix(prefix).replace("__", ".").lower()
    return f"{old} is now {NEW_NAMES[old]}" if old in NEW_NAMES else ""
