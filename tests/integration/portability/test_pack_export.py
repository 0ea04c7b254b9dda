"""Tests that a large export is made in a separate process, whose death does no harm."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from tests.helpers.web.site_client import NOW

from larkpost.db import papers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.errors import TryAgainLater
from larkpost.portability.pack_export import (
    EXPORT_MODULE,
    SMALL,
    PackedExport,
    PackExportApart,
    pack_here,
)

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

APART = PackExportApart(small=0)
BROKEN = "import sys; sys.stdin.readline(); sys.exit('out of luck')"
NO_EXPORT = "import sys; sys.stdin.readline(); print('no export')"
ENDLESS = "import time; time.sleep(600)"


def kinds(export: PackedExport) -> list[str]:
    """Return the kinds of an export's lines."""
    lines = zlib.decompress(export.packed)
    assert len(lines) == export.length
    return [json.loads(line)["kind"] for line in lines.splitlines()]


def test_the_process_packs_what_this_one_would(here: Place, started: list[list[str]]) -> None:
    here.client.post(here.vote_path(1, "up"))

    apart = APART(here.program.store, here.reader)

    assert apart == pack_here(here.program.store, here.reader)
    assert {"reader", "vote", "paper"} <= set(kinds(apart))
    assert [command[-1] for command in started] == [EXPORT_MODULE]


def test_the_daemon_packs_a_large_export_in_a_process(
    here: Place, me: str, started: list[list[str]]
) -> None:
    here.program.fits_apart = True
    drafts = [
        PaperRecord(title=f"Paper {n}", identifiers=(Identifier("arxiv", f"2605.{n:05}"),))
        for n in range(SMALL + 1)
    ]
    with here.program.store.begin() as connection:
        liked = [one.paper_id for one in papers.absorb(connection, drafts, now=NOW)]
        cast = [Vote(here.reader.id, one, Thumb.UP, NOW, "page", None) for one in liked]
        votes.cast_many(connection, cast)

    answer = here.client.get(f"{me}/export.jsonl")

    told = [json.loads(line)["kind"] for line in answer.text.splitlines()]
    assert told.count("vote") == SMALL + 1
    assert [command[-1] for command in started] == [EXPORT_MODULE]


def test_a_small_export_starts_no_process(here: Place, me: str, started: list[list[str]]) -> None:
    here.program.fits_apart = True

    assert here.client.get(f"{me}/export.jsonl").text.startswith('{"kind": "reader"')
    assert started == []


@pytest.mark.parametrize("instead", [BROKEN, NO_EXPORT])
def test_if_the_process_fails_the_daemon_packs_and_says_so_in_the_log(
    here: Place, child: list[str], instead: str
) -> None:
    child.append(instead)

    with capture_logs() as logged:
        export = APART(here.program.store, here.reader)

    assert export == pack_here(here.program.store, here.reader)
    assert [one["event"] for one in logged] == ["export.failed"]


def test_an_export_that_takes_too_long_is_refused_for_now(
    here: Place, me: str, child: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    child.append(ENDLESS)
    impatient = PackExportApart(seconds=0.2, small=0)
    monkeypatch.setattr(here.program, "export_packer", lambda _is_gone: impatient)

    answer = here.client.get(f"{me}/export.jsonl")

    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def test_when_nobody_waits_any_more_the_process_ends(here: Place, child: list[str]) -> None:
    child.append(ENDLESS)

    with pytest.raises(TryAgainLater):
        PackExportApart(lambda: True, small=0)(here.program.store, here.reader)
