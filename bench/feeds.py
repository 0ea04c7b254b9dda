"""Measures how fast a reader's feed is rendered, against feedgen and against a copy of its bytes.

    python -m bench.feeds [--readers 20] [--rounds 7] [--http] [--seconds 3] [--json FILE]

With ``--http`` the daemon's responses are measured as well, see ``bench.feeds_http``.

A feed has 50 entries of five editions. "cold" is an empty renderer, "shared" one that has rendered
the papers for other readers, "kept" one that has rendered these editions. It measures the CPU time
of this process, sides interleaved, and the median of the rounds' ratios. A feed that differs from
feedgen's by more than line ends between entries stops the run.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from bench import feeds_http
from bench.editions import OUT, FixedLinks, editions, reader
from feedgen.feed import FeedGenerator  # type: ignore[import-untyped]  # it has no types

from larkpost.render import EditionRenderer
from larkpost.render.feeds.channel import HOUR, YOURS
from larkpost.render.feeds.entries import entries_of
from larkpost.render.paper_links import PaperLinks
from larkpost.render.template_fragments import cut
from larkpost.render.templates import environment, why_html
from larkpost.render.wording import PickReason
from larkpost.settings.paper_search_links import FIND_LINKS
from larkpost.urls import FEED_TYPES, feed_title

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from larkpost.domain import Edition
    from larkpost.render.feeds.entries import FeedEntry
    from larkpost.render.feeds.feeds import Xml

EACH = 5
ITEM = environment("feeds").get_template("item.html")
PAPERS = PaperLinks(FixedLinks().paper, FIND_LINKS)


def by_feedgen(shown: Sequence[Edition], form: Xml, title: str = "Larkpost") -> bytes:
    """Build the same feed with feedgen, including the reader's own values."""
    links = FixedLinks()
    entries: dict[str, FeedEntry] = {}
    for edition in shown:
        for one in entries_of(edition, links, PAPERS):
            entries.setdefault(one.uid, one)
    feed = FeedGenerator()
    feed.load_extension("dc", atom=False)
    feed.id(uuid5(UUID(shown[0].reader.uid), "feed").urn)
    feed.title(feed_title(title, shown[0].reader))
    feed.description(YOURS)
    feed.author({"name": title})
    feed.generator("Larkpost")
    feed.ttl(HOUR)
    feed.language("en")
    newest = max(one.updated for one in entries.values())
    feed.updated(newest.replace(microsecond=0))
    feed.link(href=links.feed(shown[0].reader, form), rel="self", type=FEED_TYPES[form])
    feed.link(href=links.edition(shown[0]), rel="alternate", type="text/html")
    for told in entries.values():
        entry = feed.add_entry(order="append")
        entry.id(told.guid)
        entry.title(told.facts.title)
        entry.link(href=told.link)
        entry.content(content(told), type="html")
        entry.published(told.published)
        entry.updated(told.updated)
        if told.facts.authors:
            entry.author([{"name": name} for name in told.facts.authors])
            entry.dc.dc_creator(list(told.facts.authors))
        entry.category([{"term": term} for term in told.facts.categories])
    written: bytes = feed.rss_str() if form == "rss" else feed.atom_str()
    return written


def content(entry: FeedEntry) -> str:
    """Render an entry's page."""
    values = {
        "why": " · ".join(why_html(entry.reason or PickReason())),
        "up": entry.up,
        "down": entry.down,
    }
    page = ITEM.render(asdict(entry.facts), personal=True, read=PAPERS.read(entry.facts))
    sheet = cut(page.rstrip())
    return b"".join(sheet.fill({name: text.encode() for name, text in values.items()})).decode()


def same(feed: bytes, other: bytes) -> bool:
    """Compare feeds except for line ends between entries, and related links (not in feedgen)."""
    return _bare(feed) == _bare(other)


def _bare(feed: bytes) -> bytes:
    for tag in (b"<entry>", b"<item>", b"</feed>", b"</channel>"):
        feed = feed.replace(b"\n" + tag, tag)
    return re.sub(rb'<link rel="related"[^>]*/>', b"", feed).rstrip()


def shelves(readers: int) -> list[list[Edition]]:
    """Give each reader five editions of ten papers, newest first."""
    drawn = editions(readers, each=EACH)
    return [
        [
            replace(
                drawn[number * EACH + back],
                reader=reader(number + 1),
                published_at=OUT - timedelta(days=back),
            )
            for back in range(EACH)
        ]
        for number in range(readers)
    ]


def microseconds(work: Callable[[], object], times: int) -> float:
    """Return the CPU time per run of work that is done ``times`` times."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / times * 1e6


def handed_on(shelf: Sequence[Edition], number: int) -> list[Edition]:
    """Copy editions for another reader."""
    return [replace(edition, reader=reader(number)) for edition in shelf]


def make_renderer() -> EditionRenderer:
    """Make an empty renderer."""
    sender, title = "Larkpost <larkpost@example.org>", "Larkpost"
    return EditionRenderer(FixedLinks(), sender=sender, title=title, find_links=FIND_LINKS)


def measure(readers: int, rounds: int, form: Xml) -> dict[str, float]:
    """Microseconds per feed in each state, and how many times faster than feedgen that is."""
    stock = shelves(readers)
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, took in one_round(stock, form).items():
            taken.setdefault(name, []).append(took)
    feeds = [make_renderer().feed(shelf, form) for shelf in stock]
    for shelf, feed in zip(stock, feeds, strict=True):
        if not same(feed, by_feedgen(shelf, form)):
            raise SystemExit(f"the feed of {shelf[0].reader.uid} is not what feedgen writes")
    return {"bytes": statistics.mean(map(len, feeds))} | _summary(taken)


def one_round(stock: Sequence[Sequence[Edition]], form: Xml) -> dict[str, float]:
    """Measure every state once, in microseconds per feed."""
    ours, times = make_renderer(), len(stock)
    return {
        "feedgen": microseconds(lambda: [by_feedgen(shelf, form) for shelf in stock], times),
        "cold": microseconds(
            lambda: [ours.feed(handed_on(shelf, 10**6), form) for shelf in stock], times
        ),
        "shared": microseconds(lambda: [ours.feed(shelf, form) for shelf in stock], times),
        "kept": microseconds(lambda: [ours.feed(shelf, form) for shelf in stock], times),
        "memcpy": _copying([ours.feed(shelf, form) for shelf in stock]),
    }


def _copying(feeds: Sequence[bytes]) -> float:
    return microseconds(lambda: [bytes(memoryview(feed)) for feed in feeds], len(feeds))


def _summary(taken: dict[str, list[float]]) -> dict[str, float]:
    found = {f"{name}_us": statistics.median(times) for name, times in taken.items()}
    for name, times in taken.items():
        if name != "feedgen":
            ratios = (a / b for a, b in zip(taken["feedgen"], times, strict=True))
            found[f"{name}_times_feedgen"] = statistics.median(ratios)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    forms: tuple[Xml, ...] = ("atom", "rss")
    found: dict[str, dict[str, float]] = {
        form: measure(asked.readers, asked.rounds, form) for form in forms
    }
    if asked.http and (missing := feeds_http.missing()):
        print(f"not measured over HTTP: there is no {' and no '.join(missing)} here")
    elif asked.http:
        found |= feeds_http.measure(asked.rounds, asked.seconds)
    for form, values in found.items():
        for name, value in values.items():
            print(f"{form:>14} {name:>22} {value:12,.2f}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
