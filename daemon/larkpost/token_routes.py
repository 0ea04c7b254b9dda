"""Lists the paths whose second part is a token; URLs and the masking of logs use this list."""

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

# The paths with a signed token, and the purpose of each token.
SIGNED: Mapping[str, Purpose] = {
    "vote": "vote",
    "edition": "edition",
    "leave": "leave",
    "me": "page",
    "confirm": "confirm",
    "admin": "admin",
}
FEED = "feed"  # the path with the secret of a reader's feed
