"""Tests ingesting one dump: whole, once, on the right day, and with clear errors."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
from datetime import UTC, date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import pytest
from tests.helpers.dump_files import ABSTRACT, NOW, everything, page, read, write

from larkpost.db import papers, read_dumps
from larkpost.db.coordination import job_status
from larkpost.domain import PaperRecord, RejectedRecord
from larkpost.errors import LarkpostError, TryAgainLater, UnreadableDump, UsageError
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest import ingest as flow
from larkpost.ingest.dump_limits import DumpLimits
from larkpost.ingest.ingest import ingest
from larkpost.packaged_files import shipped_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.db.matching.paper_query import PaperQuery
    from larkpost.domain import Record
    from larkpost.ingest.ingest import IngestReport

SAMPLE = shipped_path("seeds") / "000_48a0d66eb2c74da9.txt"


def test_the_sample_becomes_108_papers_of_its_day(store: Store) -> None:
    report = read(store, SAMPLE)

    assert (report.papers, report.new, report.rejected) == (108, 108, 0)
    assert report.format == "huggingface"
    assert report.captured == date(2026, 8, 7)
    assert {paper.first_seen for paper in everything(store)} == {datetime(2026, 8, 7, tzinfo=UTC)}
    assert {paper.ingested_at for paper in everything(store)} == {NOW}


def test_the_same_bytes_again_bring_nothing_and_tell_when_they_were_read(
    store: Store, tmp_path: Path
) -> None:
    first = read(store, SAMPLE)
    renamed = write(tmp_path, SAMPLE.read_bytes(), "other name.txt")

    again = read(store, renamed, now=datetime(2026, 8, 11, tzinfo=UTC))

    assert again.already == NOW
    assert (again.new, again.updated, again.known) == (0, 0, 108)
    assert (again.name, again.dump_id) == ("other name.txt", first.dump_id)
    assert len(everything(store)) == 108


def test_an_edited_dump_updates_adds_and_keeps(store: Store, tmp_path: Path) -> None:
    text = SAMPLE.read_text("utf-8")
    read(store, SAMPLE)
    uids = {paper.title: paper.uid for paper in everything(store)}
    fixed = text.replace("Densing Law of LLMs", "The Densing Law of Language Models")
    without_first = fixed.replace(
        text.split("\n\n")[6] + "\n\n" + text.split("\n\n")[7] + "\n\n", ""
    )

    report = read(store, write(tmp_path, f"{without_first}\n\nNew Title\n\n{ABSTRACT}"))

    assert (report.papers, report.new, report.updated, report.known) == (108, 1, 1, 106)
    after = {paper.uid: paper for paper in everything(store)}
    assert len(after) == 109
    changed = after[uids["Densing Law of LLMs"]]
    assert changed.title == "The Densing Law of Language Models"
    assert [paper.uid for paper in after.values() if paper.updated > NOW] == []


def test_a_dump_keeps_its_order_and_what_was_rejected(store: Store, tmp_path: Path) -> None:
    lines = ['{"title": "One"}', "{broken", '{"title": "Two"}', '{"title": "Cut", "abs']
    report = read(store, write(tmp_path, "\n".join(lines), "day.jsonl"))

    assert (report.papers, report.new, report.rejected) == (2, 2, 2)
    with store.read() as connection:
        rejects = read_dumps.rejects(connection, report.dump_id)
        titles = papers.get(connection, ids := read_dumps.papers_of(connection, report.dump_id))
        (latest,) = read_dumps.latest(connection, 5)
    assert [titles[one].title for one in ids] == ["One", "Two"]
    assert [(reject.line, reject.text) for reject in rejects] == [(2, lines[1]), (4, lines[3])]
    assert (latest.digest, latest.rejected, latest.read_at) == (report.digest, 2, NOW)


def test_standard_input_is_read_like_a_file(store: Store) -> None:
    report = ingest(store, DUMP_FORMATS, None, stream=BytesIO(page().encode()), now=NOW)

    assert (report.name, report.new, report.captured) == ("standard input", 1, date(2026, 8, 7))


def test_progress_is_reported_in_bytes_up_to_the_end(store: Store) -> None:
    told: list[tuple[int, int]] = []

    read(store, SAMPLE, progress=lambda done, total: told.append((done, total)))

    size = SAMPLE.stat().st_size
    assert told[-1] == (size, size)
    assert told == sorted(told)


def test_progress_is_reported_while_there_is_no_record(store: Store, tmp_path: Path) -> None:
    """Whoever reads may have to stop, or to let others be read first."""
    feed = '<feed xmlns="http://www.w3.org/2005/Atom">' + "<x/>" * 100_000 + "</feed>"
    told: list[int] = []

    read(store, write(tmp_path, feed), progress=lambda done, _total: told.append(done))

    assert len({done for done in told if 0 < done < len(feed)}) > 3


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "is empty"),
        (gzip.compress(page().encode())[:-20], "is a gzip archive that is damaged or cut off"),
        (b"PK\x03\x04" + b"x" * 50, "is a zip archive that is damaged or cut off"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG picture"),
        (b"\0" * 257 + b"ustar", "is a tar archive"),
        (bytes(range(1, 32)) * 40, "is binary"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><p>Lunch", "is an HTML page"),
        (b"<HTML lang=en><p>Lunch", "is an HTML page"),
        ("<!doctype html>\n<p>Lunch".encode("utf-16"), "is an HTML page"),
        (b'<?xml version="1.0"?>\n<rss>', "the file ends in the middle of the list"),
        (b'<?xml version="1.0"?>\n<plist>', "is an XML file"),
        (b"Just some words.\n", "nothing in it is recognised"),
        (
            b"Submitted by\n\nada\n\nSubmitted by\n\nbo\n",
            "daily list, which has no titles and no abstracts",
        ),
    ],
)
def test_what_is_no_dump_is_refused_by_what_it_is(
    store: Store, tmp_path: Path, body: bytes, why: str
) -> None:
    with pytest.raises(UnreadableDump, match=why) as refused:
        read(store, write(tmp_path, body))

    assert str(refused.value).startswith("page.txt")
    assert refused.value.hint
    assert everything(store) == []


def test_a_refused_dump_is_reported_in_the_events(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnreadableDump) as refused:
        read(store, write(tmp_path, "Just some words.\n"))

    with store.read() as connection:
        event = job_status.latest(connection)["ingest"]
    assert not event.ok
    assert event.detail["name"] == "page.txt"
    assert event.detail["problem"] == str(refused.value)
    assert event.detail["hint"] == refused.value.hint


def test_a_named_source_is_used_and_an_unknown_one_refused(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path, '{"title": "T"}', "x.dat")

    assert read(store, file, dump_format="jsonl").format == "jsonl"
    with pytest.raises(UsageError, match="there is no format cobol"):
        read(store, file, dump_format="cobol")


def test_a_link_is_followed_only_when_that_is_asked_for(store: Store, tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(write(tmp_path, page()))

    with pytest.raises(UnreadableDump, match="is a symbolic link"):
        read(store, link, follow=False)
    assert read(store, link).new == 1


@pytest.mark.timeout(300)
def test_pipes_folders_sockets_and_devices_are_not_opened(store: Store, tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path, what in (
            (pipe, "a pipe"),
            (folder, "a folder"),
            (tmp_path / "socket", "a socket"),
            (type(tmp_path)("/dev/zero"), "a device"),
        ):
            with pytest.raises(UnreadableDump, match=f"is {what}"):
                read(store, path)


def test_a_missing_file_is_the_callers_mistake(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file nothing\.txt"):
        read(store, tmp_path / "nothing.txt")


def test_a_file_larger_than_the_cap_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnreadableDump, match="is larger than 1 MiB"):
        read(store, write(tmp_path, page() + "x\n" * 600_000), limits=DumpLimits(1 << 20))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_short_lines_count_more_than_their_bytes(store: Store, tmp_path: Path, end: str) -> None:
    with pytest.raises(UnreadableDump, match="is larger than 1 MiB"):
        read(store, write(tmp_path, page() + end * 40_000), limits=DumpLimits(1 << 20))


def test_records_beyond_the_limit_are_left_out_with_a_warning(store: Store, tmp_path: Path) -> None:
    lines = "".join(f'{{"title": "Lanterns of harbour {n}"}}\n' for n in range(5))

    report = read(store, write(tmp_path, lines, "a.jsonl"), limits=DumpLimits(records=3))

    assert report.papers == len(everything(store)) == 3
    assert report.warnings[0] == "it has more than 3 records; the first are read"


def test_a_file_that_grows_while_it_is_read_is_left_for_later(store: Store, tmp_path: Path) -> None:
    # Large, so that copying gives way to the writer many times.
    file = write(tmp_path, page() + f"{'x' * 99}\n" * 400_000)
    begun, enough = threading.Event(), threading.Event()

    def go_on_writing() -> None:
        with file.open("ab", buffering=0) as growing:
            while not enough.is_set():
                growing.write(b"more\n")
                begun.set()

    writer = threading.Thread(target=go_on_writing)
    writer.start()
    begun.wait(10)
    try:
        with pytest.raises(TryAgainLater, match="is still being written"):
            read(store, file)
    finally:
        enough.set()
        writer.join()
    assert everything(store) == []


class Broken:
    """A source that breaks after a paper."""

    name: ClassVar[str] = "broken"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - the protocol's
        return True

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:  # noqa: ARG002 - the protocol's
        yield PaperRecord("A paper before the trouble", ABSTRACT)
        yield RejectedRecord(2, "odd")
        raise ZeroDivisionError


def test_a_dump_that_breaks_the_program_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        ingest(store, [Broken()], write(tmp_path, "x"), now=NOW)

    assert everything(store) == []
    with store.read() as connection:
        assert read_dumps.latest(connection) == []


def test_a_large_dump_is_taken_in_parts_and_a_repeat_finishes_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "BATCH", 2)
    titles = ("Ants", "Bees", "Cats", "Dogs", "Eels")
    file = write(tmp_path, "\n".join(json.dumps({"title": t}) for t in titles), "x.jsonl")

    report = read(store, file)

    assert (report.new, len(everything(store))) == (5, 5)
    with store.read() as connection:
        assert len(read_dumps.papers_of(connection, report.dump_id)) == 5


def test_parts_are_bounded_by_the_length_of_their_texts_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[int] = []
    prepare = papers.prepare

    def counting(drafts: Sequence[PaperRecord], now: datetime) -> list[PaperQuery]:
        parts.append(len(drafts))
        return prepare(drafts, now)

    monkeypatch.setattr(papers, "prepare", counting)
    monkeypatch.setattr(flow, "BATCH_CHARACTERS", 1_000)
    given: list[dict[str, Any]] = [
        {"title": f"Lanterns {n}", "abstract": f"{n} " * 200} for n in range(5)
    ]
    given[1]["authors"] = ["A" * 2_000]
    file = write(tmp_path, "\n".join(map(json.dumps, given)), "x.jsonl")

    report = read(store, file)

    assert report.new == 5
    assert parts == [2, 3, 0]


def test_what_is_kept_of_rejected_records_is_bounded_over_all(store: Store, tmp_path: Path) -> None:
    lines = ['{"title": "One"}', *(f'{{"id": "{n} {"x" * 5_000}' for n in range(900))]

    report = read(store, write(tmp_path, "\n".join(lines), "x.jsonl"))

    assert report.rejected == len(report.rejects) == 900
    assert len(report.rejects[0].text) == 2_000
    assert sum(len(one.text) for one in report.rejects) == 1_000_000
    assert report.rejects[-1].reason.startswith("the file ends")


def test_two_copies_at_once_make_each_paper_once(store: Store, tmp_path: Path) -> None:
    files = [write(tmp_path, SAMPLE.read_bytes(), f"{name}.txt") for name in "ab"]
    reports: list[IngestReport] = []
    together = threading.Barrier(2)

    def take(file: Path) -> None:
        together.wait()
        reports.append(read(store, file))

    threads = [threading.Thread(target=take, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(report.new for report in reports) == [0, 108]
    assert len(everything(store)) == 108


def test_a_database_that_is_not_there_is_reported_and_nothing_is_made(tmp_path: Path) -> None:
    from larkpost.db.engine import Store

    with pytest.raises(LarkpostError):
        read(Store(f"sqlite:///{tmp_path}/none.db"), SAMPLE)

    assert not (tmp_path / "none.db").exists()
