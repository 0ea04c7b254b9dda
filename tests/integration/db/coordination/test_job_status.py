"""The status of the last runs, and removing a reader's name from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from larkpost.db.coordination import job_status

if TYPE_CHECKING:
    from larkpost.db.engine import Store

NOW = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)


def test_words_are_redacted_wherever_an_event_holds_them(store: Store) -> None:
    facts = {"problem": "550 <Ada@example.org>: x.ada@example.org", "readers": [["ada-uid"], 3]}
    with store.begin() as connection:
        job_status.record(connection, "publish", ok=False, now=NOW, **facts)
        job_status.record(connection, "tick", ok=True, now=NOW, note="nothing")
        before = job_status.latest(connection)["tick"]

        job_status.redact(connection, {"ada@example.org", "ada-uid", ""})

        after = job_status.latest(connection)
    assert after["tick"] == before
    assert after["publish"].detail == {
        "problem": "550 <a reader who is gone>: x.ada@example.org",
        "readers": [["a reader who is gone"], 3],
    }


def test_nothing_is_redacted_for_a_reader_without_a_name(store: Store) -> None:
    with store.begin() as connection:
        job_status.record(connection, "publish", ok=False, now=NOW, problem="x")

        job_status.redact(connection, {""})

        assert job_status.latest(connection)["publish"].detail == {"problem": "x"}


@pytest.mark.parametrize("name", ["until", "at", "failures", "2026-08-07T06", "no_papers", "a.txt"])
def test_a_reader_with_an_odd_name_changes_nothing_that_programs_read(
    store: Store, name: str
) -> None:
    """A reader called "until" who deleted everything stopped all mail."""
    facts = {
        "until": NOW.isoformat(),
        "failures": 1,
        "reasons": ["no_papers"],
        "refused": [{"at": NOW.isoformat(), "file": "a.txt", "problem": "unknown"}],
        "left": {"a.txt": "unknown", "of ada@example.org.txt": "unknown"},
        "problem": f"the page of {name} failed",
    }
    with store.begin() as connection:
        job_status.record(connection, "deliver", ok=False, now=NOW, **facts)

        job_status.redact(connection, {"ada@example.org.txt"}, names={name})

        after = job_status.latest(connection)["deliver"].detail
    assert after == facts | {
        "left": {"a.txt": "unknown", "of a reader who is gone": "unknown"},
        "problem": "the page of a reader who is gone failed",
    }


def test_readers_called_by_the_words_of_a_redaction_do_not_lengthen_it(store: Store) -> None:
    """Two names by turns made it half as long again with each reader who deleted everything."""
    problem = "550 the server knows a reader of that address"
    with store.begin() as connection:
        job_status.record(connection, "deliver", ok=False, now=NOW, problem=problem)

        for name in ("a", "reader", "knows a", "gone", "is a", "who a", "reader a") * 3:
            job_status.redact(connection, (), names={name})

        after = job_status.latest(connection)["deliver"].detail
    assert after == {
        "problem": "550 the server knows a reader who is gone a reader who is gone of that address"
    }
