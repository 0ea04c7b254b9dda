"""The process that computes a taste profile: ``python -m larkpost.readers.profile_process``.

It reads one line of JSON (see ``ComputeProfileApart``) and writes the summary as a line of JSON,
and the report of the replay, if requested, as another. It never writes to the database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from larkpost.child_process import answer_request


def main() -> None:
    """Compute as requested on standard input; on an error ends with 1 and an explanation."""
    answer_request(_compute)


def _compute(wanted: dict[str, Any]) -> bytes:
    from larkpost.db import readers
    from larkpost.db.engine import Store
    from larkpost.editions.model_cache import ModelCache
    from larkpost.ranking import TfidfRanker
    from larkpost.readers.compute_profile import ProfileRequest, compute_here
    from larkpost.readers.profile_json import profile_to_json

    store = Store(str(wanted["store"]))
    ranker = TfidfRanker(half_life_days=wanted["half_life_days"], accurate=wanted["accurate"])
    with store.read() as connection:
        reader = readers.get(connection, wanted["reader"])
    now = datetime.fromisoformat(wanted["now"])
    request = ProfileRequest(reader, now, replays=wanted["replays"], fewest=wanted["fewest"])
    profile = compute_here(store, ranker, lambda: ModelCache().newest(store, ranker).space, request)
    return profile_to_json(*profile)


if __name__ == "__main__":
    main()
