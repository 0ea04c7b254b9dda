"""Records of arXiv's metadata snapshot, as `larkpost enrich` reads them."""

from __future__ import annotations

import io
import json

from larkpost.domain import Draft
from larkpost.sources.arxiv_metadata import MetadataRecord, read_metadata


def test_names_with_accents_above_accents_are_spelt_out() -> None:
    names = [["Nguy\\~{\\^e}n", "V\\u{a}n", "Jr."], ["Tr\\`{\\^a}n", "", ""]]
    line = json.dumps(
        {"id": "2607.00001", "title": "A title of some length", "authors_parsed": names}
    )

    (record,) = read_metadata(io.BytesIO(line.encode()))

    assert isinstance(record, MetadataRecord)
    draft = record.read()
    assert isinstance(draft, Draft)
    assert draft.authors == ("Văn Nguyễn Jr.", "Trần")
