"""One week of papers in each dump format: a row of ``FORMATS`` per format."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # The name of the file, the format that reads it, and the function that writes it.
    Row = tuple[str, str, Callable[[Sequence["WeekPaper"]], str]]


@dataclass(frozen=True)
class WeekPaper:
    """A complete paper of the week; formats contain parts of it."""

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
    """Write the page as text: titles and abstracts, no ids."""
    texts = (f"{one.title}\n\n{one.abstract}\n\n" for one in papers)
    return "Daily Papers\n\nbyAK and the research community\n\nAug 7\n\n" + "".join(texts)


def answer(papers: Sequence[WeekPaper]) -> str:
    """Write the response of the API: ids, wrapped abstracts, authors, votes."""
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
    """Write JSON Lines of another program: ids, titles in capitals, cut abstracts."""
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
    """Write the digest mail, copied as text: titles and votes."""
    titles = "".join(f"{one.title} ({one.votes} ▲)\n" for one in papers)
    return (
        "Daily Papers\nby AK and the AI research community\n"
        f"Here is the selection of papers for today (7 Aug):\n{titles}"
        "To view more checkout today's Daily Paper page.\n"
        "Onwards and upwards,\nAK and the research community\n"
    )


def search(papers: Sequence[WeekPaper]) -> str:
    """Write a page of search results: links, marked words without spaces, dates."""
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
    """Write arXiv's RSS of the day: versions, abstracts after the announcement."""
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
    """Write a table with a header."""
    rows = (
        ",".join(
            f'"{cell}"' for cell in (one.title, one.abstract, "; ".join(one.authors), one.number)
        )
        for one in papers
    )
    return "\n".join(("title,abstract,authors,arxiv_id", *rows)) + "\n"


def atom(papers: Sequence[WeekPaper]) -> str:
    """Write arXiv's Atom feed of the day: like the RSS, with versions and announce types."""
    entries = "".join(
        f"<entry><id>oai:arXiv.org:{one.number}v1</id><title>{one.title}</title>"
        f'<link href="https://arxiv.org/abs/{one.number}" rel="alternate" type="text/html"/>'
        f"<summary>arXiv:{one.number}v1 Announce Type: new \nAbstract: {one.abstract}</summary>"
        '<category term="cs.CL"/><published>2026-08-07T00:00:00-04:00</published>'
        "<arxiv:announce_type>new</arxiv:announce_type>"
        f"<dc:creator>{', '.join(one.authors)}</dc:creator></entry>"
        for one in papers
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<id>http://rss.arxiv.org/atom/cs.CL</id><title>cs.CL updates on arXiv.org</title>"
        f"<updated>2026-08-07T04:00:11+00:00</updated>{entries}</feed>"
    )


COLON, STOP = ":\n  ", ".\n"  # where OAI-PMH wraps titles and abstracts


def oai(papers: Sequence[WeekPaper]) -> str:
    """Write a response of OAI-PMH: wrapped titles and abstracts, separate family names."""
    records = "".join(
        f"<record><header><identifier>oai:arXiv.org:{one.number}</identifier>"
        "<datestamp>2026-08-07</datestamp></header><metadata>"
        f'<arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{one.number}</id>'
        f"<created>2026-08-06</created><authors>{''.join(map(_oai_author, one.authors))}</authors>"
        f"<title>{one.title.replace(': ', COLON)}</title><categories>cs.CL cs.LG</categories>"
        f"<abstract>  {one.abstract.replace('. ', STOP)}\n</abstract></arXiv></metadata></record>"
        for one in papers
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        "<responseDate>2026-08-07T04:10:00Z</responseDate>"
        '<request verb="ListRecords" metadataPrefix="arXiv">http://oaipmh.arxiv.org/oai</request>'
        f"<ListRecords>{records}</ListRecords></OAI-PMH>"
    )


def _oai_author(name: str) -> str:
    given, _, family = name.partition(" ")
    return f"<author><keyname>{family}</keyname><forenames>{given}</forenames></author>"


def listing(papers: Sequence[WeekPaper]) -> str:
    """Write arXiv's daily mail: text fields, wrapped abstracts."""
    rule = "-" * 78
    texts = "".join(
        f"\\\\\narXiv:{one.number}\nDate: Thu, 6 Aug 2026 09:00:00 GMT   (55kb)\n\n"
        f"Title: {one.title}\nAuthors: {', '.join(one.authors)}\nCategories: cs.CL\n\\\\\n"
        f"  {textwrap.fill(one.abstract, 76)}\n"
        f"\\\\ ( https://arxiv.org/abs/{one.number} ,  55kb)\n{rule}\n"
        for one in papers
    )
    head = _mail_head("send mail ONLY to cs <no-reply@arxiv.org>", "cs daily", "text/plain")
    return (
        f"{head}{rule}\n Submissions to:\nComputation and Language\n"
        " received from  Wed  5 Aug 26 18:00:00 GMT  to  Thu  6 Aug 26 18:00:00 GMT\n"
        f"{rule}\n{texts}"
    )


def scholar(papers: Sequence[WeekPaper]) -> str:
    """Write an alert of Google Scholar: links through its own site, snippets, initials."""
    items = "".join(
        '<h3><a class="gse_alrt_title" href="https://scholar.google.com/scholar_url?'
        f'url=https://arxiv.org/pdf/{one.number}&amp;hl=en&amp;oi=scholaralrt">{one.title}</a></h3>'
        f'<div style="color:#006621">{", ".join(map(_initials, one.authors))} - arXiv preprint'
        f' arXiv:{one.number}, 2026</div><div class="gse_alrt_sni">{one.abstract[:120]}…</div><br>'
        for one in papers
    )
    sender = "Google Scholar Alerts <scholaralerts-noreply@google.example>"
    return (
        f"{_mail_head(sender, 'rain - new results', 'text/html')}<html><body>{items}</body></html>"
    )


def _initials(name: str) -> str:
    given, _, family = name.partition(" ")
    return f"{given[0]} {family}"


def semantic_scholar(papers: Sequence[WeekPaper]) -> str:
    """Write an alert of Semantic Scholar: its own pages, no ids, beginnings of abstracts."""
    items = "".join(
        f'<table><tr><td><a href="{_page_of(one)}?utm_source=alert_email">{one.title}</a><br>'
        f"<span>{', '.join(one.authors)}</span><br><span>arXiv.org • 6 August 2026</span>"
        f'<p>{one.abstract[:130]}…</p><a href="{_page_of(one)}">View Paper</a></td></tr></table>'
        for one in papers
    )
    sender = "Semantic Scholar <do-not-reply@semanticscholar.example>"
    head = _mail_head(sender, "New papers in your research feed", "text/html")
    return f"{head}<html><body><h2>Your Research Feed</h2>{items}</body></html>"


def _page_of(one: WeekPaper) -> str:
    digits = one.number.replace(".", "").rjust(40, "0")
    return f"https://www.semanticscholar.org/paper/x/{digits}"


def _mail_head(sender: str, subject: str, kind: str) -> str:
    return (
        f"From: {sender}\nTo: reader@example.org\nSubject: {subject}\n"
        "Date: Fri, 07 Aug 2026 08:00:12 +0000\nMIME-Version: 1.0\n"
        f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    )


FORMATS: Sequence[Row] = (
    ("page-2026-08-07.txt", "huggingface", page),
    ("api-2026-08-07.json", "huggingface-api", answer),
    ("lines-2026-08-07.jsonl", "jsonl", lines),
    ("mail-2026-08-07.txt", "huggingface", mail),
    ("search-2026-08-07.txt", "huggingface", search),
    ("arxiv-2026-08-07.rss", "arxiv-feed", announcements),
    ("table-2026-08-07.csv", "table", table),
    ("atom-2026-08-07.atom", "arxiv-feed", atom),
    ("oai-2026-08-07.xml", "oai-pmh", oai),
    ("listing-2026-08-07.eml", "mail", listing),
    ("scholar-2026-08-07.eml", "mail", scholar),
    ("semantic-2026-08-07.eml", "mail", semantic_scholar),
)
