"""Captures the replica with common tools: ``python -m tests.captures.capture``.

Every tool reads the page from its standard input or from memory, so no address of this machine
can get into a capture, and none of them may use the network.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import html2text
import markdownify
import trafilatura
from playwright.sync_api import sync_playwright
from tests.captures.replica import render
from tests.captures.samples import DAY, FOLDER, QUERY

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext

PAGES = {
    "search": f"https://huggingface.co/papers?q={QUERY.replace(' ', '+')}",
    "daily": f"https://huggingface.co/papers/date/{DAY.isoformat()}",
}
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]


@dataclass(frozen=True)
class Tool:
    """One way to capture a page.

    ``name`` is the name of its file; ``program`` must be installed, and is empty if a library of
    the environment does the work; ``capture`` takes the HTML and its address.
    """

    name: str
    program: str
    capture: Callable[[str, str], str]

    @property
    def missing(self) -> bool:
        """Whether the program is not installed."""
        return bool(self.program) and shutil.which(self.program) is None


def run(*command: str) -> Callable[[str, str], str]:
    """A capture by a program that reads HTML from its standard input and prints text."""

    def capture(html: str, _address: str) -> str:
        with tempfile.TemporaryDirectory() as home:  # without the user's settings
            done = subprocess.run(
                command,
                input=html.encode(),
                capture_output=True,
                check=True,
                timeout=120,
                env={"HOME": home, "LANG": "C.UTF-8", "PATH": os.environ["PATH"]},
            )
        return done.stdout.decode()

    return capture


def in_chromium(read: Callable[[BrowserContext, str], str]) -> Callable[[str, str], str]:
    """A capture by ``read`` from a page that Chromium shows without a network.

    It runs in its own thread, because Playwright allows one browser per thread, and tests of
    pages may have theirs open.
    """

    def show(html: str) -> str:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
            )
            text = read(browser.new_context(offline=True), html)
            browser.close()
        return text

    def capture(html: str, _address: str) -> str:
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(show, html).result()

    return capture


def inner_text(context: BrowserContext, html: str) -> str:
    """The text that Chromium lays out: ``document.body.innerText``."""
    page = context.new_page()
    page.set_content(html)
    return page.inner_text("body")


def select_all(context: BrowserContext, html: str) -> str:
    """The page selected and copied in Chromium, then pasted as plain text."""
    page = context.new_page()
    page.set_content(html)
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+C")
    editor = context.new_page()
    editor.set_content("<textarea></textarea>")
    editor.focus("textarea")
    editor.keyboard.press("Control+V")
    return editor.input_value("textarea")


def trafilatura_text(html: str, address: str) -> str:
    """The main text as trafilatura finds it; empty if it finds none."""
    return trafilatura.extract(html, url=address, output_format="txt") or ""


def trafilatura_precision(html: str, address: str) -> str:
    """The main text by trafilatura, without the parts that it is not sure of."""
    return trafilatura.extract(html, url=address, favor_precision=True) or ""


def trafilatura_markdown(html: str, address: str) -> str:
    """The main text as trafilatura finds it, as Markdown with links."""
    text = trafilatura.extract(
        html, url=address, output_format="markdown", include_links=True, include_formatting=True
    )
    return text or ""


LYNX = ("lynx", "-dump", "-stdin", "-force_html", "-display_charset=utf-8")
W3M = ("w3m", "-dump", "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8")
ELINKS = ("elinks", "-dump", "-force-html", "-dump-charset", "utf-8", "/dev/stdin")
TOOLS = [
    Tool("lynx.txt", "lynx", run(*LYNX)),
    Tool("lynx-nolist.txt", "lynx", run(*LYNX, "-nolist")),
    Tool("w3m.txt", "w3m", run(*W3M)),
    Tool("w3m-links.txt", "w3m", run(*W3M, "-o", "display_link_number=1")),
    Tool("elinks.txt", "elinks", run(*ELINKS)),
    Tool("pandoc-gfm.md", "pandoc", run("pandoc", "-f", "html", "-t", "gfm")),
    Tool("pandoc-markdown.md", "pandoc", run("pandoc", "-f", "html", "-t", "markdown")),
    Tool("pandoc-plain.txt", "pandoc", run("pandoc", "-f", "html", "-t", "plain")),
    Tool("html2text.md", "", lambda html, _address: html2text.html2text(html)),
    Tool("markdownify.md", "", lambda html, _address: markdownify.markdownify(html)),
    Tool("trafilatura.txt", "", trafilatura_text),
    Tool("trafilatura-precision.txt", "", trafilatura_precision),
    Tool("trafilatura-html2txt.txt", "", lambda html, _address: trafilatura.html2txt(html)),
    Tool("trafilatura.md", "", trafilatura_markdown),
    Tool("chromium-inner-text.txt", "chromium", in_chromium(inner_text)),
    Tool("chromium-select-all.txt", "chromium", in_chromium(select_all)),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", nargs="*", help="such as lynx.txt; without: all of them")
    wanted = parser.parse_args().tools or [tool.name for tool in TOOLS]
    for page, address in PAGES.items():
        html = render(page)
        for tool in TOOLS:
            if tool.name in wanted:
                (FOLDER / page / tool.name).write_text(tool.capture(html, address), "utf-8")


if __name__ == "__main__":
    main()
