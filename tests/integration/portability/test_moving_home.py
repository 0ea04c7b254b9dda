"""Export and import move a home: links in old messages work, and feeds stay unchanged."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient
from tests.helpers.web.site_client import BASE, NOW, place, publish

from larkpost.bootstrap import build
from larkpost.db import editions, interests, papers, readers, schema, votes
from larkpost.domain import Identifier, PaperRecord, Status, Thumb
from larkpost.portability.exporter import export
from larkpost.portability.importer import take_papers, take_readers, take_votes
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast
from larkpost.settings import load
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.bootstrap import Program
    from larkpost.domain import Reader
    from larkpost.interfaces import FeedFormat
    from larkpost.portability.import_lines import ImportReport

FORMS: tuple[FeedFormat, ...] = ("rss", "atom", "json")
LATER = NOW + timedelta(days=2)
KINDS = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture(params=KINDS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A home in which readers and editions came and went before Ada's second edition.

    One of its papers was corrected after it was out; one of her interests has a feed that goes by
    its number; Bob has had no edition yet.
    """
    with place(tmp_path / "old", request.getfixturevalue(f"{request.param}_url")) as here:
        store = here.program.store
        for name in ("gone", "gone.too"):
            gone = subscriptions.add(store, f"{name}@example.org", now=NOW)
            with store.begin() as connection:
                interests.set_interest(connection, gone.id, "théorie")
            publish(store, gone, 1)
            subscriptions.remove(store, gone.id)
        with store.begin() as connection:
            interests.set_interest(connection, here.reader.id, "格子", words=["lattice"], quota=2)
            corrected = PaperRecord(
                here.papers[0].title,
                f"{here.papers[0].abstract} Corrected, with one more table and its errata.",
                identifiers=(Identifier("arxiv", "2608.00001"),),
            )
            papers.absorb(connection, [corrected], now=NOW + timedelta(hours=5))
        tomorrow = NOW + timedelta(days=1)
        publish(store, here.reader, 2, tomorrow.date(), tomorrow)
        bob = subscriptions.add(store, "bob@example.org", now=NOW, zone="Asia/Tokyo")
        cast(store, here.reader.id, here.papers[1].id, Thumb.UP, source="link", now=NOW)
        cast(store, bob.id, here.papers[2].id, Thumb.DOWN, source="page", now=NOW)
        yield here


@pytest.fixture(params=KINDS)
def new(request: pytest.FixtureRequest, old: Place, tmp_path: Path) -> Iterator[Program]:
    """An empty home, with the key of the old one."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "new.db")
        url = f"sqlite:///{file}"
    else:
        url = request.getfixturevalue("second_postgres_url")
    with home(tmp_path / "new", url, old.program.places.secret) as program:
        yield program


@contextmanager
def home(folder: Path, url: str, key: Path) -> Iterator[Program]:
    folder.mkdir()
    shutil.copyfile(key, folder / "secret.key")
    (folder / "secret.key").chmod(0o600)
    program = build(load(home=folder, flags={"database.url": url, "site.base_url": BASE}))
    program.prepare()
    yield program
    program.store.close()


def move(old: Program, new: Program, folder: Path) -> ImportReport:
    """Move everything; returns what was said of the readers."""
    export(old.store, folder)
    take_papers(new.store, folder / "papers.jsonl", now=LATER)
    tally = take_readers(new.store, folder / "readers.jsonl", now=LATER)
    take_votes(new.store, folder / "votes.jsonl", now=LATER)
    assert (tally.refused, tally.unknown_keys) == ([], set())
    return tally


def everybody(program: Program) -> list[Reader]:
    with program.store.read() as connection:
        return readers.all(connection)


def links(program: Program) -> dict[str, str]:
    """Return every link in the messages and feeds of all readers, by purpose."""
    given = program.links
    with program.store.read() as connection:
        issued = {
            reader.id: editions.latest(connection, reader.id, 9)
            for reader in readers.all(connection)
        }
    found: dict[str, str] = {}
    for reader in everybody(program):
        found |= {
            f"{reader.uid} leave": given.leave(reader),
            f"{reader.uid} me": given.page(reader),
        }
        for interest, form in product(reader.interests, FORMS):
            link = given.feed(reader, form, interest=interest)
            found[f"{reader.uid} {interest.name} {form}"] = link
        for edition in issued[reader.id]:
            found[f"{edition.date} {reader.uid}"] = given.edition(edition)
            found[f"{edition.date} {reader.uid} up"] = given.vote(edition, 1, Thumb.UP)
    return found


def fed(program: Program) -> dict[str, bytes]:
    """The bytes of every feed of every reader, as they are served."""
    client = TestClient(app(program, clock=lambda: LATER), base_url=BASE)
    addresses = [
        program.links.feed(reader, form, interest=interest)
        for reader in everybody(program)
        for interest in (None, *reader.interests)
        for form in FORMS
    ]
    answers = {address: client.get(address.removeprefix(BASE)) for address in addresses}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {address: answer.content for address, answer in answers.items()}


def counts(program: Program) -> dict[str, int]:
    moved = ("paper", "reader", "interest", "vote", "edition", "pick")
    with program.store.read() as connection:
        return {
            name: connection.execute(
                select(func.count()).select_from(schema.metadata.tables[name])
            ).scalar_one()
            for name in moved
        }


def test_counts_numbers_links_and_feeds_stay_as_they_are(
    old: Place, new: Program, tmp_path: Path
) -> None:
    tally = move(old.program, new, tmp_path / "out")

    assert tally.remarks == []
    assert counts(new) == counts(old.program)
    assert [reader.id for reader in everybody(new)] == [r.id for r in everybody(old.program)]
    assert [reader.created for reader in everybody(new)] == [NOW, NOW]
    assert links(new) == links(old.program)
    assert fed(new) == fed(old.program)


def test_links_in_old_messages_act_in_the_new_home(
    old: Place, new: Program, tmp_path: Path
) -> None:
    message = next(iter(old.program.replyable_renderer.newsletter([old.edition])))
    move(old.program, new, tmp_path / "out")
    client = TestClient(app(new, clock=lambda: LATER), base_url=BASE)

    assert client.get(old.path(old.program.links.edition(old.edition))).status_code == 200
    assert client.get(old.path(old.program.links.page(old.reader))).status_code == 200
    assert client.post(old.vote_path(3, "up")).status_code == 200
    leave = old.path(old.program.links.leave(old.reader))
    assert leave.encode() in message.content.replace(b"=\r\n", b"")
    assert client.post(leave, data={"List-Unsubscribe": "One-Click"}).status_code == 200

    with new.store.read() as connection:
        ada = readers.by_address(connection, "ada@example.org")
        liked = papers.by_identifier(connection, Identifier("arxiv", "2608.00003"))
        assert liked is not None
        assert ada.status is Status.LEFT
        assert votes.one(connection, ada.id, liked.id) is not None


def test_who_comes_after_the_move_gets_numbers_of_their_own(
    old: Place, new: Program, tmp_path: Path
) -> None:
    move(old.program, new, tmp_path / "out")
    highest = max(reader.id for reader in everybody(new))

    for number in range(4):
        added = subscriptions.add(new.store, f"late{number}@example.org", now=LATER)
        with new.store.begin() as connection:
            interests.set_interest(connection, added.id, "later")
        publish(new.store, added, 1)

    assert min(reader.id for reader in everybody(new) if "late" in str(reader.address)) > highest


def test_where_numbers_are_taken_others_are_given_and_that_is_reported(
    old: Place, new: Program, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        here = subscriptions.add(new.store, f"{name}@example.org", now=NOW)
        publish(new.store, here, 1)
    before = links(new)

    tally = move(old.program, new, tmp_path / "out")

    assert [what for _, what in tally.remarks if "ada@example.org" in what]
    assert links(new).items() >= before.items()
    assert counts(new)["reader"] == 4
    feeds = old.program.links.feed(old.reader, "atom")
    assert feeds in fed(new)


def test_taking_in_twice_says_nothing_more(old: Place, new: Program, tmp_path: Path) -> None:
    move(old.program, new, tmp_path / "out")

    assert move(old.program, new, tmp_path / "out").remarks == []


@pytest.mark.parametrize("number", ["many", [3], -1, 2**63, 0])
def test_a_number_that_is_none_does_no_harm(
    sqlite_url: str, tmp_path: Path, number: object
) -> None:
    with place(tmp_path / "home", sqlite_url) as here:
        file = tmp_path / "readers.jsonl"
        line = {"reader": "eve@example.org", "number": number}
        file.write_text(json.dumps(line))

        tally = take_readers(here.program.store, file, now=NOW)

        assert len(tally.refused) + len(tally.remarks) == 1
        assert subscriptions.add(here.program.store, "bob@example.org", now=NOW).id < 10
