"""The process that fits a model for another one: ``python -m larkpost.editions.fit_process``.

It reads one line of JSON (see ``FitApart``), fits, and writes the model as bytes. It never writes
to the database.
"""

from __future__ import annotations

from datetime import datetime

from larkpost.child_process import answer_request


def main() -> None:
    """Fit as requested on standard input; on an error ends with 1 and one line of explanation."""
    answer_request(_fit)


def _fit(wanted: dict[str, object]) -> bytes:
    from larkpost.db.engine import Store
    from larkpost.editions.fit_model import fit_here
    from larkpost.ranking import TfidfRanker

    store = Store(str(wanted["store"]))
    ranker = TfidfRanker(accurate=bool(wanted["accurate"]))
    moment = datetime.fromisoformat(str(wanted["now"]))
    return fit_here(store, ranker, moment, together=bool(wanted["together"])).body


if __name__ == "__main__":
    main()
