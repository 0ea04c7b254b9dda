"""The paths whose second part is a token: URLs are built, and logs masked, by this list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Purpose = Literal[
    "vote",
    "leave",
    "page",
    "confirm",
    "edition",
    "thumbs",
    "undo",
    "bounce",
    "answer",
    "notice",
    "unsubscribe",
    "admin",
]

# Where a signed token stands, and what it must have been signed for.
SIGNED: Mapping[str, Purpose] = {
    "vote": "vote",
    "edition": "edition",
    "leave": "leave",
    "me": "page",
    "confirm": "confirm",
    "admin": "admin",
}
FEED = "feed"  # where the secret of a reader's feed stands
