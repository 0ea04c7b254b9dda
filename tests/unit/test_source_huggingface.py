"""The papers page as text, in each of its shapes; ``tests/dumps`` holds one page of each."""

from __future__ import annotations

import textwrap
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from larkpost.domain import Captured, Draft, Identifier, Rejected, Remark
from larkpost.errors import UnreadableDump
from larkpost.resources import shipped
from larkpost.sources import SOURCES, HuggingFacePage

if TYPE_CHECKING:
    from collections.abc import Callable

    from larkpost.domain import Record

ROOT = Path(__file__).parent.parent.parent
DUMPS = ROOT / "tests" / "dumps"
SAMPLE = shipped("seeds") / "000_48a0d66eb2c74da9.txt"
NEAR = date(2026, 8, 25)
ORGANISATION = (
    "State Key Laboratory of Artificial Intelligence Systems, Chinese Academy of Sciences"
)
HF = "https://huggingface.co/papers/2605.01234"
HEADER = "new\n\nSubscribe\n\nDaily Papers\n\nbyAK and the research community\n\nAug 20\n\n"
TITLES = [
    "Lanterns: Lighting Sparse Experts One at a Time",
    "Do Small Models Dream of Large Budgets?",
    "Quill",
    "Rivers of Tokens, Dams of Memory",
]
ABSTRACT = (
    "We light one expert at a time and ask the next only when the first is unsure. On six public "
    "benchmarks the router answers as well as a dense model of the same size, with a third of the "
    "arithmetic. The weights, the code and the logs of every run are public."
)


def read(dump: bytes | str) -> list[Record]:
    body = dump.encode() if isinstance(dump, str) else dump
    return list(HuggingFacePage().read(BytesIO(body), NEAR))


def drafts(dump: bytes | str) -> list[Draft]:
    return [record for record in read(dump) if isinstance(record, Draft)]


def pairs(dump: bytes | str) -> list[tuple[str, str]]:
    return [(draft.title, draft.abstract) for draft in drafts(dump)]


def sample() -> tuple[str, list[tuple[str, str]]]:
    """Cut the sample by its blank lines: six pieces of furniture, then titles and abstracts."""
    header, *blocks = SAMPLE.read_text("utf-8").split("\n\n", 6)
    assert header == "new"
    parts = blocks[-1].split("\n\n")
    return "\n\n".join([header, *blocks[:-1]]), list(zip(parts[::2], parts[1::2], strict=True))


def wrapped(text: str, width: int = 78) -> str:
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def test_the_sample_gives_its_108_papers_whole() -> None:
    _, papers = sample()

    records = read(SAMPLE.read_bytes())

    assert len(papers) == 108
    assert records[0] == Captured(date(2026, 8, 7), 11)
    assert [(r.title, r.abstract) for r in records[1:] if isinstance(r, Draft)] == papers
    assert len(records) == 109


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


@pytest.mark.parametrize("shape", ["a", "a-votes", "b", "c", "c-wrapped", "d"])
def test_each_shape_gives_its_four_papers_and_no_furniture(shape: str) -> None:
    found = drafts((DUMPS / f"shape-{shape}.txt").read_bytes())

    assert [draft.title for draft in found] == TITLES
    assert [len(draft.abstract) for draft in found] == [319, 360, 374, 356]
    assert found[2].abstract.startswith("we present a text editor")
    assert "{scriptsize TWO}" in found[2].abstract
    assert "SAP^{2}" in found[2].abstract


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("file", sorted(DUMPS.glob("*.txt")), ids=lambda file: file.stem)
def test_the_page_is_recognised_and_only_by_its_own_source(source: object, file: Path) -> None:
    recognised = source.recognises(file.read_bytes(), file.name)  # type: ignore[attr-defined]  # a Source; parametrize knows no protocols

    assert recognised == isinstance(source, HuggingFacePage)


def test_votes_stand_above_their_titles() -> None:
    found = drafts((DUMPS / "shape-a-votes.txt").read_bytes())

    assert [draft.upvotes for draft in found] == [19, None, 101, 7]


def test_the_search_page_tells_links_dates_and_votes() -> None:
    records = read((DUMPS / "shape-d.txt").read_bytes())
    found = [record for record in records if isinstance(record, Draft)]

    assert records[0] == Captured(date(2026, 6, 29), 11)
    assert [draft.upvotes for draft in found] == [1, 19, None, 2]
    assert [draft.published for draft in found] == [
        date(2024, 10, 7),
        date(2026, 5, 30),  # the year is left out where it is the current one
        date(2026, 5, 29),
        date(2024, 10, 8),
    ]
    assert found[0].identifiers == (Identifier("arxiv", "2410.05258"),)
    assert [draft.url for draft in found][3] == "https://arxiv.org/abs/2410.11111"


@pytest.mark.parametrize(
    ("between", "votes"),
    [
        ("May 29[6]\n\n7", [7, 7, 7]),
        ("May 29\n\n7", [7, 7, 7]),
        ("May 29\n\n3\n\n7", [7, 7, 7]),
        ("May 29[6]\n\n[7]", [7, 7, 7]),
        ("May 29\n\n3\n\n[-] 7", [7, 7, 7]),
        ("May 29\n\n[-] 7", [7, 7, 7]),
        ("May 29[6]\n\n[-]", [7, None, None]),
        ("May 29\n\n3\n\n-", [7, None, None]),
    ],
)
def test_each_paper_keeps_its_votes_wherever_comments_are_told(
    between: str, votes: list[int | None]
) -> None:
    papers = [f"{title}\n\n{ABSTRACT}\n\n2 authors\n\n·\n\n{between}" for title in TITLES[:3]]

    assert [d.upvotes for d in drafts(HEADER + "7\n\n" + "\n\n".join(papers))] == votes


@pytest.mark.parametrize("comments", ["", "\n\n3"])
def test_votes_below_the_title_are_those_of_the_title(comments: str) -> None:
    papers = [
        f"{title}\n\n[-] {votes}\n\n{ABSTRACT}\n\n·\n\nMay 29{comments}"
        for votes, title in enumerate(TITLES)
    ]

    assert [d.upvotes for d in drafts(HEADER + "\n\n".join(papers))] == [0, 1, 2, 3]


def test_an_organisation_right_below_a_wrapped_abstract_is_none_of_it() -> None:
    dump = f"{HEADER}A Title\n\n{wrapped(ABSTRACT)}\nGoogle\n·\nMay 29\n\n7\n\nB\n\n{ABSTRACT}\n"

    assert pairs(dump) == [("A Title", ABSTRACT), ("B", ABSTRACT)]


def test_a_link_around_an_abstract_names_the_paper() -> None:
    (found,) = drafts(f"{HEADER}A Title\n\n[{ABSTRACT} See [1] (and [2]).]({HF})\n")

    assert found.abstract == f"{ABSTRACT} See [1] (and [2])."
    assert found.identifiers == (Identifier("arxiv", "2605.01234"),)


def test_links_within_an_abstract_stay() -> None:
    text = f"[Ours]({HF}) is as good. {ABSTRACT} See [there]({HF})"

    assert pairs(f"{HEADER}A Title\n\n{text}\n") == [("A Title", text)]


def test_the_words_searched_for_are_no_paper() -> None:
    remarks = [r for r in read((DUMPS / "shape-d.txt").read_bytes()) if isinstance(r, Remark)]

    assert remarks == [Remark(13, "“sparse experts” taken for the words that were searched for")]


@pytest.mark.parametrize(
    "navigation",
    [
        "Daily Weekly Monthly",
        "Daily / Weekly / Monthly",
        "* Daily\n* Weekly\n* Monthly",
        "Daily · Weekly · Monthly",
        "DailyWeeklyMonthly",
        "Daily Weekly\nMonthly",
        f"[Daily]({HF}) [Weekly]({HF}) [Monthly]({HF})",
        "[Daily][27] [Weekly][28] [Monthly][29]",
    ],
)
def test_the_navigation_is_known_with_any_separators(navigation: str) -> None:
    dump = f"{navigation}\n\nTrending Papers\n\nsparse experts\n\n[-] 1\n\nA Title\n\n{ABSTRACT}\n"

    assert pairs(dump) == [("A Title", ABSTRACT)]


def test_the_daily_list_is_refused_by_what_it_is() -> None:
    with pytest.raises(UnreadableDump, match="daily list: it holds no titles, and no") as refused:
        read((DUMPS / "shape-e.txt").read_bytes())

    assert refused.value.hint.startswith("try ")


def test_a_daily_list_with_titles_is_not_said_to_have_none() -> None:
    listed = "\n\n".join(f"Submitted by\n\nada\n\n12\n\nTitle {n}" for n in range(20))

    with pytest.raises(UnreadableDump, match="daily list: it holds 20 titles or short lines, and"):
        read(f"{HEADER}{listed}\n")


@pytest.mark.parametrize(
    ("dump", "why"),
    [
        (HEADER, "there is no paper in it"),
        (f"{HEADER}One Title\n\nAnother Title\n\nA Third", "3 titles or short lines, but not a"),
        ("", "there is no paper in it"),
    ],
)
def test_a_page_without_abstracts_is_refused(dump: str, why: str) -> None:
    with pytest.raises(UnreadableDump, match=why):
        read(dump)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Just one line.",
        "Dear all,\n\nplease find attached the minutes of our last meeting.\n\nBest,\nA.",
        "\n\n".join([ABSTRACT] * 5),
        "# Heading\n\n" + "\n\n".join([ABSTRACT] * 3),
        "import os\n\nprint(os.name)\n",
        (ROOT / "LICENSE").read_text("utf-8"),
        (ROOT / "CONTRIBUTING.md").read_text("utf-8"),
        "\n\n".join(f"## Section {n}\n\n{ABSTRACT}" for n in range(9)),
        "\n\n".join(f"{n}. Definitions\n\n{ABSTRACT}" for n in range(9)),
        "\n\n".join(f"<h3>Title {n}</h3>\n\n<p>{ABSTRACT}</p>" for n in range(9)),
        "\n\n".join(f"{title}\n\n{ABSTRACT}\n\nAside {title}" for title in "ABCDE"),
    ],
)
def test_other_text_is_not_taken_for_a_page(text: str) -> None:
    assert not HuggingFacePage().recognises(text.encode(), "notes.txt")


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_three_papers_without_any_heading_are_recognised(gap: str) -> None:
    papers = [text for paper in sample()[1][:3] for text in paper]

    assert HuggingFacePage().recognises(f"{gap.join(papers)}\n".encode(), "notes.txt")


def test_a_title_without_an_abstract_is_a_paper() -> None:
    found = pairs(f"{HEADER}First Title\n\n{ABSTRACT}\n\nBare Title\n\nLast Title\n\n{ABSTRACT}\n")

    assert found == [("First Title", ABSTRACT), ("Bare Title", ""), ("Last Title", ABSTRACT)]


def test_bare_titles_before_the_first_abstract_are_papers_too() -> None:
    found = pairs(f"{HEADER}Bare Title\n\nFirst Title\n\n{ABSTRACT}\n")

    assert found == [("Bare Title", ""), ("First Title", ABSTRACT)]


def test_a_short_abstract_is_told_by_being_a_sentence() -> None:
    short = "We show that a very small model is enough."

    found = pairs(f"{HEADER}One\n\n{short}\n\nTwo\n\n{ABSTRACT}\n\nThree\n\n{short}\n")

    assert found == [("One", short), ("Two", ABSTRACT), ("Three", short)]


def test_an_abstract_without_a_title_is_rejected_with_its_line() -> None:
    records = read(f"{HEADER}Title\n\n{ABSTRACT}\n\n{ABSTRACT}\n")

    assert Rejected(15, "an abstract without a title", ABSTRACT) in records


def test_a_file_cut_in_an_abstract_loses_only_that_paper() -> None:
    whole = HEADER + "".join(f"Title {n}\n\n{ABSTRACT}\n\n" for n in range(5))

    records = read(f"{whole}Cut Title\n\n{ABSTRACT[:200]}")

    assert len([r for r in records if isinstance(r, Draft)]) == 5
    assert any(isinstance(r, Rejected) and "the file ends" in r.reason for r in records)


def test_an_abstract_that_ends_oddly_within_the_file_is_kept() -> None:
    dump = "".join(f"Title {n}\n\n{ABSTRACT}\n\n" for n in range(5))

    assert len(drafts(f"{HEADER}Odd End\n\n{ABSTRACT[:-1]}\n\n{dump}")) == 6


def test_subscribe_is_cut_off_only_after_the_banner() -> None:
    title = "SubscribeNet: Learning to Subscribe"

    glued = f"Get trending papers in your email inbox!\nSubscribe{TITLES[0]}\n{ABSTRACT}\n"
    apart = f"Get trending papers in your email inbox!\nSubscribe\n{title}\n{ABSTRACT}\n"
    later = f"{glued}{title}\n{ABSTRACT}\n"

    assert pairs(glued) == [(TITLES[0], ABSTRACT)]
    assert pairs(apart) == [(title, ABSTRACT)]
    assert pairs(later)[1] == (title, ABSTRACT)


@pytest.mark.parametrize("title", ["Are Models Mirages?", "1984: A Retrospective", "May", "X"])
def test_odd_titles_are_titles(title: str) -> None:
    assert pairs(f"{HEADER}{title}\n\n{ABSTRACT}\n") == [(title, ABSTRACT)]


def test_latex_accents_and_escaped_line_ends_become_plain() -> None:
    found = pairs(f'{HEADER}Schr\\"odinger\\\n  Bridges\n\n{ABSTRACT}\n')

    assert found == [("Schrödinger Bridges", ABSTRACT)]


@pytest.mark.parametrize(
    ("header", "remark"),
    [
        ("Daily Papers\n\nFeb 31\n\n", "this day is not in the calendar"),
        ("Daily Papers\n\nAug 20, 20260\n\n", "this day is not in the calendar"),
        ("Daily Papers\n\nAug 20\n\nAug 21\n\n", "a second date; the first, 2026-08-20, holds"),
    ],
)
def test_odd_dates_are_remarked_and_cost_no_paper(header: str, remark: str) -> None:
    records = read(f"{header}Title\n\n{ABSTRACT}\n")

    assert any(isinstance(r, Remark) and r.text == remark for r in records)
    assert any(isinstance(r, Draft) for r in records)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("Aug 7, 2025", date(2025, 8, 7)),
        ("Aug 7", date(2026, 8, 7)),
        ("7 Aug", date(2026, 8, 7)),
        ("Thu, August 7", date(2026, 8, 7)),  # it was a Friday
        ("Feb 29", date(2024, 2, 29)),
    ],
)
def test_the_header_tells_the_day_of_capture(written: str, day: date) -> None:
    records = read(f"Daily Papers\n\n{written}\n\nT\n\n{ABSTRACT}\n")

    assert records[0] == Captured(day, 3)
    assert len(records) == 2


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit",
    [
        "-",
        "(",
        "\\",
        "$",
        "[",
        "](",
        "· ",
        "[1]",
        "http://",
        "[](http://",
        "[x](http://y",
        "\n",
        "-\n",
        "a\n\n",
        "\x00",
        "May 1 ",
    ],
)
def test_hostile_repetition_ends_soon_and_is_refused(unit: str) -> None:
    dump = (unit * (100_000 // len(unit))).encode()

    HuggingFacePage().recognises(dump[:65_536], "x.txt")
    with pytest.raises(UnreadableDump):
        read(dump)


def test_a_line_over_the_cap_is_rejected_and_the_rest_is_read() -> None:
    records = read(f"{HEADER}Title\n\n{ABSTRACT}\n\n{'x' * 1_100_000}\n\nSecond\n\n{ABSTRACT}\n")

    assert Rejected(15, "the line is longer than 1 MiB") in records
    assert len([r for r in records if isinstance(r, Draft)]) == 2
