"""Tests which links lead to papers, also through services that count clicks."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from larkpost.formats.paper_lists.paper_links import find_names, paper_link

ARXIV = "https://arxiv.org/abs/2608.01001"


@pytest.mark.parametrize(
    ("url", "names", "clean"),
    [
        (f"{ARXIV}v2?utm_source=x", ["arxiv:2608.01001"], f"{ARXIV}v2"),
        ("https://doi.org/10.1000/182", ["doi:10.1000/182"], "https://doi.org/10.1000/182"),
        (
            "https://onlinelibrary.wiley.com/doi/full/10.1002/exa.1?af=R",
            ["doi:10.1002/exa.1"],
            "https://onlinelibrary.wiley.com/doi/full/10.1002/exa.1",
        ),
        (
            "https://www.biorxiv.org/content/10.1101/2026.08.01.123456v2.full",
            ["doi:10.1101/2026.08.01.123456"],
            "https://www.biorxiv.org/content/10.1101/2026.08.01.123456v2.full",
        ),
        (
            "https://www.nature.com/articles/s41586-026-01234-5.pdf",
            ["doi:10.1038/s41586-026-01234-5"],
            "https://www.nature.com/articles/s41586-026-01234-5.pdf",
        ),
        ("https://openreview.net/forum?id=aBc#x", [], "https://openreview.net/forum?id=aBc"),
        (
            "https://www.sciencedirect.com/science/article/pii/S1?via=ihub",
            [],
            "https://www.sciencedirect.com/science/article/pii/S1",
        ),
    ],
)
def test_papers_are_known_by_their_address(url: str, names: list[str], clean: str) -> None:
    found = paper_link(url)

    assert found is not None
    assert ([str(name) for name in found.names], found.url) == (names, clean)


@pytest.mark.parametrize(
    "url",
    [
        f"https://scholar.google.com/scholar_url?url={ARXIV}&hl=en&sa=X&scisig=AAZ",
        f"https://www.google.com/url?q={quote(ARXIV, safe='')}&source=gmail",
        f"https://eur01.safelinks.protection.outlook.com/?url={quote(ARXIV, safe='')}&data=05",
        f"https://click.example.org/CL0/{quote(ARXIV, safe=':')}/1/0102-abc/x=5",
        f"https://urldefense.com/v3/__{ARXIV}__;!!abc$",
        f"https://a.example/?u={quote(f'https://b.example/?u={quote(ARXIV)}', safe='')}",
    ],
)
def test_the_paper_behind_a_counting_link_is_found(url: str) -> None:
    found = paper_link(url)

    assert found is not None
    assert found.url == ARXIV


@pytest.mark.parametrize(
    "url",
    [
        "", "mailto:a@example.org", "https://example.org/", "javascript:alert(1)", "https://[",
        "https://scholar.google.com/scholar_alerts?view_op=list",
        "https://arxiv.org/list/cs.CL/new", "#top",
        "https://huggingface.co/papers/submit", "https://www.nature.com/subjects/ecology",
        "https://a.example/?u=" + "https://a.example/?u=" * 300,
    ],
)  # fmt: skip  # a list of addresses reads better in rows
def test_other_links_are_none(url: str) -> None:
    assert paper_link(url) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("DOI: 10.1000/182.", ["doi:10.1000/182"]),
        ("https://doi.org/10.1000/182", ["doi:10.1000/182"]),
        ("arXiv preprint arXiv:2608.01001, 2026", ["arxiv:2608.01001"]),
        ("doi:10.48550/arXiv.2608.01001", ["arxiv:2608.01001"]),
        ("on page 10.2 of 12/5", []),
    ],
)
def test_names_are_found_in_text(text: str, names: list[str]) -> None:
    assert [str(name) for name in find_names(text)] == names
