"""The sample of the papers page in every layout and encoding that it may be saved in."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.helpers.papers_page import HF, SAMPLE, pairs, read, sample, wrapped

from larkpost.domain import DumpDate, PaperRecord
from larkpost.formats.huggingface import HuggingFacePage

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_sample_gives_its_108_papers_whole() -> None:
    _, papers = sample()

    records = read(SAMPLE.read_bytes())

    assert len(papers) == 108
    assert records[0] == DumpDate(date(2026, 8, 7), 11)
    assert [(r.title, r.abstract) for r in records[1:] if isinstance(r, PaperRecord)] == papers
    assert len(records) == 109


ORGANISATION = (
    "State Key Laboratory of Artificial Intelligence Systems, Chinese Academy of Sciences"
)
LAYOUTS: dict[str, Callable[[str, list[tuple[str, str]]], str]] = {
    "abstracts and titles wrapped": lambda head, papers: "\n\n".join(
        [head, *(wrapped(text) for paper in papers for text in paper)]
    ),
    "wrapped narrowly": lambda head, papers: "\n\n".join(
        [head, *(wrapped(text, 62) for paper in papers for text in paper)]
    ),
    "titles go on in an indented line": lambda head, papers: "\n\n".join(
        [
            head,
            *(f"{wrapped(a, 60)}\n\n{b}".replace("\n", "\n  ", a.count("\n")) for a, b in papers),
        ]
    ),
    "no blank lines": lambda _, papers: (
        "Get trending papers in your email inbox!\nSubscribe"
        + "\n".join(text for paper in papers for text in paper)
    ),
    "no blank lines, abstracts wrapped": lambda _, papers: (
        "Get trending papers in your email inbox!\nSubscribe"
        + "\n".join(f"{title}\n{wrapped(abstract)}" for title, abstract in papers)
    ),
    "no blank lines, some abstracts wrapped": lambda _, papers: (
        "Get trending papers in your email inbox!\nSubscribe"
        + "\n".join(
            f"{title}\n{wrapped(abstract, 72) if at % 2 else abstract}"
            for at, (title, abstract) in enumerate(papers)
        )
    ),
    "blank lines between papers only": lambda head, papers: "\n\n".join(
        [head, *(f"{title}\n{wrapped(abstract)}" for title, abstract in papers)]
    ),
    "votes above, an organisation below": lambda head, papers: "\n\n".join(
        [head, *(f"7\n\n{a}\n\n{b}\n\nGoogle\n\n·\n\nOct 7, 2024\n\n3" for a, b in papers)]
    ),
    "the same without blank lines": lambda head, papers: "\n".join(
        [head, *(f"7\n{a}\n{b}\nGoogle\n·\nOct 7, 2024\n3" for a, b in papers)]
    ),
    "wrapped, an organisation below, no blank lines": lambda head, papers: "\n".join(
        [head, *(f"7\n{a}\n{wrapped(b)}\nGoogle\n·\nOct 7, 2024\n3" for a, b in papers)]
    ),
    "a long name of an organisation below": lambda head, papers: "\n\n".join(
        [head, *(f"7\n\n{a}\n\n{b}\n\n{ORGANISATION}\n\n·\n\nOct 7, 2024" for a, b in papers)]
    ),
    "the same wrapped, without blank lines": lambda head, papers: "\n".join(
        [head, *(f"7\n{a}\n{wrapped(b)}\n{ORGANISATION}\n·\nOct 7, 2024" for a, b in papers)]
    ),
    "Markdown links around everything": lambda head, papers: "\n\n".join(
        [head, *(f"[-] 7\n\n[{a}]({HF})\n\n[{b}]({HF})\n\n[2 authors]({HF})" for a, b in papers)]
    ),
    "headings that are links, abstracts wrapped": lambda head, papers: "\n\n".join(
        [head, *(f"### [{a}]({HF})\n\n[{wrapped(b)}]({HF} 'more')" for a, b in papers)]
    ),
    "links without blank lines": lambda head, papers: "\n".join(
        [head, *(f"[-] 7\n### [{a}]({HF})\n[{wrapped(b)}]({HF})" for a, b in papers)]
    ),
    "numbered links": lambda head, papers: "\n\n".join(
        [head, *(f"[7]\n\n[{a}][31]\n\n[{b}][32]\n\n[33]2 authors" for a, b in papers)]
    ),
    "numbers before links, no blank lines": lambda head, papers: "\n".join(
        [head, *(f"[-] 7\n[31]{a}\n[32]{wrapped(b)}" for a, b in papers)]
    ),
    "numbers after links, no blank lines": lambda head, papers: "\n".join(
        [head, *(f"[-] 7\n[{a}][31]\n[{wrapped(b)}][32]" for a, b in papers)]
    ),
    "no header at all": lambda _, papers: "\n\n".join(f"{a}\n\n{b}" for a, b in papers),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_papers_of_the_sample_survive_every_layout(layout: str) -> None:
    head, papers = sample()

    dump = LAYOUTS[layout](head, papers)

    assert pairs(dump) == papers
    assert HuggingFacePage().recognises(dump.encode()[:65_536], "page.txt")


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\r\n", 200).encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-be"),  # without its mark
        lambda text: text.encode("utf-32"),
        lambda text: text.replace("; ", ";\x85").replace(", ", ",\u2028").encode(),
        lambda text: text.replace("a", "a\x00", 50).encode(),
    ],
)
def test_the_sample_reads_the_same_in_every_encoding(encoded: Callable[[str], bytes]) -> None:
    text = SAMPLE.read_text("utf-8")

    assert pairs(encoded(text)) == sample()[1]


def test_a_long_page_without_blank_lines_is_read_in_parts_and_whole() -> None:
    head, papers = sample()
    many = [(f"{title} {n}", abstract) for n in range(12) for title, abstract in papers]

    dense = "\n".join(text for paper in many for text in paper)

    assert pairs(f"{head}\n{dense}\n") == many
