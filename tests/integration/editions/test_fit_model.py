"""Tests that models are fitted in a separate process, whose death does no harm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from larkpost.db import fitted_models, papers
from larkpost.db.coordination import job_status
from larkpost.db.engine import Store
from larkpost.domain import Identifier, PaperRecord
from larkpost.editions import fit_model
from larkpost.editions.fit_model import NEWEST, FitApart, choose_corpus, fit_here
from larkpost.editions.model_cache import TRY_AGAIN, ModelCache, fresh_space
from larkpost.errors import TryAgainLater
from larkpost.ranking import TfidfRanker

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.coordination.job_status import JobStatus

NOW = datetime(2026, 8, 7, 3, tzinfo=UTC)
FIT_PROCESS = [sys.executable, "-P", "-m", "larkpost.editions.fit_process"]
BROKEN = "import sys; sys.stdin.readline(); sys.exit('out of luck')"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
NO_SPACE = "import sys; sys.stdin.readline(); print('no space')"
ENDLESS = "import time; time.sleep(600)"


@pytest.fixture(autouse=True)
def corpus(store: Store) -> None:
    take(store, *(f"On ice and radar, part {n}" for n in range(30)))


def take(store: Store, *titles: str) -> None:
    with store.begin() as connection:
        drafts = [PaperRecord(title=one, identifiers=(Identifier("test", one),)) for one in titles]
        papers.absorb(connection, drafts, now=NOW)


def last_fit(store: Store) -> JobStatus:
    with store.read() as connection:
        return job_status.latest(connection)["fit"]


def kept(store: Store) -> bytes:
    with store.read() as connection:
        newest = fitted_models.newest_model(connection)
    assert newest is not None
    return newest.body


def test_a_process_of_its_own_fits_the_space_that_this_one_would(store: Store) -> None:
    shared = ModelCache(FitApart())

    shared.refresh(store, TfidfRanker(), now=NOW)

    here = fit_here(store, TfidfRanker(), NOW, together=False)
    apart = TfidfRanker().space_from(kept(store))
    assert apart is not None
    assert here.space is not None
    assert apart.to_bytes() == here.space.to_bytes()
    assert shared.fresh(store, TfidfRanker(), now=NOW).to_bytes() == here.body
    assert last_fit(store).ok


def test_the_settings_of_the_ranker_are_those_of_the_process(store: Store) -> None:
    take(store, *(f"Of {n} birds and rivers" for n in range(150)))

    fitted = FitApart()(store, TfidfRanker(accurate=False), NOW, together=False)

    assert fitted.body == fit_here(store, TfidfRanker(accurate=False), NOW, together=False).body
    assert fitted.body != fit_here(store, TfidfRanker(accurate=True), NOW, together=False).body


@pytest.mark.parametrize("folder", [b"a%41 b?c=d#e", b"M\xfcnchen"], ids=["signs", "no text"])
def test_the_process_finds_a_database_wherever_it_lies(
    tmp_path: Path, migrated_file: Path, folder: bytes
) -> None:
    home = tmp_path / os.fsdecode(folder)
    home.mkdir()
    shutil.copy(migrated_file, home / "larkpost.db")
    store = Store(f"sqlite:///{quote(os.fsencode(home / 'larkpost.db'))}")
    take(store, *(f"On ice and radar, part {n}" for n in range(30)))

    fitted = FitApart()(store, TfidfRanker(), NOW, together=False)

    assert fitted.body == fit_here(store, TfidfRanker(), NOW, together=False).body
    store.close()


@pytest.mark.parametrize(
    ("program", "told"),
    [(BROKEN, "out of luck"), (KILLED, "-9"), (NO_SPACE, "no space"), (ENDLESS, "longer than 1 ")],
    ids=["broken", "killed", "nonsense", "endless"],
)
def test_where_the_process_dies_the_old_space_serves_and_it_is_tried_again_in_an_hour(
    store: Store, child: list[str], program: str, told: str
) -> None:
    ranker, shared = TfidfRanker(), ModelCache(FitApart(seconds=1))
    old = fresh_space(store, ranker, now=NOW)
    take(store, "A new one")
    child.append(program)

    with capture_logs() as logged:
        shared.refresh(store, ranker, now=NOW)

    assert [one["event"] for one in logged if one["log_level"] == "warning"] == ["model.failed"]
    event = last_fit(store)
    assert not event.ok
    assert told in event.detail["problem"]
    child.clear()
    soon, later = NOW + TRY_AGAIN / 2, NOW + TRY_AGAIN
    assert shared.fresh(store, ranker, now=soon).to_bytes() == old.to_bytes()
    shared = ModelCache(FitApart())
    shared.refresh(store, ranker, now=later)
    assert last_fit(store).ok
    assert kept(store) != old.to_bytes()


def test_whoever_waits_for_the_process_can_be_told_to_end(store: Store, child: list[str]) -> None:
    child.append(ENDLESS)
    with pytest.raises(TryAgainLater):  # the child never ends by itself
        FitApart(stopped=lambda: True)(store, TfidfRanker(), NOW, together=False)


def test_the_process_ends_with_the_one_that_asked(store: Store) -> None:
    wanted = {
        "store": store.url.render_as_string(hide_password=False),
        "accurate": True,
        "now": NOW.isoformat(),
        "together": False,
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(FIT_PROCESS, stdin=pipe, stdout=pipe) as process:
        process.communicate(json.dumps(wanted).encode() + b"\n", timeout=120)

    assert process.returncode == 1


def test_no_password_of_the_database_is_in_the_command_line_or_told(
    started: list[list[str]],
) -> None:
    nowhere = Store("postgresql://lark:s3cr3t@127.0.0.1:1/nowhere")

    with pytest.raises(RuntimeError) as failed:
        FitApart()(nowhere, TfidfRanker(), NOW, together=False)

    assert "s3cr3t" not in str(failed.value)
    assert not any("s3cr3t" in word for command in started for word in command)


def test_the_database_can_be_written_while_the_process_fits(
    store: Store, child: list[str], tmp_path: Path
) -> None:
    """The process waits until this one, which waits for it to begin, has written something."""
    began, written = tmp_path / "began", tmp_path / "written"
    child.append(
        "import time\n"
        "from pathlib import Path\n"
        "from larkpost.editions import fit_process\n"
        "from larkpost.ranking import TfidfRanker\n"
        "real = TfidfRanker.fit\n"
        "def slow(self, corpus, **more):\n"
        f"    Path({str(began)!r}).touch()\n"
        f"    while not Path({str(written)!r}).exists():\n"
        "        time.sleep(.05)\n"
        "    return real(self, corpus, **more)\n"
        "TfidfRanker.fit = slow\n"
        "fit_process.main()"
    )
    shared = ModelCache(FitApart(seconds=120))
    fit = threading.Thread(target=shared.refresh, args=(store, TfidfRanker()), kwargs={"now": NOW})
    fit.start()

    while fit.is_alive() and not began.exists():
        time.sleep(0.05)
    take(store, "Written beside the fit")
    written.touch()
    fit.join()

    assert last_fit(store).ok
    with store.read() as connection:
        facts = fitted_models.newest_facts(connection)
        assert facts is not None
        assert (facts.paper_count, papers.count(connection)) == (30, 31)


THREADS = """
import numpy, scipy.linalg, sklearn.utils.extmath, threadpoolctl
told = str(sorted({one["num_threads"] for one in threadpoolctl.threadpool_info()}))
"""
OF_A_COMMAND = """
from larkpost import cli
try:
    cli.main(["--version"])
except SystemExit:
    pass
"""
OF_THE_FIT = """
from larkpost.editions import fit_process
def fit(wanted):
    exec(wanted["threads"], globals())
    return told.encode()
fit_process._fit = fit
fit_process.main()
"""


@pytest.mark.parametrize(
    "program", [f"{OF_A_COMMAND}{THREADS}print(told)", OF_THE_FIT], ids=["command", "fit"]
)
def test_blas_has_one_thread_in_every_process(program: str) -> None:
    plain = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=plain, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"threads": THREADS}) + "\n")
        process.stdin.flush()
        told = process.stdout.read()

    assert told.splitlines()[-1] == "[1]"


def test_a_model_is_fitted_to_no_more_papers_of_a_feed_than_of_all_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_model, "FEWEST_OF_SOURCE", 5)
    with store.begin() as connection:
        words = ("jackpot", "roulette", "poker", "bingo", "lottery", "baccarat", "keno")
        titles = (f"Join the {one} and the {other}" for one in words for other in words)
        told = [PaperRecord(title, unverified=7, text_source="blog") for title in titles]
        papers.absorb(connection, told, now=NOW)
        sources = papers.newest_sources(connection, limit=1_000)

    chosen = choose_corpus(sources)

    listed = {paper_id for paper_id, source in sources if source is None}
    assert (len(listed), len(sources)) == (30, 30 + len(words) ** 2)
    assert listed <= set(chosen)
    assert len(chosen) == 2 * len(listed)


def test_a_title_of_an_authority_with_the_abstract_of_a_feed_is_one_of_the_feed_in_a_fit(
    store: Store,
) -> None:
    title = "On ice and radar, part 7"
    told = PaperRecord(title, "Jackpots for everybody.", unverified=7, text_source="blog")
    with store.begin() as connection:
        papers.absorb(connection, [told], now=NOW)
        sources = papers.newest_sources(connection, limit=1_000)

    assert Counter(source for _, source in sources) == {None: 29, "blog": 1}


def test_a_flood_of_a_feed_displaces_no_papers_from_the_fit() -> None:
    flood: list[tuple[int, str | None]] = [(n, "source a-blog") for n in range(90_000)]
    journal = [(n, "source journal") for n in range(100_000, 100_800)]
    listed = [(n, None) for n in range(200_000, 230_000)]

    chosen = choose_corpus([*flood, *journal, *listed[:5_000]])
    full = choose_corpus([*flood, *journal, *listed])

    assert {n for n, _ in [*journal, *listed[:5_000]]} <= set(chosen)
    assert len(chosen) == 2 * 5_800
    assert len(full) == len(set(full)) == NEWEST
    assert set(full) & {n for n, _ in listed} == {n for n, _ in listed[: NEWEST // 2]}
    assert len(choose_corpus(flood)) == NEWEST == len(choose_corpus(listed))


@pytest.mark.parametrize("sizes", [(11_000, 21_000), (19_000, 25_000), (150,) * 200])
def test_no_feed_is_left_out_of_the_fit_because_others_have_fewer_papers(
    sizes: tuple[int, ...],
) -> None:
    of = [f"source {n}" for n, size in enumerate(sizes) for _ in range(size)]

    chosen = choose_corpus(list(enumerate(of)))

    assert len(chosen) == len(set(chosen)) == NEWEST
    assert set(Counter(of[n] for n in chosen).values()) == {NEWEST // len(sizes)}
