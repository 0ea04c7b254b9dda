"""Tests that no page, feed or job of the daemon reads all of a table that grows.

The database itself explains how it would execute every statement (``EXPLAIN``).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import SAMPLE
from tests.helpers.mail.digest_mails import LISTING, make_maildir, put_mail
from tests.helpers.query_plans import find_scans, recorded_statements
from tests.helpers.sources.polling_helpers import FRIDAY, Polling
from tests.helpers.sources.source_server import SourceServer, paper
from tests.helpers.web.site_client import NOW, place
from tests.integration.inbound.test_maildir import POST

from larkpost.domain import Thumb
from larkpost.inbound.digest_mail import DigestMail
from larkpost.inbound.digest_senders import DigestSenders
from larkpost.inbound.maildir import collect
from larkpost.inbound.process import InboundKind
from larkpost.scheduler.tick import tick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.query_plans import Scan
    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Store

# What may read all of a table: its whole statement as a pattern, and why.
ALLOWED = {
    r"SELECT count\(\*\) AS count_1\s+FROM paper": "the narrowest index, 3 ms for 100,000 papers",
    r"SELECT reader.status, count\(\*\) AS .*": "the narrowest index, for the health of the daemon",
    r"(DELETE|SELECT \S+)\s+FROM sent_message\s+WHERE NOT .*": "few: kept while in doubt",
    r"SELECT anon_1.paper_id, .* JOIN dump ON dump.id = anon_1.dump_id": "while dumps are few",
    r"SELECT match_decision.id\s+FROM match_decision\s+LIMIT \S+ OFFSET \S+": "its first row",
}


def _is_allowed(statement: str) -> bool:
    return any(re.fullmatch(pattern, statement, re.DOTALL) for pattern in ALLOWED)


@pytest.fixture
def full(tmp_path: Path, database_url: str) -> Iterator[Place]:
    with place(
        tmp_path, database_url, {"web.admin_link_version": 1, "inbox.stable_seconds": 0}
    ) as opened:
        yield opened


def refused(store: Store, statements: dict[str, object]) -> list[Scan]:
    scans = find_scans(store, statements)
    return [one for one in scans if not _is_allowed(one.statement)]


def test_a_statement_that_reads_a_whole_table_is_found(full: Place) -> None:
    statement = "SELECT title FROM paper WHERE title = 'x'"  # no index holds titles

    found = find_scans(full.program.store, {statement: ()})

    assert [one.table for one in found] == ["paper"]


def test_pages_for_anybody_scan_no_table(full: Place) -> None:
    first = full.papers[0]
    with recorded_statements() as statements:
        for path in (
            "/", "/archive", "/archive/2026-08-06", "/archive/2026-W32", "/archive/2026-08",
            "/archive/2026-08.atom", "/archive.atom", "/trending.rss", "/search?q=known+hides",
            '/search?q="what+is+known"+-birdsong+since:2026', "/search?q=author:lovelace",
            f"/search?q={first.identifier}", "/search.json?q=known", f"/paper/{first.uid}",
            "/subscribe", "/healthz",
        ):  # fmt: skip
            assert full.client.get(path).status_code in {200, 303}, path

    assert statements
    assert refused(full.program.store, statements) == []


@pytest.mark.parametrize("path", ["/", "/trending.rss", "/healthz", "{me}/rate"])
def test_what_is_news_is_found_without_reading_what_is_old(full: Place, path: str) -> None:
    me = full.path(full.program.links.page(full.reader))
    with recorded_statements() as statements:
        assert full.client.get(path.format(me=me)).status_code == 200

    with full.program.store.read() as connection:
        if connection.dialect.name != "sqlite":
            return  # where the plan of few rows says nothing about that of many
        steps = [
            row[3]
            for statement, values in statements.items()
            if "first_seen" in statement and " LIMIT " not in statement  # at which a walk ends
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert steps
    assert [step for step in steps if "first_seen<?" in step and "first_seen>?" not in step] == []


def test_pages_of_a_reader_scan_no_table(full: Place) -> None:
    links, reader = full.program.links, full.reader
    own = full.path(links.page(reader))
    with recorded_statements() as statements:
        for link in (links.edition(full.edition), links.feed(reader, "rss"), links.leave(reader)):
            assert full.client.get(full.path(link)).status_code == 200, link
        for path in (own, f"{own}/start", f"{own}/rate", f"{own}/taste", f"{own}/export.jsonl"):
            assert full.client.get(path).status_code == 200, path
        full.client.post(full.vote_path(1, "up"))
        full.client.post(full.path(links.leave(reader)), data={"List-Unsubscribe": "One-Click"})

    assert full.thumb(1) is Thumb.UP
    assert refused(full.program.store, statements) == []


def test_a_day_of_the_daemon_scans_no_table(full: Place) -> None:
    with recorded_statements() as statements:
        target = full.program.places.inbox / SAMPLE.name
        target.write_bytes(SAMPLE.read_bytes())
        done = tick(full.program.tick_context, now=NOW + timedelta(days=1))

    assert done.ledger.sent
    assert not target.exists()  # it was read
    assert refused(full.program.store, statements) == []


def test_polling_scans_no_table(store: Store) -> None:
    today = FRIDAY.date()
    with SourceServer() as server:
        server.today = today
        server.days[today] = [paper(number, day=today) for number in range(8)]
        polling = Polling(store, server)
        polling.poll()
        server.days[today].append(paper(9, day=today))
        with recorded_statements() as statements:
            (grown,) = polling.poll(hours=2)
            polling.poll(days=40)  # when dumps are pruned

    assert grown.new == 1
    assert any("DELETE FROM dump" in one for one in statements)
    assert refused(store, statements) == []


def test_reading_digests_by_mail_scans_no_table(store: Store, tmp_path: Path) -> None:
    maildir = make_maildir(tmp_path / "mail")
    put_mail(maildir, "1.a", LISTING)
    digests = DigestMail(DigestSenders(("@arxiv.org",)))
    with recorded_statements() as statements:
        done = collect(store, POST, maildir, now=NOW, digests=digests, clock=lambda: 0.0)

    assert done[InboundKind.DIGEST] == 1
    assert refused(store, statements) == []
