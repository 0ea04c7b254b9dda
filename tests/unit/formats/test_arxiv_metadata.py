"""Records of arXiv's metadata snapshot, as `larkpost enrich` reads them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, cast

from larkpost.domain import PaperRecord
from larkpost.formats.arxiv_metadata import MetadataRecord, read_metadata
from larkpost.formats.json_items import HeadFirst

if TYPE_CHECKING:
    from typing import BinaryIO


def test_names_with_accents_above_accents_are_spelt_out() -> None:
    names = [["Nguy\\~{\\^e}n", "V\\u{a}n", "Jr."], ["Tr\\`{\\^a}n", "", ""]]
    line = json.dumps(
        {"id": "2607.00001", "title": "A title of some length", "authors_parsed": names}
    )

    (record,) = read_metadata(io.BytesIO(line.encode()))

    assert isinstance(record, MetadataRecord)
    draft = record.read()
    assert isinstance(draft, PaperRecord)
    assert draft.authors == ("Văn Nguyễn Jr.", "Trần")


def test_a_long_first_record_is_no_list_though_its_head_was_read_before() -> None:
    """A collaboration has thousands of authors; the rest of a snapshot has gigabytes."""
    authors = [[f"Author{n}", "Ada", ""] for n in range(6_000)]
    first = {"id": "2607.00001", "title": "A title of some length", "authors_parsed": authors}
    other = {"id": "2607.00002", "title": "Another title of some length", "abstract": "word " * 900}
    lines = [json.dumps(first), *[json.dumps(other)] * 4_000]
    rest = io.BytesIO("\n".join(lines).encode())
    stream = cast("BinaryIO", HeadFirst(rest.read(64 * 1024), rest))

    records = list(read_metadata(stream))

    assert len(records) == 4_001
