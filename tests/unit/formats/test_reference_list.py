"""Tests lists of references as papers: read only on request."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest

from larkpost.domain import PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.reference_list import ReferenceList
from larkpost.formats.registry import DUMP_FORMATS

BIBTEX = """@article{lantern,
  title = {{Lantern} Decoding at Night}, author = {Lovett, Ada and Li, Wen}, year = {2026},
  abstract = {We light one expert of a mixture at a time.}, eprint = {2608.01001},
  archivePrefix = {arXiv}
}
@misc{nameless, doi = {10.1000/182}}
"""
RIS = "TY  - JOUR\nTI  - Tides in Time Series\nAU  - Hopwell, Grace\nDO  - 10.1000/tides\nER  - \n"
CSL = (
    '[{"type": "article-journal", "title": "Tides in Time Series", "DOI": "10.1000/tides",'
    ' "issued": {"date-parts": [[2026]]}}]'
)


def read(text: str) -> list[PaperRecord | RejectedRecord]:
    records = ReferenceList().read(BytesIO(text.encode()), date(2026, 11, 26))
    return [one for one in records if isinstance(one, PaperRecord | RejectedRecord)]


def test_bibtex_gives_papers_and_rejects_what_has_no_title() -> None:
    lantern, nameless = read(BIBTEX)

    assert isinstance(lantern, PaperRecord)
    assert lantern.title == "Lantern Decoding at Night"
    assert [str(name) for name in lantern.identifiers] == ["arxiv:2608.01001"]
    assert lantern.abstract == "We light one expert of a mixture at a time."
    assert nameless == RejectedRecord(0, "it has no title", "doi:10.1000/182")


@pytest.mark.parametrize("text", [RIS, CSL])
def test_other_forms_give_papers(text: str) -> None:
    (tides,) = read(text)

    assert isinstance(tides, PaperRecord)
    assert (tides.title, str(tides.identifiers[0])) == ("Tides in Time Series", "doi:10.1000/tides")


@pytest.mark.parametrize("text", [BIBTEX, RIS, CSL])
def test_they_are_recognised_but_stand_in_no_registry(text: str) -> None:
    assert ReferenceList().recognises(text.encode(), "x")
    assert "references" not in {one.name for one in DUMP_FORMATS}


def test_names_alone_are_refused() -> None:
    with pytest.raises(UnreadableDump, match="no title in it"):
        read("2608.01001\n2608.01002\n")
