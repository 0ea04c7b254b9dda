"""Tests that the DOI in an article's URL is the same for every view of it."""

from __future__ import annotations

import pytest

from larkpost.formats.paper_lists.paper_links import paper_link
from larkpost.text.paper_names import paper_names

BIORXIV = "https://www.biorxiv.org/content/10.1101/2026.08.10.123456"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (f"{BIORXIV}v1.full-text", "doi:10.1101/2026.08.10.123456"),
        (f"{BIORXIV}v2.full.pdf+html", "doi:10.1101/2026.08.10.123456"),
        (f"{BIORXIV}v1.abstract", "doi:10.1101/2026.08.10.123456"),
        (
            "https://onlinelibrary.wiley.com/doi/full/10.1002/lark.202600001/references",
            "doi:10.1002/lark.202600001",
        ),
        ("https://www.nature.com/articles/srep12345", "doi:10.1038/srep12345"),
        (
            "https://www.nature.com/articles/s41586-026-12345-6.pdf",
            "doi:10.1038/s41586-026-12345-6",
        ),
        ("https://dl.acm.org/doi/pdf/10.1145/3600001.3600002/", "doi:10.1145/3600001.3600002"),
    ],
)
def test_feeds_and_mails_read_the_same_doi_in_an_address(address: str, name: str) -> None:
    link = paper_link(address)

    assert link is not None
    assert [str(one) for one in link.names] == [name]
    assert [str(one) for one in paper_names([address])] == [name]


def test_a_page_of_nature_that_is_no_article_names_no_paper() -> None:
    assert paper_names(["https://www.nature.com/articles/s41586-026-1-x"]) == ()
