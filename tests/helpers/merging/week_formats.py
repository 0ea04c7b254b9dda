"""One week of papers as each dump format tells it: a row of ``FORMATS`` for each format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # The name of the file that brings it, the format that reads it, and what it tells.
    Row = tuple[str, str, Callable[[Sequence["WeekPaper"]], str]]


@dataclass(frozen=True)
class WeekPaper:
    """A paper of the week, whole; formats tell parts of it."""

    number: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    votes: int


def _abstract(subject: str, place: str) -> str:
    return (
        f"Nobody knows how {subject} behaves in {place}, where it rains for most of the year. We "
        f"follow {subject} for nine months with sensors of our own and find that {place} is no "
        "exception: two simple models explain what was seen, and a third one explains the rest. "
        f"The data on {subject}, the code and the drawings of the sensors are public."
    )


WEEK: Sequence[WeekPaper] = (
    WeekPaper(
        "2608.01001",
        "Lanterns for Slow Networks: Scheduling Updates over Lossy Village Links",
        _abstract("the village link", "Connemara"),
        ("Ann Lee", "Bo Chen", "Cleo Diaz"),
        19,
    ),
    WeekPaper(
        "2608.01002",
        "How Far Can a Bakery Robot See? Depth Estimation in Flour Dust",
        _abstract("flour dust", "Bergen"),
        ("Dora Evans",),
        7,
    ),
    WeekPaper("2608.01003", "SheepNet2", _abstract("a sheep", "the Faroes"), ("Eli Fox",), 42),
    WeekPaper(
        "2608.01004",
        "Quiet Gradients: Training Networks on Machines that May Not Hum",
        _abstract("a fan", "Valdivia"),
        ("Finn Grey", "Gus Hale"),
        0,
    ),
)


def page(papers: Sequence[WeekPaper]) -> str:
    """Tell the page as text: titles and abstracts, no ids."""
    texts = (f"{one.title}\n\n{one.abstract}\n\n" for one in papers)
    return "Daily Papers\n\nbyAK and the research community\n\nAug 7\n\n" + "".join(texts)


def answer(papers: Sequence[WeekPaper]) -> str:
    """Tell the answer of the API: ids, wrapped abstracts, authors, votes."""
    return json.dumps(
        [
            {
                "paper": {
                    "id": one.number,
                    "title": one.title,
                    "summary": one.abstract.replace(". ", ".\n"),
                    "authors": [{"name": name} for name in one.authors],
                    "publishedAt": "2026-08-04T17:59:00.000Z",
                    "submittedOnDailyAt": "2026-08-07T00:10:00.000Z",
                    "upvotes": one.votes,
                    "githubRepo": f"https://github.com/example/{one.number}",
                }
            }
            for one in papers
        ]
    )


def lines(papers: Sequence[WeekPaper]) -> str:
    """Tell JSON Lines of another program: ids, titles in capitals, abstracts that are cut."""
    return "".join(
        json.dumps(
            {
                "id": f"arxiv:{one.number}v1",
                "title": one.title.upper(),
                "abstract": f"{one.abstract[:150]}…",
                "authors": [one.authors[0]],
                "links": [f"https://example.org/{one.number}"],
                "upvotes": one.votes // 2,
            }
        )
        + "\n"
        for one in papers
    )


def mail(papers: Sequence[WeekPaper]) -> str:
    """Tell the digest mail, copied as text: titles and votes."""
    titles = "".join(f"{one.title} ({one.votes} ▲)\n" for one in papers)
    return (
        "Daily Papers\nby AK and the AI research community\n"
        f"Here is the selection of papers for today (7 Aug):\n{titles}"
        "To view more checkout today's Daily Paper page.\n"
        "Onwards and upwards,\nAK and the research community\n"
    )


def search(papers: Sequence[WeekPaper]) -> str:
    """Tell a page of search results: links, marked words glued to the next, dates."""
    texts = "".join(
        f"[-] {one.votes}\n\n{one.title}\n\nhttps://huggingface.co/papers/{one.number}\n\n"
        f"{one.abstract.replace(' sensors ', ' sensors')}\n\n"
        f"https://huggingface.co/papers/{one.number}\n\n"
        f"{len(one.authors)} authors\n\n·\n\nAug 4\n\n"
        for one in papers
    )
    top = "Daily\nWeekly\nMonthly\n\nTrending Papers\n\nby[AK][30] and the research community\n\n"
    return f"{top}Aug 7\n\nsensors\n\n{texts}"


def announcements(papers: Sequence[WeekPaper]) -> str:
    """Tell arXiv's RSS of the day: versions, abstracts after the announcement."""
    items = "".join(
        f"<item><title>{one.title}</title><link>https://arxiv.org/abs/{one.number}</link>"
        f"<description>arXiv:{one.number}v1 Announce Type: new \nAbstract: {one.abstract}"
        f'</description><guid isPermaLink="false">oai:arXiv.org:{one.number}v1</guid>'
        "<category>cs.CL</category><pubDate>Fri, 07 Aug 2026 00:00:00 -0400</pubDate>"
        f"<arxiv:announce_type>new</arxiv:announce_type>"
        f"<dc:creator>{', '.join(one.authors)}</dc:creator></item>"
        for one in papers
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
        ' xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<channel><title>cs.CL updates on arXiv.org</title>"
        "<link>http://rss.arxiv.org/rss/cs.CL</link><description>cs.CL updates</description>"
        f"<lastBuildDate>Fri, 07 Aug 2026 04:00:09 +0000</lastBuildDate>{items}</channel></rss>"
    )


def table(papers: Sequence[WeekPaper]) -> str:
    """Tell a table with a header."""
    rows = (
        ",".join(
            f'"{cell}"' for cell in (one.title, one.abstract, "; ".join(one.authors), one.number)
        )
        for one in papers
    )
    return "\n".join(("title,abstract,authors,arxiv_id", *rows)) + "\n"


FORMATS: Sequence[Row] = (
    ("page-2026-08-07.txt", "huggingface", page),
    ("api-2026-08-07.json", "huggingface-api", answer),
    ("lines-2026-08-07.jsonl", "jsonl", lines),
    ("mail-2026-08-07.txt", "huggingface", mail),
    ("search-2026-08-07.txt", "huggingface", search),
    ("arxiv-2026-08-07.rss", "arxiv-feed", announcements),
    ("table-2026-08-07.csv", "table", table),
)
