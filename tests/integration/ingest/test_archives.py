"""Tests gzip and zip: their dumps are read, and errors name a member that is too large."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.helpers.dump_files import everything, page, read, write

from larkpost.errors import UnreadableDump
from larkpost.ingest import archives
from larkpost.ingest.dump_limits import DumpLimits
from larkpost.ingest.file_reader import copy_of_stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larkpost.db.engine import Store

DUMPS = Path(__file__).parents[2] / "dumps"


def packed(members: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 8, 7, 6, 0, 0)), content, method)
    return body.getvalue()


def dump(name: str) -> bytes:
    return (DUMPS / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "taken"),
    [("arxiv-feed.rss", 5), ("papers.csv", 2), ("oai-arxiv.xml", 2), ("papers.jsonl", 3),
     ("feed.json", 2)],
)  # fmt: skip  # a list of names reads better in rows
def test_a_dump_in_gzip_is_read_and_known_again_unpacked(
    store: Store, tmp_path: Path, name: str, taken: int
) -> None:
    report = read(store, write(tmp_path, gzip.compress(dump(name)), f"{name}.gz"))

    assert report.papers == taken
    assert read(store, write(tmp_path, dump(name), name)).already


def test_each_dump_in_a_zip_is_read_and_what_is_none_is_reported(
    store: Store, tmp_path: Path
) -> None:
    members: dict[str, bytes | str] = {
        "week/arxiv.rss": dump("arxiv-feed.rss"),
        "week/papers.csv": dump("papers.csv"),
        "week/page.txt": page("Aug 7"),
        "week/": b"",
        "__MACOSX/week/._papers.csv": b"x",
        "week/.DS_Store": b"x",
        "paper.pdf": b"%PDF-1.7",
        "inner.zip": packed({"a.txt": page()}),
        "papers.jsonl.gz": gzip.compress(dump("papers.jsonl")),
        "empty.txt": b"",
        "notes.txt": b"Just some words.\n",
        "papers.tsv": dump("papers.tsv"),
    }

    report = read(store, write(tmp_path, packed(members), "week.zip"))

    assert report.format == "zip: arxiv-feed, table, huggingface"
    assert report.papers == 5 + 2 + 1 + 2
    reasons = [one.reason for one in report.rejects]
    assert reasons == [
        "paper.pdf is a PDF document, not a dump",
        "inner.zip is a zip archive (or a Word, Excel or OpenDocument file), not a dump",
        "papers.jsonl.gz is a gzip archive, not a dump",
        "empty.txt is empty",
        "notes.txt: nothing in it is recognised as a dump",
        "papers.tsv: it has no title",
    ]
    assert "week/papers.csv: line 1: columns that are not known are left out: Shelf" in (
        report.warnings
    )


def test_the_same_zip_again_brings_nothing(store: Store, tmp_path: Path) -> None:
    body = packed({"papers.csv": dump("papers.csv")})
    read(store, write(tmp_path, body, "a.zip"))

    assert read(store, write(tmp_path, body, "b.zip")).already
    assert len(everything(store)) == 2


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("a.zip", packed({}), "is an empty zip archive"),
        ("a.zip", packed({".hidden": b"x"}), "is an empty zip archive"),
        (
            "a.docx",
            packed({"[Content_Types].xml": b"<x/>"}),
            "is a document, spreadsheet or program",
        ),
        ("a.zip", packed({"a.pdf": b"%PDF-1"}), "the first file: a.pdf is a PDF document"),
        ("a.zip", packed({"a.txt": page()})[:-30], "is a zip archive that is damaged or cut off"),
        ("a.zip", packed({f"{n}.txt": b"x" for n in range(1_001)}), "has more than 1,000 files"),
        ("a.gz", gzip.compress(packed({"a.txt": b"x"})), "is an archive within an archive"),
        ("a.gz.gz", gzip.compress(gzip.compress(b"x")), "is an archive within an archive"),
        ("a.gz", gzip.compress(page().encode())[:40], "is a gzip archive that is damaged"),
        ("a.gz", gzip.compress(b""), "is empty"),
        ("a.gz", gzip.compress(b"%PDF-1.7"), "is a PDF document"),
        ("a.gz", gzip.compress(b"title,abstract\n" + b"a" * 20_000_000), "more than 200 times"),
        ("a.zip", packed({"a.csv": b"a" * 20_000_000}), "a.csv unpacks to more than 200 times"),
        (
            "a.zip",
            packed({"a.txt": page()}, zipfile.ZIP_LZMA),
            "uses a compression that is not supported",
        ),
    ],
)
def test_what_holds_no_dump_or_too_much_is_refused_by_name(
    store: Store, tmp_path: Path, name: str, body: bytes, why: str
) -> None:
    with pytest.raises(UnreadableDump) as refused:
        read(store, write(tmp_path, body, name))

    assert why in str(refused.value)
    assert str(refused.value).startswith(name)
    assert everything(store) == []


def test_members_share_one_limit(store: Store, tmp_path: Path) -> None:
    members = {f"{n}.csv": dump("papers.csv") * 4 for n in range(5)}

    with pytest.raises(UnreadableDump, match="the archive is larger than"):
        read(store, write(tmp_path, packed(members), "a.zip"), limits=DumpLimits(5_000))


def test_an_encrypted_member_is_reported(store: Store, tmp_path: Path) -> None:
    body = bytearray(packed({"a.csv": dump("papers.csv")}))
    at = body.index(b"PK\x01\x02")
    body[at + 8 : at + 10] = struct.pack("<H", 1)

    with pytest.raises(UnreadableDump, match=r"a\.csv is encrypted"):
        read(store, write(tmp_path, bytes(body), "a.zip"))


def test_a_list_of_members_that_is_too_long_is_not_read_into_memory(
    store: Store, tmp_path: Path
) -> None:
    body = bytearray(packed({"a.csv": dump("papers.csv")}))
    end = body.rindex(b"PK\x05\x06")
    body[end + 12 : end + 16] = struct.pack("<I", 200_000_000)

    with pytest.raises(UnreadableDump, match="has more than 1,000 files"):
        read(store, write(tmp_path, bytes(body), "a.zip"))


def test_what_is_unpacked_and_refused_counts_to_what_an_archive_may_unpack_to(
    store: Store, tmp_path: Path
) -> None:
    refused = b"%PDF-1.7 " + bytes(600)
    body = packed({"a.pdf": refused, "b.pdf": refused, "papers.jsonl": dump("papers.jsonl")})

    with pytest.raises(UnreadableDump, match="the archive is larger than"):
        read(store, write(tmp_path, body, "a.zip"), limits=DumpLimits(1_000))


def test_references_in_a_zip_become_papers_where_that_is_said_even_if_it_was_read_before(
    store: Store, tmp_path: Path
) -> None:
    library = "@article{a,\n title = {Lanterns at Night}, doi = {10.1000/1}\n}\n"
    archive = write(tmp_path, packed({"library.bib": library, "page.txt": page()}), "a.zip")

    first = read(store, archive)
    second = read(store, archive, as_papers=True)

    assert [one.reason for one in first.rejects] == [
        "library.bib is a list of references (BibTeX), not a dump"
    ]
    assert (second.already, second.format) == (None, "zip: references, huggingface")
    assert {one.title for one in everything(store)} == {"A Title", "Lanterns at Night"}
    assert read(store, archive, as_papers=True).already


class CountedBytes(io.BytesIO):
    """A stream that counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


LONG_NAME = b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 3_000_000
PADDED = gzip.compress(b"title\n") + bytes(3_000_000)


@pytest.mark.parametrize(("content", "readable"), [(PADDED, True), (LONG_NAME, False)])
def test_millions_of_bytes_between_the_members_of_a_gzip_file_are_not_read_one_by_one(
    content: bytes, readable: bool
) -> None:
    stream = CountedBytes(content)

    try:
        with copy_of_stream(stream, "a.gz") as copy:
            assert copy.body.read() == b"title\n"
            is_read = True
    except UnreadableDump:
        is_read = False

    assert is_read is readable
    assert stream.reads < 100


def test_a_gzip_file_whose_packed_bytes_are_too_many_is_refused(tmp_path: Path) -> None:
    limit = "is a gzip archive of more than 2,000,000 bytes"

    with (
        pytest.raises(UnreadableDump, match=limit),
        copy_of_stream(io.BytesIO(PADDED), "a.gz", largest=2_000_000),
    ):
        pass


def test_a_gzip_file_of_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_PACKED_MEMBERS", 3)
    one = gzip.compress(b"title\n") + bytes(70_000)  # padding to the next piece that is read

    with copy_of_stream(io.BytesIO(one * 3), "a.gz") as copy:
        assert copy.body.read() == b"title\n" * 3
    with (
        pytest.raises(UnreadableDump, match="more than 3 members"),
        copy_of_stream(io.BytesIO(one * 4), "a.gz"),
    ):
        pass
