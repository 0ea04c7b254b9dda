"""Tests that links in documents lead to existing files and headings, and modules exist."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from larkpost.packaged_files import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
INDEX = CHECKOUT / "docs" / "README.md"
PARTS = ["Start", "Guides", "Reference", "Design"]
_FENCE = re.compile(r"^( *)(```|~~~).*?^ *\2 *$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def prose(text: str) -> str:
    return _FENCE.sub("", text)


def anchor(heading: str) -> str:
    """Return the anchor as GitHub does: lower-case letters and hyphens, no other punctuation."""
    shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")


@cache
def anchors(page: Path) -> frozenset[str]:
    found: list[str] = []
    for heading in _HEADING.findall(prose(page.read_text("utf-8"))):
        name = anchor(heading)
        found.append(f"{name}-{found.count(name)}" if name in found else name)
    return frozenset(found)


def links(page: Path, text: str) -> list[str]:
    """The relative links of a page, without those to other sites."""
    targets = _LINK.findall(_CODE.sub("", prose(text)))
    return [one for one in targets if not re.match(r"[a-z][a-z+.-]*:", one)]


def is_broken(page: Path, target: str) -> bool:
    path, _, fragment = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    if not there.exists() or not there.is_relative_to(CHECKOUT):
        return True
    return bool(fragment) and fragment not in anchors(there)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_relative_link_of_a_document_resolves(page: Path) -> None:
    broken = [one for one in links(page, page.read_text("utf-8")) if is_broken(page, one)]

    assert broken == []


def test_a_link_to_no_file_no_heading_or_out_of_the_repository_is_broken() -> None:
    readme = CHECKOUT / "README.md"
    text = "[a](docs/none.md) [b](docs/design.md#none) [c](#two-commands) [d](../x.md) `[e](f.md)`"

    assert [is_broken(readme, one) for one in links(readme, text)] == [True, True, False, True]


def test_headings_get_the_anchors_that_github_gives_them() -> None:
    assert anchor("arXiv's daily announcements (`arxiv-feed`)") == (
        "arxivs-daily-announcements-arxiv-feed"
    )
    assert anchor("`larkpost reader import-library EMAIL FILE|ID…`") == (
        "larkpost-reader-import-library-email-fileid"
    )


def test_the_index_lists_every_document_once_in_the_four_parts() -> None:
    text = INDEX.read_text("utf-8")
    listed = [(INDEX.parent / one).resolve() for one in links(INDEX, text)]

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert sorted(listed) == [page for page in DOCS if page != INDEX]


def test_the_readme_lists_the_documents_in_the_same_parts_and_order() -> None:
    readme = CHECKOUT / "README.md"
    table = readme.read_text("utf-8").partition("## Where to read on\n")[2]
    left_out = {readme, INDEX, CHECKOUT / "CHANGELOG.md"}
    listed = [CHECKOUT / one for one in links(readme, table)]
    indexed = [(INDEX.parent / one).resolve() for one in links(INDEX, INDEX.read_text("utf-8"))]

    assert re.findall(r"^\| \*\*(\w+)\*\* \|", table, re.MULTILINE) == PARTS
    assert [page for page in listed if page != INDEX] == [
        page for page in indexed if page not in left_out
    ]
