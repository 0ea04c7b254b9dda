"""Tests text that programs add to a page: all papers are read, whole, and nothing else."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from tests.helpers.papers_page import ABSTRACT, HEADER, drafts, pairs, read
from tests.helpers.sample_pages import EXPECTED, HEAD, PAPERS, PLAIN, one_line, page

from larkpost.domain import DumpDate, Identifier, IngestWarning, PaperRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.huggingface import HuggingFacePage


def prefixed(prefix: str, text: str) -> str:
    return "".join(f"{prefix}{line}\n" for line in text.splitlines())


LAYOUTS: dict[str, str] = {
    "brackets on lines of their own": page(
        "[\n-\n][{n}1]\n\n### [{t}][{n}2]\n\n[\n\n{a}\n\n][{n}3]\n[\n* 3 authors\n][{n}4]\n·\nMay 3"
    ),
    "a space before the number of a link": page(
        "[\n7\n] [{n}1]\n\n### [{t}] [{n}2]\n\n[\n\n{a}\n\n] [{n}3]\n"
    ),
    "a heading within a link": page("[\n\n### {t}\n\n]({link})\n\n[\n\n{a}\n\n]({link})\n"),
    "comments glued to the date": page(
        "[5](https://huggingface.co/login?next=%2Fpapers%2F{id})\n\n### [{t}]({link})\n\n"
        "[{a}]({link})\n\n[- 3 authors]({link})\n\n·\n\nMay 29[6]({link}#community)\n"
    ),
    "headings without a space": page("###{t}\n\n{a}\n"),
    "headings underlined": page("{t}\n--------------------\n\n{a}\n"),
    "bold titles": page("**{t}**\n\n{a}\n"),
    "numbers before bold titles": page("{n}. **{t}**\n\n{a}\n"),
    "numbers before titles, abstracts right below": page("{n}. {t}\n{a}\n"),
    "bullets before links": page("- [{t}]({link})\n\n  {a}\n"),
    "labels before titles and abstracts": page("Title: {t}\n\nAbstract: {a}\n"),
    "a label above the abstract": page("{t}\n\nAI-generated summary\n\n{a}\n"),
    "a label glued to the abstract": page("{t}\n\nAbstract {a}\n"),
    "names between title and abstract": page("{t}\n\nAnn Lee, Bo {letter}hen, Cy Diaz\n\n{a}\n"),
    "one name between title and abstract": page("{t}\n\nAnn {letter}ersen\n\n{a}\n"),
    "a button after each abstract": page("{t}\n\n{a}\n\nRead later {n}7\n"),
    "votes above and a day below": page("{n}\n\n{t}\n\n{a}\n\n3 authors\n\n·\n\nMay 30\n"),
    "addresses on lines of their own": page("{t}\n\n{link}\n\n{a}\n"),
    "HTML around titles": page(
        '<div>\n\n<h3><a href="{link}">\n### {t}</a></h3>\n\n<p>{a}</p>\n\n</div>\n'
    ),
    "quoted in a mail": prefixed("> ", page(PLAIN)),
    "quoted below an answer": "Have a look!\n\n" + prefixed("> ", page(PLAIN)),
    "in a code fence": f"```\n{page(PLAIN)}```\n",
    "with a margin": prefixed("   ", page(PLAIN)),
    "below an unknown menu, without blank lines": (
        "Hub\nForums\nSign in\n" + page("{t}\n{a}", HEAD.replace("\n\n", "\n")) + "\n"
    ),
    "below a cookie banner": (
        "We value your privacy\n\nWe and our 843 partners store information on your device, such "
        "as cookies. We use it to measure how the page is read. You may refuse.\n\nReject all\n\n"
        + page(PLAIN)
    ),
    "above a footer": page(PLAIN)
    + "\n© 2026 Hugging Face\n\nLoading more papers…\n\n1 2 3 … 40 Next\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_kind_of_layout_gives_the_papers_and_nothing_else(layout: str) -> None:
    body = LAYOUTS[layout]

    assert pairs(body) == EXPECTED
    assert HuggingFacePage().recognises(body.encode()[:65_536], "page.txt")


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\u00ad", "\u200e", "\u202a", "\u2060", "\ufeff", "\u00a0", "\u061c", "\u2063"],
)
@pytest.mark.parametrize("where", ["in blank lines", "in furniture"])
def test_characters_that_nobody_sees_change_nothing(unseen: str, where: str) -> None:
    text = page("{t}\n\n{a}\n\n3 authors\n\n·\n\nMay 30\n")
    if where == "in blank lines":
        text = text.replace("\n\n", f"\n{unseen}\n")
    elif unseen != "\u00a0":  # which is a space
        for before, after in [
            ("Daily Pa", "pers"),
            ("Aug", " 7"),
            ("au", "thors"),
            ("com", "munity"),
        ]:
            text = text.replace(before + after, before + unseen + after)

    records = read(text)

    assert pairs(text) == EXPECTED
    assert DumpDate(date(2026, 8, 7), 11) in records


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-08-07", date(2026, 8, 7)),
        ("7 August 2026", date(2026, 8, 7)),
        ("August 7th", date(2026, 8, 7)),
        ("Aug 7 (Fri)", date(2026, 8, 7)),
        ("Aug 7, Friday", date(2026, 8, 7)),
        ("Updated Aug 7, 2026", date(2026, 8, 7)),
        ("← Aug 7 →", date(2026, 8, 7)),
        ("2026-08-07 06:00 UTC", date(2026, 8, 7)),
        ("Today", date(2026, 8, 25)),
        ("Yesterday", date(2026, 8, 24)),
        ("Sep 1", date(2025, 9, 1)),  # a page is never younger than its file
        ("Aug 26", date(2026, 8, 26)),  # but for a day, as time zones differ
    ],
)
def test_a_day_is_read_in_every_spelling_and_is_no_paper(written: str, day: date) -> None:
    text = page(PLAIN, HEAD.replace("Aug 7", written))

    assert DumpDate(day, 11) in read(text)
    assert pairs(text) == EXPECTED


@pytest.mark.parametrize(
    ("notes", "day"),
    [
        ("---\nretrieved: 2026-08-09\ntitle: Daily Papers\n---\n\n", date(2026, 8, 9)),
        (
            '---\ntitle: "Papers: today"\nexported: "2026-08-09T23:30:00-02:00"\n---\n',
            date(2026, 8, 10),
        ),
        ("Captured (UTC): 2026-08-09T07:12:00Z\n\n", date(2026, 8, 9)),
        ("URL Source: https://huggingface.co/papers\nPublished Time: x\n\n", date(2026, 8, 7)),
        ("---\nretrieved: 2027-01-01\n---\n\n", date(2026, 8, 7)),  # yet to come: the header counts
    ],
)
def test_notes_above_a_page_tell_its_day_first(notes: str, day: date) -> None:
    text = page(PLAIN, notes + HEAD)

    found = [record.day for record in read(text) if isinstance(record, DumpDate)]

    assert found == [day]
    assert pairs(text) == EXPECTED


def test_the_link_to_the_day_before_tells_the_year_of_the_header() -> None:
    head = HEAD.replace("Aug 7", "https://huggingface.co/papers/date/2024-08-06\n\nAug 7")

    records = list(HuggingFacePage().read(BytesIO(page(PLAIN, head).encode()), date(2026, 11, 26)))

    assert [r.day for r in records if isinstance(r, DumpDate)] == [date(2024, 8, 7)]


PARTS = [
    "- One part of it needs no clock",
    "- In a field test with forty households over nine weeks, it came before breakfast",
    "We also report three failures and what they taught us.",
]


@pytest.mark.parametrize("lead", ["Our contributions are:", "We make three contributions."])
@pytest.mark.parametrize("mark", ["- ", "* ", "• ", "\u2013 ", "1. ", "(ii) ", "✓ ", "RQ1: "])
@pytest.mark.parametrize("gap", ["\n\n", "\n"])
def test_lists_and_further_paragraphs_stay_in_the_abstract(lead: str, mark: str, gap: str) -> None:
    parts = gap.join(part.replace("- ", mark) for part in PARTS[:2])
    whole = f"{ABSTRACT} {lead}\n\n{parts}\n\n{PARTS[2]}"
    titles = [
        "A First Paper about Lists",
        "A Second Paper about Lists",
        "A Third Paper about Lists",
    ]
    text = HEADER + "\n\n".join(f"{title}\n\n{whole}" for title in titles) + "\n"

    assert pairs(text) == [(title, one_line(whole)) for title in titles]


@pytest.mark.parametrize(
    "piece",
    [
        "```\nmodel = Lantern()\n```",
        "$$L(x) = x^2$$",
        "Code: https://example.org/lantern",
        "| a | b |",
    ],
)
def test_formulas_code_and_addresses_stay_in_the_abstract(piece: str) -> None:
    more = "We close with what it costs, and with what it taught us."
    text = f"{HEADER}A Title\n\n{ABSTRACT}\n\n{piece}\n\n{more}\n\nAnother Title\n\n{ABSTRACT}\n"

    bare = one_line(piece.replace("```", ""))
    assert pairs(text) == [("A Title", f"{ABSTRACT} {bare} {more}"), ("Another Title", ABSTRACT)]


def test_a_title_of_many_words_and_a_full_stop_in_it_is_a_title() -> None:
    title = (
        "What We Learned from 14 Failed Replications of Reward Model Training. A Report on Seeds, "
        "Tokenisers and the Order of the Data, with Advice for Those Who Try Next"
    )

    assert pairs(f"{HEADER}One\n\n{ABSTRACT}\n\n{title}\n\n{ABSTRACT}\n") == [
        ("One", ABSTRACT),
        (title, ABSTRACT),
    ]


def test_links_name_the_papers_whatever_stands_around_them() -> None:
    text = page("[{n}0]{t}\n\n{a}\n")
    rows = (f"  {n}0. https://huggingface.co/papers/{p.id}" for n, p in enumerate(PAPERS, 1))

    table = "\n".join(rows)
    found = drafts(f"{text}\nReferences\n\nVisible links:\n{table}\n")

    assert [draft.identifiers for draft in found] == [(Identifier("arxiv", p.id),) for p in PAPERS]
    assert [(draft.title, draft.abstract) for draft in found] == EXPECTED


def test_votes_that_name_their_paper_count_for_it_wherever_they_stand() -> None:
    text = page(
        "### [{t}]({link})\n\n{a}\n\n[[Picture: org] Lab](https://huggingface.co/org) · Published "
        "on Oct 4, 2025\n\n[Upvote\n\n{n}](https://huggingface.co/login?next=%2Fpapers%2F{id})\n\n"
        "[GitHub 131](https://github.com/x/y) [arXiv Page](https://arxiv.org/abs/{id})\n"
    )

    found = drafts(text)

    assert [draft.upvotes for draft in found] == list(range(1, len(PAPERS) + 1))
    assert {draft.published for draft in found} == {date(2025, 10, 4)}
    assert {draft.organisation for draft in found} == {"Lab"}
    assert [(draft.title, draft.abstract) for draft in found] == EXPECTED


def test_names_become_the_authors() -> None:
    found = drafts(page("{t}\n\nAnn Lee, Bo Chen and Carla Diaz\n\n{a}\n"))

    assert {draft.authors for draft in found} == {("Ann Lee", "Bo Chen", "Carla Diaz")}


def test_a_page_that_stands_there_twice_gives_each_paper_once() -> None:
    once = page(PLAIN)

    records = read(once + "\n" + once)

    assert [(r.title, r.abstract) for r in records if isinstance(r, PaperRecord)] == EXPECTED
    assert IngestWarning(0, f"{len(PAPERS)} papers stand in it more than once") in records


def test_the_last_paper_keeps_its_short_abstract() -> None:
    short = "Crumbs are small. We count them without touching any."

    assert pairs(f"{page(PLAIN)}\nThe Last Crumb\n\n{short}\n") == [
        *EXPECTED,
        ("The Last Crumb", short),
    ]


CHINESE = [  # with the punctuation of ASCII, as some programs write it
    (
        "用于慢速网络的灯笼调度",
        (
            "乡村网络在雨天和傍晚会丢失数据包。我们提出了灯笼调度器,它先发送小的更新,把大的更新留到夜间。"
            "灯笼从自己的确认消息中学习链路的日常规律,不需要时钟。在九周的实地测试中,它在早餐前送达了"
            "百分之九十三的更新,而普通队列只有百分之六十一。我们还报告了三次硬件故障。"
        ),
    ),
    (
        "面包店机器人能看多远?",
        (
            "深度相机在粉尘中会失效,而面包店里到处都是粉尘。本文测量了失效的程度。我们在两家面包店用"
            "四台相机录制了十四小时的视频,并在其上比较了七种深度估计方法。我们提出了一种简单的校正方法,"
            "它根据灯的光晕估计粉尘的密度,挽回了三分之二的损失。"
        ),
    ),
]


def test_chinese_papers_have_their_own_lengths() -> None:
    text = HEAD + "\n\n".join(part for paper in CHINESE for part in paper) + "\n"

    assert [title for title, _ in pairs(text)] == [title for title, _ in CHINESE]
    assert all(abstract.endswith("。") for _, abstract in pairs(text))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HEAD + "\n\n".join(a for _, a in EXPECTED), "abstracts, but the titles were lost"),
        (" ".join(f"{t} {a}" for t, a in EXPECTED), "line breaks were lost"),
        (
            HEAD + "".join(f"| {t} | {a} |\n" for t, a in EXPECTED),
            "titles were lost",
        ),
        (
            HEAD.replace(
                "byAK and the research community", "von AK und der Forschungsgemeinschaft"
            ).replace("Daily Papers", "Tägliche Artikel"),
            "in another language",
        ),
        (
            HEAD + "".join(f"One\n\n{a}\n\nTwo\n\nThree\n\n" for _, a in EXPECTED),
            "would be called|no abstr",
        ),
    ],
)
def test_a_page_that_lost_its_papers_is_refused_by_what_it_is(text: str, why: str) -> None:
    with pytest.raises(UnreadableDump, match=why) as refused:
        read(text)

    assert refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(
            f"{title}\n\n{sentence * 5}"
            for title, sentence in [
                ("Rye Bread with Caraway", "Knead the dough for ten minutes and let it rise. "),
                ("Potato Soup", "Peel the potatoes and cut them in cubes of the same size. "),
                ("Apple Cake", "Core the apples, slice them thinly, and lay them in rings. "),
                ("Pea Stew", "Soak the peas overnight and cook them slowly with an onion. "),
            ]
        ),
    ],
)
def test_titles_and_texts_about_anything_else_are_no_page(text: str) -> None:
    assert not HuggingFacePage().recognises(text.encode(), "notes.txt")
