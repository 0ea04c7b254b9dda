"""Tests that deleting everything is complete: no table and no file has a trace."""

from __future__ import annotations

import os
import re
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.helpers.web.site_client import NOW, contents, place

from larkpost.db import papers, readers
from larkpost.db.coordination import job_status
from larkpost.db.engine import open_sqlite
from larkpost.db.outbox import bounces, notices
from larkpost.db.private import private_papers
from larkpost.domain import Bounce, BounceKind, Identifier, PaperRecord, Thumb
from larkpost.readers import onboarding, record_votes, subscriptions
from larkpost.scheduler.tick import tick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Reader

ADDRESS = "Canary.Quill@example.org"
NAME = "Canary Quillfeather"
WORDS = ("zyxwords", "pinnate fjords")
LIST = "\n".join(
    f"@misc{{z{n}, title={{Zyxquill lantern {n} of {'x' * (n % 40)} the fjord}},"
    f" abstract={{{'The zyxquill glows at dusk. ' * (n % 30)}}}, doi={{10.1000/item{n}}}}}"
    for n in range(300)
)
LISTED = PaperRecord(title="Listed lanterns", identifiers=(Identifier("doi", "10.1000/item7"),))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    url = f"sqlite:///{tmp_path / 'home' / 'larkpost.db'}"
    flags = {"web.admin_link_version": 1, "inbound.address": "post@papers.example.org"}
    with place(tmp_path / "home", url, flags) as opened:
        yield opened


def live(here: Place) -> Reader:
    """Let a reader do every action and get every message; returns the reader."""
    store, program = here.program.store, here.program
    reader = subscriptions.add(
        store, ADDRESS, now=NOW - timedelta(days=3), name=NAME, words=WORDS, zone="UTC"
    )
    onboarding.from_references(store, reader.id, LIST, now=NOW)
    record_votes.cast(store, reader.id, here.papers[0].id, Thumb.UP, source="test", now=NOW)
    here.clock.now = NOW + timedelta(days=1)
    tick(program.tick_context, now=here.clock.now)
    with store.begin() as connection:
        papers.absorb(connection, [LISTED], now=NOW)  # one of the list is public from now on
        said = f"550 <{ADDRESS}> no such user"
        bounce = Bounce(reader.id, here.clock.now, BounceKind.SOFT, "4.0.0", said)
        bounces.record(connection, bounce)
        day = here.clock.now.date()
        notices.notify(connection, reader.id, {"why": NAME}, day=day, now=here.clock.now)
        notices.ask(connection, ADDRESS.lower(), {"address": ADDRESS}, now=here.clock.now)
        facts = {"problem": f"{ADDRESS}: {said}", "readers": [reader.uid, NAME]}
        job_status.record(connection, "publish", ok=False, now=here.clock.now, **facts)
    page = here.path(program.links.page(reader))
    for path in (page, f"{page}/taste", f"{page}/rate", f"/feed/{reader.feed_key}.atom"):
        assert here.client.get(path).status_code == 200
    came_back = program.inbound_folder / "cur"
    came_back.mkdir(parents=True)
    (came_back / "1.mail:2,S").write_text(f"From: x@example.org\n\nFinal-Recipient: {ADDRESS}\n")
    (came_back / "2.mail:2,S").write_text(f"From: x@example.org\n\nFor another.{ADDRESS}\n")
    refused = program.inbound_folder / "refused"
    refused.mkdir()
    (refused / "20260807T060000.3.mail").write_text(f"Final-Recipient: {ADDRESS}\n" * 1000)
    return reader


def traces(reader: Reader) -> re.Pattern[bytes]:
    """Match all that names a reader, or what only they brought."""
    known = (reader.uid, reader.feed_key, NAME, "Quillfeather", "zyxquill", *WORDS)
    words = b"|".join(re.escape(one.encode()) for one in known)
    return re.compile(words + rb"|(?<!another\.)canary\.quill@", re.IGNORECASE)


def files_with(home: Path, pattern: re.Pattern[bytes]) -> dict[str, list[bytes]]:
    found = {
        str(file.relative_to(home)): pattern.findall(file.read_bytes())
        for file in home.rglob("*")
        if file.is_file()
    }
    return {name: hits[:3] for name, hits in found.items() if hits}


def test_no_row_and_no_file_of_the_home_holds_a_trace_of_who_is_deleted(
    here: Place, tmp_path: Path
) -> None:
    reader, home = live(here), tmp_path / "home"
    pattern = traces(reader)
    before = files_with(home, pattern)
    assert any(name.startswith("mail/") for name in before), "no letter was put into the outbox"
    assert any("larkpost.db" in name for name in before)
    page = here.path(here.program.links.page(reader))

    answer = here.client.post(f"{page}/delete", data={"sure": "on"})

    assert answer.status_code == 200
    rows = contents(here.program.store)
    assert not {name for name, table in rows.items() if pattern.search(repr(table).encode())}
    for name, column in (("interest", 1), ("vote", 0), ("delivery", 3), ("bounce", 1)):
        assert reader.id not in {row[column] for row in rows[name]}, name
    assert files_with(home, pattern) == {}
    assert (here.program.inbound_folder / "cur" / "2.mail:2,S").exists()
    assert here.client.get(page).status_code == 404
    assert here.client.get(f"/feed/{reader.feed_key}.atom").status_code == 404


def test_the_words_of_who_is_deleted_are_in_no_index(here: Place, tmp_path: Path) -> None:
    reader = live(here)

    subscriptions.remove(here.program.store, reader.id)

    with closing(open_sqlite(here.program.store.file, 1.0)) as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, search, 'row')")
        terms = {term for (term,) in connection.execute("SELECT term FROM temp.terms")}
    assert "lantern" in terms
    assert not {term for term in terms if term.startswith("zyx")}


def test_nothing_of_who_is_deleted_is_kept_in_memory(here: Place) -> None:
    reader = live(here)
    state = here.client.app.state  # type: ignore[attr-defined]
    page = here.path(here.program.links.page(reader))

    def kept() -> list[str]:
        return [one.path for one in state.feeds._feeds if reader.feed_key in one.path]

    for query in ("", "?min=0.5"):
        here.client.get(f"/feed/{reader.feed_key}.atom{query}")
    assert len(kept()) == 2

    here.client.post(f"{page}/delete", data={"sure": "on"})

    assert kept() == []
    assert reader.id not in state.site.tastes._kept


def test_what_is_no_mail_among_mail_that_came_back_keeps_nobody_from_deleting_everything(
    here: Place, tmp_path: Path
) -> None:
    reader, returns = live(here), here.program.inbound_folder
    for part in ("cur", "refused"):
        (returns / part / "a folder").mkdir()
        (returns / part / "a link").symlink_to(tmp_path)
        os.mkfifo(returns / part / "a pipe")
    opened = len(os.listdir("/dev/fd"))  # noqa: PTH208

    subscriptions.remove(here.program.store, reader.id, returned=returns)

    assert len(os.listdir("/dev/fd")) == opened  # noqa: PTH208
    assert not files_with(returns, traces(reader))
    assert len(list((returns / "refused").iterdir())) == 3


def test_other_readers_and_their_messages_stay(here: Place, tmp_path: Path) -> None:
    reader, store = live(here), here.program.store
    onboarding.from_references(store, here.reader.id, LIST, now=NOW)
    outbox = here.program.places.maildir / "new"
    messages = {one.name: b"ada@example.org" in one.read_bytes() for one in outbox.iterdir()}
    assert set(messages.values()) == {True, False}
    with store.read() as connection:
        before = private_papers.of(connection, here.reader.id)

    subscriptions.remove(
        store, reader.id, outbox=here.program.places.maildir, returned=here.program.inbound_folder
    )

    assert {one.name for one in outbox.iterdir()} == {name for name, own in messages.items() if own}
    with store.read() as connection:
        assert private_papers.of(connection, here.reader.id) == before
        assert readers.get(connection, here.reader.id).address == "ada@example.org"


def test_nothing_that_names_a_reader_is_left_on_a_server(store_of_postgres: Place) -> None:
    here = store_of_postgres
    reader = live(here)

    subscriptions.remove(here.program.store, reader.id)

    rows = contents(here.program.store)
    pattern = traces(reader)
    assert not {name for name, table in rows.items() if pattern.search(repr(table).encode())}
    with here.program.store.read() as connection:
        found = text("SELECT count(*) FROM search WHERE words @@ to_tsquery('simple', 'zyxquil')")
        assert connection.execute(found).scalar_one() == 0


@pytest.fixture(params=[pytest.param("postgres", marks=pytest.mark.postgres)])
def store_of_postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Open a place on a database server."""
    url = request.getfixturevalue("postgres_url")
    flags = {"web.admin_link_version": 1, "inbound.address": "post@papers.example.org"}
    with place(tmp_path / "home", url, flags) as opened:
        yield opened
