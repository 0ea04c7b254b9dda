"""The process that fits a model for another one: ``python -m larkpost.editions.fit_process``.

It reads one line of JSON (see ``FitApart``), fits, and writes the model as bytes. It never writes
to the database.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import datetime

from larkpost.blas_threads import limit_blas_threads

NICE = 10


def _tell(error: Exception, store: str) -> None:
    """Write on standard error what went wrong, without the database's password."""
    from larkpost.masking import mask_text, secrets_of_url

    sys.stderr.write(mask_text(f"{type(error).__name__}: {error}", secrets_of_url(store)))
    sys.stderr.flush()


def main() -> None:
    """Fit as requested on standard input; on an error ends with 1 and one line of explanation."""
    limit_blas_threads()
    os.nice(NICE)
    answer = os.dup(1)
    os.dup2(2, 1)  # prints must not get into the output
    sys.stdout = sys.stderr
    wanted = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        body = _fit(wanted)
    except Exception as error:  # reported to the waiting process, which logs it
        _tell(error, str(wanted["store"]))
        os._exit(1)
    with os.fdopen(answer, "wb") as pipe:
        pipe.write(body)
    os._exit(0)  # at once, without freeing the memory


def _end_with_parent() -> None:
    """End when the input ends: the other process is gone, and nobody would read the output."""
    sys.stdin.buffer.read()
    os._exit(1)


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
