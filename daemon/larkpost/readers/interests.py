"""Changes the interests of readers, within what a reader may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.db import interests as stored
from larkpost.db import readers
from larkpost.errors import UsageError
from larkpost.text.interest_words import LONGEST_INTEREST, MOST_INTERESTS, tidy
from larkpost.text.normalize import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larkpost.db.engine import Store

HIGHEST_QUOTA = 100


def _check_name(name: str) -> str:
    name = shorten(name, LONGEST_INTEREST + 1).strip()
    if not 0 < len(name) <= LONGEST_INTEREST:
        raise UsageError(
            f"an interest needs a name of 1 to {LONGEST_INTEREST} characters",
            hint="for example: protein folding",
        )
    return name


def set_interest(
    store: Store, reader_id: int, name: str, *, words: Iterable[str] = (), quota: int = 1
) -> None:
    """Create or update an interest by its name; raises UsageError for invalid values."""
    name = _check_name(name)
    if not 0 < quota <= HIGHEST_QUOTA:
        raise UsageError(f"a share of {quota} is not possible", hint=f"give 1 to {HIGHEST_QUOTA}")
    kept = tidy(words)
    with store.begin() as connection:
        known = {interest.name for interest in readers.get(connection, reader_id).interests}
        if name not in known and len(known) >= MOST_INTERESTS:
            raise UsageError(
                f"there are {MOST_INTERESTS} interests already", hint="remove one first"
            )
        stored.set_interest(connection, reader_id, name, words=kept, quota=quota)


def remove_interest(store: Store, reader_id: int, name: str) -> None:
    """Remove an interest; its votes go to the first remaining one.

    Raises UsageError when there is none of that name, or when it is the reader's last.
    """
    with store.begin() as connection:
        stored.remove_interest(connection, reader_id, name)
