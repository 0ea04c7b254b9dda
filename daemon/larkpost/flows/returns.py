"""Empties the folder that mail comes back to: a Maildir, filled by the mail server."""

from __future__ import annotations

import os
import stat
from collections import Counter
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.errors import LarkpostError
from larkpost.flows.receive import LARGEST, Meaning, Receipt, receive

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from larkpost.mailboxes import Mailboxes
    from larkpost.store.engine import Store

log = logs.get_logger(__name__)

MOST = 1_000  # mails in one go, so that a flood does not keep the editions waiting
# What nobody could make sense of is left unread, for a person to look at.
_FOR_PEOPLE = frozenset({Meaning.UNREAD, Meaning.FOREIGN})


def collect(
    store: Store,
    mailboxes: Mailboxes,
    folder: Path,
    *,
    now: datetime,
    stopped: Callable[[], bool] = lambda: False,
) -> Counter[Meaning]:
    """Take in every new mail of a Maildir and move it on to ``cur``; tells what they were.

    Raises Busy or StoreError where the database cannot be written: the mail stays new.
    """
    tally: Counter[Meaning] = Counter()
    new = folder / "new"
    if not new.is_dir():
        return tally
    (folder / "cur").mkdir(mode=0o700, exist_ok=True)
    for mail in sorted(new.iterdir())[:MOST]:
        if stopped():
            break
        content = _read(mail)
        meaning = (
            Meaning.FOREIGN
            if content is None
            else taken(store, mailboxes, content, now=now).meaning
        )
        tally[meaning] += 1
        flags = "" if meaning in _FOR_PEOPLE else "S"
        mail.rename(folder / "cur" / f"{mail.name.partition(':')[0]}:2,{flags}")
    return tally


def taken(store: Store, mailboxes: Mailboxes, content: bytes, *, now: datetime) -> Receipt:
    """Read one mail; one that cannot be understood is left to people, and stops no other."""
    try:
        return receive(store, mailboxes, content, now=now)
    except LarkpostError:
        raise
    except Exception:
        log.exception("mail not understood")
        return Receipt(Meaning.UNREAD)


def _read(mail: Path) -> bytes | None:
    """Read a regular file, and nothing that could be put in place of one."""
    try:
        handle = os.open(mail, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read(LARGEST) if stat.S_ISREG(os.fstat(handle).st_mode) else None
