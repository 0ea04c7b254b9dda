"""Tests that users whose files are in the inbox take turns, so that none keeps others waiting."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.helpers.inbox_helpers import NOW, Folders

from larkpost.db.coordination import job_status
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest import inbox, inbox_turns, spool
from larkpost.ingest.inbox import RejectedFile
from larkpost.ingest.inbox_turns import InboxTurns, order_by_turns
from larkpost.ingest.ingest import IngestReport, ingest
from larkpost.ingest.spool import InboxFile

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ingest.inbox import Taken


def list_owned(folder: Path) -> list[InboxFile]:
    """List a folder in which the first character of a name is the number of the file's owner."""
    return [replace(one, owner=int(one.path.name[0])) for one in spool.lying_in(folder)]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Make an inbox of several owners."""
    monkeypatch.setattr(inbox, "lying_in", list_owned)
    monkeypatch.setattr(inbox_turns, "lying_in", list_owned)
    folder = tmp_path / "inbox"
    folder.mkdir()
    return Folders(folder, folder / "done", folder / "bad")


def put(places: Folders, name: str, papers: int = 1) -> None:
    lines = (f'{{"title": "{name} number {at} of {at * 7919}"}}\n' for at in range(papers))
    (places.inbox / name).write_text("".join(lines), encoding="utf-8")


def sweep(store: Store, places: Folders) -> list[Taken]:
    return inbox.sweep(store, DUMP_FORMATS, places, stable_seconds=0, now=NOW)


def names(taken: list[Taken], *, left: bool = False) -> list[str]:
    return [one.name for one in taken if isinstance(one, RejectedFile) is left]


def test_the_files_of_one_owner_are_read_by_day_and_owners_take_turns() -> None:
    def file(name: str, owner: int) -> InboxFile:
        return InboxFile(Path(name), 1, 1, 1, 1, owner)

    hostile = [file(f"0001-01-{day:02}.jsonl", 7) for day in range(1, 28)]
    own = [file(f"2026-08-{day:02}.jsonl", 0) for day in (7, 6)]

    order = [one.path.name for one in order_by_turns([*own, *reversed(hostile)])]

    assert order[:4] == [
        "0001-01-01.jsonl", "2026-08-06.jsonl", "0001-01-02.jsonl", "2026-08-07.jsonl"
    ]  # fmt: skip
    assert order[4:] == [one.path.name for one in hostile[2:]]


def test_a_file_that_takes_long_pauses_while_others_are_read_and_goes_on(
    store: Store, places: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_turns, "TURN_SECONDS", 0.0)
    put(places, "1-large-2026-08-01.jsonl", 120)
    put(places, "2-small-2026-08-02.jsonl")
    put(places, "2-small-2026-08-03.jsonl")

    taken = sweep(store, places)

    assert names(taken) == [
        "2-small-2026-08-02.jsonl", "2-small-2026-08-03.jsonl", "1-large-2026-08-01.jsonl"
    ]  # fmt: skip
    assert [one.papers for one in taken if isinstance(one, IngestReport)] == [1, 1, 120]


def test_a_pause_is_as_long_as_a_turn_whatever_waits(places: Folders) -> None:
    for number in range(9):
        put(places, f"2-{number}.jsonl")
    put(places, "1-large.jsonl")
    clock = count(0.0, inbox_turns.TURN_SECONDS / 6)
    turns = InboxTurns(places.inbox, timedelta(), NOW, clock=partial(next, clock))
    next(turns.files([one for one in list_owned(places.inbox) if one.owner == 1]))

    between = [one.path.name for one in turns.files_between()]

    assert between == ["2-0.jsonl", "2-1.jsonl", "2-2.jsonl"]
    assert not turns.is_over()


def put_three(store: Store, places: Folders, monkeypatch: pytest.MonkeyPatch) -> list[Taken]:
    """Sweep two large files and a small one, so that one is put back."""
    monkeypatch.setattr(inbox_turns, "TURN_SECONDS", 0.0)
    put(places, "1-large-2026-07-01.jsonl", 170)
    put(places, "2-large-2026-07-02.jsonl", 120)
    put(places, "3-small-2026-08-01.jsonl")
    return sweep(store, places)


def test_a_file_that_takes_long_in_a_pause_is_put_back_once_others_wait(
    store: Store, places: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = put_three(store, places, monkeypatch), sweep(store, places)

    assert names(first, left=True) == ["2-large-2026-07-02.jsonl"]
    assert names(first) == ["3-small-2026-08-01.jsonl", "1-large-2026-07-01.jsonl"]
    assert names(second) == ["2-large-2026-07-02.jsonl"]


def test_a_file_that_was_put_back_is_behind_those_of_others_at_the_next_sweep(
    store: Store, places: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_three(store, places, monkeypatch)
    put(places, "3-small-2026-08-02.jsonl")

    order = order_by_turns(list_owned(places.inbox))

    assert [one.path.name[0] for one in order] == ["3", "2"]


def test_a_file_alone_or_beside_those_of_its_owner_is_read_to_its_end(
    store: Store, places: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_turns, "TURN_SECONDS", 0.0)
    put(places, "1-large-2026-08-01.jsonl", 120)
    put(places, "1-small-2026-08-02.jsonl")

    assert names(sweep(store, places)) == ["1-large-2026-08-01.jsonl", "1-small-2026-08-02.jsonl"]


def test_each_turn_of_a_file_is_twice_as_long_so_that_it_ends(places: Folders) -> None:
    put(places, "1-large.jsonl")
    large = list_owned(places.inbox)
    put(places, "2-small.jsonl")
    step = inbox_turns.LIST_SECONDS / 2
    lengths = []
    for _ in range(3):
        clock = count(0.0, step)
        turns = InboxTurns(places.inbox, timedelta(), NOW, clock=partial(next, clock))
        next(turns.files(large))
        began = next(clock)
        while not turns.is_over():
            pass
        turns.put_back()
        lengths.append((next(clock) - began) / inbox_turns.TURN_SECONDS)

    assert lengths == [pytest.approx(whole, abs=0.4) for whole in (1, 2, 4)]


def test_a_file_that_comes_while_others_are_read_does_not_wait_for_all_of_them(
    store: Store, places: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_turns, "LIST_SECONDS", 0.0)
    for number in range(5):
        put(places, f"1-{number}.jsonl")

    def ingest_while_somebody_writes(*args: Any, **named: Any) -> IngestReport:
        if not (places.done / "1-0.jsonl").exists():
            put(places, "2-new.jsonl")
        return ingest(*args, **named)

    monkeypatch.setattr(inbox, "ingest", ingest_while_somebody_writes)

    assert names(sweep(store, places))[:3] == ["1-0.jsonl", "2-new.jsonl", "1-1.jsonl"]


def test_of_a_user_with_very_many_files_the_first_are_listed_and_read_in_portions(
    store: Store, places: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MOST_LISTED", 5)
    monkeypatch.setattr(inbox_turns, "MOST_READ", 4)
    for number in range(12, 0, -1):
        put(places, f"1-2026-07-{number:02}.jsonl")

    listed = [one.path.name for one in spool.lying_in(places.inbox)]
    taken = [names(sweep(store, places)) for _ in range(4)]

    assert listed == [f"1-2026-07-{number:02}.jsonl" for number in range(1, 6)]
    assert [len(one) for one in taken] == [4, 4, 4, 0]
    assert [name for one in taken for name in one] == [
        f"1-2026-07-{number:02}.jsonl" for number in range(1, 13)
    ]


def test_files_that_cannot_be_moved_are_logged_once_and_not_at_each_sweep(
    store: Store,
    places: Folders,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As in a sticky folder of somebody else, in which others put any number of them."""

    def refuse(path: Path, *_: object, **__: object) -> Path:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(inbox, "move", refuse)
    for number in range(130):
        (places.inbox / f"1-{number}.jsonl").write_text("nothing in here\n")

    for _ in range(3):
        assert len(names(sweep(store, places), left=True)) == 130

    told = [record.getMessage() for record in caplog.records]
    assert sum("dump." in one for one in told) == 100
    with store.read() as connection:
        assert len(job_status.latest(connection)["inbox"].detail["left"]) == 100
