"""Measures how fast ingest and the import of votes are, against the minimal work.

Ingest reads JSON Lines of different papers into a new SQLite home, as `larkpost ingest` does. The
minimal work is `json.loads` of each line, and `sqlite3` inserts of the same rows into the same
tables and full-text index, one transaction per 5,000 papers; the rows are read back from ingest's
database, so none is left out. Both run in one process, in turn; the measure is CPU time, the median
of the rounds.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.editions import papers as sample_papers

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
    """Median CPU seconds of ours and of the minimal work; ``ratio`` is the latter's share.

    ``peak`` is the largest size in MB (VmHWM) of the process that ingested, 0 if it is unknown.
    """

    count: int
    seconds: float
    least: float
    peak: float = 0.0

    @property
    def rate(self) -> float:
        """Papers or votes per CPU second."""
        return self.count / self.seconds

    @property
    def ratio(self) -> float:
        """Our speed as a share of the speed of the minimal work."""
        return self.least / self.seconds


def write_dump(file: Path, count: int, *, words: int, lines: bool) -> float:
    """Write a page, or JSON Lines, of so many different papers; returns its size in MB."""
    dice = random.Random(7)  # noqa: S311 - the same dump on every run
    known = sorted({word for one in sample_papers() for word in one.abstract.split()})
    with file.open("w", encoding="utf-8") as dump:
        dump.write("" if lines else "Daily Papers\n\nAug 7\n\n")
        for number in range(count):
            title = " ".join(dice.choices(known, k=8)).replace(".", "") + f" {number}"
            abstract = " ".join(dice.choices(known, k=words)) + "."
            record = json.dumps({"title": title, "abstract": abstract}) + "\n"
            dump.write(record if lines else f"{title}\n\n{abstract}\n\n")
    return file.stat().st_size / 1e6


def memory(pid: int) -> float:
    """Read the peak memory of a process, in MB (proc(5), VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)) / 1e3


def cpu_seconds(act: Callable[[], object]) -> float:
    """Run a function; returns the CPU time of this process."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def new_store(folder: Path, name: str) -> Store:
    """Open a store on a new SQLite database."""
    store = Store(f"sqlite:///{folder / name}.db")
    migrations.upgrade(store)
    return store


def ingest_once(folder: Path, dump: Path, name: str) -> float:
    """Ingest a dump into a new home; returns the CPU seconds."""
    store = new_store(folder, name)
    seconds = cpu_seconds(lambda: ingest(store, DUMP_FORMATS, dump, now=NOW))
    store.close()
    return seconds


def written_rows(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read the rows that ingest wrote; rows of the index are computed from the papers."""
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
    """Parse every line and insert the rows, one transaction per 5,000 papers."""
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
    """Insert the rows into a new database with the same tables; returns the CPU seconds."""
    new_store(folder, name).close()
    database = folder / f"{name}.db"
    with closing(sqlite3.connect(database)) as connection:  # the dump that listings refer to
        connection.execute(
            "INSERT INTO dump (id, digest, name, format, captured, read_at, papers, new, updated,"
            " rejected) VALUES (1, 'x', 'x', 'x', NULL, '2026-08-07', 0, 0, 0, 0)"
        )
        connection.commit()
    return cpu_seconds(lambda: insert_raw(database, dump, rows))


def compare_ingest(folder: Path, dump: Path, rounds: int) -> Comparison:
    """Ingest a dump of JSON Lines, then insert its rows; ``peak`` is that before inserts."""
    ours, least, count, peak = [], [], 0, 0.0
    for number in range(rounds):
        ours.append(ingest_once(folder, dump, f"ours{number}"))
        peak = peak or memory(os.getpid())
        rows = written_rows(folder / f"ours{number}.db")
        count = len(rows["paper"])
        least.append(raw_once(folder, dump, f"raw{number}", rows))
        for file in folder.glob("*.db*"):
            file.unlink()
    return Comparison(count, statistics.median(ours), statistics.median(least), peak)


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
    """Import votes; the minimal work is `json.loads` of the lines."""
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
