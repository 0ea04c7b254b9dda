"""The process that replays a reader's votes: ``python -m larkpost.readers.replay_process``.

It reads one line of JSON (see ``EvaluateApart``), replays, and writes the report as JSON. It never
writes to the database.
"""

from __future__ import annotations

from typing import Any

from larkpost.child_process import answer_request


def main() -> None:
    """Replay as requested on standard input; on an error ends with 1 and an explanation."""
    answer_request(_replay)


def _replay(wanted: dict[str, Any]) -> bytes:
    from larkpost.db import readers
    from larkpost.db.engine import Store
    from larkpost.editions.evaluate import evaluate
    from larkpost.ranking import TfidfRanker
    from larkpost.ranking.evaluation.report_json import report_to_json

    store = Store(str(wanted["store"]))
    ranker = TfidfRanker(half_life_days=wanted["half_life_days"], accurate=wanted["accurate"])
    with store.read() as connection:
        reader = readers.get(connection, wanted["reader"])
    return report_to_json(evaluate(store, ranker, reader, fewest=wanted["fewest"]))


if __name__ == "__main__":
    main()
