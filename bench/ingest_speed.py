"""Measures the speed of ingest and of the import of votes against the least that must be done.

    python -m bench.ingest_speed [--papers 20000] [--votes 20000] [--rounds 3] [--json]

Ingest reads JSON Lines of so many papers, no two alike, into a new SQLite home, as `larkpost
ingest` does. It is compared with `json.loads` of each line and `sqlite3` inserts of the same rows
into the same tables and the same full-text index, a transaction for 5,000 papers: the rows that
ingest has written are read back for that, so nothing is left out. Both run in one process, in turn;
what counts is CPU time, and of the rounds the median. `--steps` reads dumps of a quarter, a half
and the whole, which tells whether time grows as the number does; with `--rounds 0` alone, so that
the largest size of the process (VmHWM) is that of the ingest.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.ingest import memory, write_dump

from larkpost.db import migrations, papers, readers
from larkpost.db.engine import Store
from larkpost.domain import Status
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.ingest import ingest
from larkpost.portability.importer import take_votes

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 8, 7, 9, tzinfo=UTC)
WORDS = 200  # of an abstract
BATCH = 5_000
READERS = 100
TABLES = ("paper", "identifier", "minhash", "dump_paper", "search")


@dataclass(frozen=True)
class Comparison:
    """CPU seconds of ours and of the least, medians; ``ratio`` is the least's share of ours."""

    count: int
    seconds: float
    least: float

    @property
    def rate(self) -> float:
        """Papers or votes a CPU second."""
        return self.count / self.seconds

    @property
    def ratio(self) -> float:
        """Our speed as a share of the speed of the least that must be done."""
        return self.least / self.seconds


def cpu_seconds(act: Callable[[], object]) -> float:
    """Run and give the CPU time that this process took."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def new_store(folder: Path, name: str) -> Store:
    """Open a store on a new SQLite database."""
    store = Store(f"sqlite:///{folder / name}.db")
    migrations.upgrade(store)
    return store


def ingest_once(folder: Path, dump: Path, name: str) -> float:
    """Ingest a dump into a new home; gives the CPU seconds."""
    store = new_store(folder, name)
    seconds = cpu_seconds(lambda: ingest(store, DUMP_FORMATS, dump, now=NOW))
    store.close()
    return seconds


def written_rows(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read the rows that ingest wrote; those of the index are made anew from the papers."""
    from larkpost.db.search.tokenize import index_document

    with closing(sqlite3.connect(database)) as connection:
        rows = {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608 - our names
            for name in TABLES[:-1]
        }
        told = connection.execute("SELECT id, title, authors, abstract FROM paper").fetchall()
    rows["search"] = [
        (number, *asdict(index_document(title, json.loads(authors), abstract)).values())
        for number, title, authors, abstract in told
    ]
    return rows


def insert_raw(database: Path, dump: Path, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """Parse every line and insert the rows, a transaction for 5,000 papers."""
    count = len(rows["paper"])
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        with dump.open("rb") as lines:
            for start in range(0, count, BATCH):
                for _, line in zip(range(BATCH), lines, strict=False):
                    json.loads(line)
                connection.execute("BEGIN IMMEDIATE")
                for name, table in rows.items():
                    part = slice(
                        len(table) * start // count, len(table) * min(start + BATCH, count) // count
                    )
                    insert_rows(connection, name, table[part])
                connection.execute("COMMIT")


def insert_rows(connection: sqlite3.Connection, name: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows into a table, or into the full-text index."""
    if not rows:
        return
    target = "search(rowid, title, authors, abstract)" if name == "search" else name
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO {target} VALUES ({marks})", rows)  # noqa: S608 - ours


def raw_once(folder: Path, dump: Path, name: str, rows: dict[str, list[tuple[Any, ...]]]) -> float:
    """Insert the rows into a new database of the same tables; gives the CPU seconds."""
    new_store(folder, name).close()
    database = folder / f"{name}.db"
    with closing(sqlite3.connect(database)) as connection:  # the dump that listings refer to
        connection.execute(
            "INSERT INTO dump VALUES (1, 'x', 'x', 'x', NULL, '2026-08-07', 0, 0, 0, 0)"
        )
        connection.commit()
    return cpu_seconds(lambda: insert_raw(database, dump, rows))


def compare_ingest(folder: Path, count: int, rounds: int) -> Comparison:
    """Ingest and insert in turn."""
    dump = folder / "dump.jsonl"
    write_dump(dump, count, words=WORDS, lines=True)
    ours, least = [], []
    for number in range(rounds):
        ours.append(ingest_once(folder, dump, f"ours{number}"))
        rows = written_rows(folder / f"ours{number}.db")
        least.append(raw_once(folder, dump, f"raw{number}", rows))
    return Comparison(count, statistics.median(ours), statistics.median(least))


def measure_growth(folder: Path, count: int) -> list[tuple[int, float]]:
    """Ingest a quarter, a half and the whole; gives the number and CPU seconds of each."""
    told = []
    for part in (count // 4, count // 2, count):
        dump = folder / f"part{part}.jsonl"
        write_dump(dump, part, words=WORDS, lines=True)
        told.append((part, ingest_once(folder, dump, f"part{part}")))
    return told


def write_votes(file: Path, store: Store, count: int) -> None:
    """Write thumbs of a hundred readers on the papers that are here, no two on the same."""
    dice = random.Random(7)  # noqa: S311 - the same votes on every run
    with store.begin() as connection:
        names = [str(paper.identifier) for paper in papers.iterate(connection)]
        for number in range(READERS):
            readers.add(
                connection,
                address=f"reader{number}@example.org",
                words=(),
                status=Status.ACTIVE,
                now=NOW,
                zone="UTC",
                send_time=NOW.time(),
                weekdays=frozenset(range(7)),
                papers_per_edition=10,
            )
    each = -(-count // READERS)
    with file.open("w", encoding="utf-8") as out:
        for number in range(READERS):
            for paper in dice.sample(names, each):
                vote = {
                    "reader": f"reader{number}@example.org",
                    "paper": paper,
                    "thumb": dice.choice((1, -1)),
                    "at": "2026-08-06T12:00:00Z",
                    "source": "link",
                    "format": 2,
                    "interest": None,
                }
                out.write(json.dumps(vote) + "\n")


def measure_votes(folder: Path, count: int, rounds: int) -> Comparison:
    """Import votes; the least is `json.loads` of the lines."""
    times = []
    file = folder / "votes.jsonl"
    dump = folder / "few.jsonl"
    write_dump(dump, 2_000, words=40, lines=True)
    for number in range(rounds):
        store = new_store(folder, f"votes{number}")
        ingest(store, DUMP_FORMATS, dump, now=NOW)
        write_votes(file, store, count)
        times.append(cpu_seconds(lambda store=store: take_votes(store, file, now=NOW)))  # type: ignore[misc]  # a default of mypy's doubt
        store.close()
    least = cpu_seconds(lambda: [json.loads(line) for line in file.open("rb")])
    return Comparison(count, statistics.median(times), least)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--papers", type=int, default=20_000)
    arguments.add_argument("--votes", type=int, default=20_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--steps", action="store_true", help="a quarter, a half, the whole")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    told: dict[str, Any] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        if given.steps:
            told["steps"] = measure_growth(folder, given.papers)
            told["megabytes"] = memory(_own_id())
        for what, count, measure in (
            ("papers", given.papers, compare_ingest),
            ("votes", given.votes, measure_votes),
        ):
            if count and given.rounds:
                found = measure(folder, count, given.rounds)
                told[what] = asdict(found) | {"rate": found.rate, "ratio": found.ratio}
    print(json.dumps(told, indent=1) if given.json else _as_text(told))


def _own_id() -> int:
    import os

    return os.getpid()


def _as_text(told: dict[str, Any]) -> str:
    lines = [
        f"{one['count']:,} {what}: {one['seconds']:.2f} s of CPU, {one['rate']:,.0f} a second,"
        f" {one['ratio']:.0%} of the speed of the least ({one['least']:.2f} s)"
        for what in ("papers", "votes")
        if (one := told.get(what))
    ]
    for count, seconds in told.get("steps", ()):
        lines.append(f"{count:,} papers: {seconds:.2f} s, {count / seconds:,.0f} a second")
    if "megabytes" in told:
        lines.append(f"{told['megabytes']:.0f} MB at most")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
