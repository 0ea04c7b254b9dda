"""Draws the icons of the pages from ``lark.svg``: ``python -m tests.browser.icons``."""

from __future__ import annotations

import shutil
import struct
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from larkpost.packaged_files import CHECKOUT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STATIC = CHECKOUT / "templates" / "web" / "static"
ICO_SIZES = (16, 32, 48)
TOUCH_SIZE = 180


def main() -> None:
    """Draw every icon anew."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        images = {size: draw(browser, size) for size in (*ICO_SIZES, TOUCH_SIZE)}
        browser.close()
    (STATIC / "favicon.ico").write_bytes(ico({size: images[size] for size in ICO_SIZES}))
    (STATIC / "apple-touch-icon.png").write_bytes(images[TOUCH_SIZE])


def draw(browser: Browser, size: int) -> bytes:
    """Draw the lark as a PNG of ``size`` by ``size`` pixels."""
    page = browser.new_page(viewport={"width": size, "height": size})
    drawing = (STATIC / "lark.svg").read_text()
    style = "html, body { margin: 0; background: transparent } svg { display: block }"
    page.set_content(f"<style>{style}</style>{drawing}")
    page.evaluate(f"document.querySelector('svg').setAttribute('width', {size})")
    image = page.screenshot(omit_background=True)
    page.close()
    return image


def ico(images: dict[int, bytes]) -> bytes:
    """Put PNG images, by their size in pixels, into one ICO file."""
    at = 6 + 16 * len(images)
    entries = []
    for size, image in images.items():
        entries.append(struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(image), at))
        at += len(image)
    head = struct.pack("<HHH", 0, 1, len(images))
    return b"".join([head, *entries, *images.values()])


if __name__ == "__main__":
    main()
