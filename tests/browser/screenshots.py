"""Takes the pictures in docs/images: ``python -m tests.browser.screenshots`` from the checkout."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from playwright.sync_api import sync_playwright
from tests.helpers.cli_helpers import SAMPLE
from tests.helpers.web.answering_server import answering

from larkpost.bootstrap import build
from larkpost.db import papers, readers, votes
from larkpost.domain import PaperRecord, Thumb, Vote
from larkpost.editions import publish
from larkpost.formats.huggingface import HuggingFacePage
from larkpost.packaged_files import CHECKOUT
from larkpost.readers import subscriptions
from larkpost.serve import listen
from larkpost.settings import load
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

    from larkpost.bootstrap import Program
    from larkpost.domain import Edition

NOW = datetime(2026, 8, 7, 6, 30, tzinfo=UTC)
TODAY = datetime(2026, 8, 7, tzinfo=UTC)
IMAGES = CHECKOUT / "docs" / "images"
LIKED = re.compile(r"agent|memory|reasoning|tool", re.IGNORECASE)
DISLIKED = re.compile(r"video|3d|image|diffusion|robot|speech", re.IGNORECASE)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


def main() -> None:
    """Fill a home, open its pages, and take a picture of each."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        tempfile.TemporaryDirectory() as folder,
        open_house(Path(folder)) as (program, edition),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        take_all(browser, program, edition)
        browser.close()


def take_all(browser: Browser, program: Program, edition: Edition) -> None:
    """Take every picture."""
    links = program.links
    me = links.page(edition.reader)
    take(browser, "front", links.front(), height=900)
    take(browser, "edition", links.edition(edition), height=900)
    take(browser, "taste", f"{me}/taste", height=1460)
    take(browser, "rate", f"{me}/rate", height=900)
    take(browser, "your-page-dark", me, height=900, scheme="dark")
    take(browser, "vote-phone", links.vote(edition, 1, Thumb.UP), width=375, height=720, scale=2)
    take(browser, "newsletter", program.renderer.html(edition), height=1000)
    take(
        browser, "newsletter-phone", program.renderer.html(edition), width=375, height=720, scale=2
    )


def take(
    browser: Browser,
    name: str,
    what: str,
    *,
    width: int = 960,
    height: int,
    scheme: str = "light",
    scale: int = 1,
) -> None:
    """Take a picture of a URL or a document."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    if what.startswith("http"):
        page.goto(what)
    else:
        page.set_content(what)
    page.screenshot(path=IMAGES / f"{name}.png")
    page.close()


@contextmanager
def open_house(home: Path) -> Iterator[tuple[Program, Edition]]:
    """Run the web on the sample's papers and a reader who has voted for three months."""
    with listen("127.0.0.1", 0) as listener:
        flags = {
            "database.url": f"sqlite:///{home / 'larkpost.db'}",
            "site.base_url": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "site.title": "The Morning Lark",
        }
        program = build(load(home=home, environ={}, flags=flags))
        program.prepare()
        edition = furnish(program)
        server = uvicorn.Server(
            uvicorn.Config(app(program, clock=lambda: NOW), log_config=None, lifespan="off")
        )
        with closing(program.store), answering(server, listener):
            yield program, edition


def furnish(program: Program) -> Edition:
    """Spread the sample over three months, let several readers vote, and publish today's edition.

    The edition given is that of Ada, who voted on each day what the day brought.
    """
    ada = subscriptions.add(
        program.store, "ada@example.org", now=NOW, name="Ada", zone="Europe/Berlin",
        send_time=time(8, 30), papers_per_edition=8, words=["language agents", "memory"],
    )  # fmt: skip
    others = [
        subscriptions.add(program.store, f"reader{number}@example.org", now=NOW)
        for number in range(6)
    ]
    drafts = list(dated(sample()))
    with program.store.begin() as connection:
        absorbed = papers.absorb(connection, drafts, now=NOW)
        cast = [
            Vote(ada.id, one.paper_id, thumb, draft.first_seen + HOUR, "page")
            for one, draft in zip(absorbed, drafts, strict=True)
            if draft.first_seen and draft.first_seen < TODAY and (thumb := thumb_of(draft))
        ]
        fresh = [
            one.paper_id
            for one, draft in zip(absorbed, drafts, strict=True)
            if draft.first_seen == TODAY
        ]
        cast += [
            Vote(other.id, paper_id, Thumb.UP if at % 5 else Thumb.DOWN, NOW, "page")
            for number, other in enumerate(others)
            for at, paper_id in enumerate(fresh[number :: 7 - number])
        ]
        votes.cast_many(connection, cast)
        reader = readers.get(connection, ada.id)
    (result,) = publish.publish(program.publish_context, [publish.by_hand(reader, NOW)], now=NOW)
    assert result.edition
    return result.edition


def sample() -> list[PaperRecord]:
    """Read the papers of the sample dump."""
    with SAMPLE.open("rb") as dump:
        records = HuggingFacePage().read(dump, NOW.date())
        return [one for one in records if isinstance(one, PaperRecord)]


def dated(drafts: Sequence[PaperRecord]) -> Iterator[PaperRecord]:
    """Let four of five papers have come in over the last three months, and the others today."""
    for number, draft in enumerate(drafts):
        old = number % 5 != 0
        yield replace(
            draft, first_seen=TODAY - number // 8 * WEEK if old else TODAY, published=None
        )


def thumb_of(draft: PaperRecord) -> Thumb | None:
    """Judge a paper as Ada would."""
    if DISLIKED.search(draft.title):
        return Thumb.DOWN
    return Thumb.UP if LIKED.search(f"{draft.title} {draft.abstract[:300]}") else None


if __name__ == "__main__":
    main()
