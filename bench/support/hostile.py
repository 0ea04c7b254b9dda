"""Measures how the time to read hostile texts grows with their size.

Each unit is repeated up to n, 2n and 4n bytes: on one line, on lines of eighty characters, and on
such lines with blank ones between. Each text is between two papers of a page, or in the fields of
JSON Lines; it is read by the format alone, and by the whole ingest into SQLite.
"""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import count, pairwise, product
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

from larkpost.db import migrations
from larkpost.db.engine import Store
from larkpost.errors import UnreadableDump
from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.jsonl import Jsonl
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.ingest import ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Read = Callable[[bytes], None]

UNITS = {
    "combining marks": "\u0301\u0323\u0308\u0334",
    "marks on letters": "e" + "\u0301\u0323" * 20,
    "decomposing marks": "\u0344\u0f73\u0323",
    "half-width marks": "\uff76\uff9e\u0301\u0323",
    "Hangul parts": "\u1100\u1161\u11a8",
    "zero width": "\u200b",
    "joiners": "\u0628\u200d\u064b\u200d",
    "soft hyphens": "a\u00ad\n",
    "no-break spaces": "\u00a0",
    "spaces": " ",
    "hyphens": "-",
    "hyphens at line ends": "a-\n",
    "brackets": "(",
    "square brackets": "[",
    "link ends": "](",
    "link numbers": "][1]",
    "links": "[a](b)",
    "pictures": "![](",
    "addresses": "https://",
    "angle brackets": "<",
    "tags": "<a><!--",
    "entities": "&amp;",
    "ampersands": "&",
    "backslashes": "\\",
    "LaTeX accents": "{\\'",
    "dollars": "$",
    "asterisks": "*",
    "underscores": "_",
    "emphasis": "*a **b _",
    "backticks": "`",
    "backticks and letters": "`a``",
    "headings": "#",
    "quotations": "> ",
    "list items": "- a\n",
    "tables": "|a",
    "dots": "· ",
    "digits": "1",
    "days": "Aug 7\n",
    "votes": "[-] 1\n",
    "authors": "3 authors\n",
    "submitters": "Submitted by\n",
    "one letter": "x",
    "short lines": "a\n",
    "blank lines": "\n",
    "blank lines between": "a\n\n",
    "Chinese": "方法",
    "emoji": "👩\u200d💻",
}
LAYOUTS = ("line", "lines", "paragraphs")
NEAR = date(2026, 8, 25)
NOW = datetime(2026, 8, 25, 6, tzinfo=UTC)
_PAPER = "A Sound Title {}\n\n" + "We show that a lantern can be read at night. " * 8 + "\n\n"
_FIELD = 20_000  # characters of an abstract
_WIDTH = 80
_FLOOR = 0.005  # seconds; a shorter time counts as this, because the clock and caches are coarse


@dataclass(frozen=True)
class Growth:
    """The processor time (s) for n, 2n and 4n bytes of one text, read in one way."""

    reader: str
    text: str
    layout: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """The e of t = c * n^e from the first to the last size: 1 is linear, 2 quadratic."""
        first, last = (max(taken, _FLOOR) for taken in (self.seconds[0], self.seconds[-1]))
        return math.log(last / first) / math.log(self.sizes[-1] / self.sizes[0])

    @property
    def ratios(self) -> tuple[float, ...]:
        """The growth of the time with each doubling."""
        return tuple(max(b, _FLOOR) / max(a, _FLOOR) for a, b in pairwise(self.seconds))


def hostile(unit: str, layout: str, size: int) -> str:
    """Repeat a unit up to so many bytes, laid out on one line, on lines, or in paragraphs."""
    text = unit * max(1, size // len(unit.encode()))
    if layout == "line" or "\n" in unit:
        return text
    end = "\n" if layout == "lines" else "\n\n"
    return end.join(text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH))


def page(text: str) -> bytes:
    """Write a page with the text between two papers."""
    written = f"Daily Papers\n\nAug 7\n\n{_PAPER.format(1)}{text}\n\n{_PAPER.format(2)}"
    return written.encode("utf-8", "surrogatepass")


def records(text: str) -> bytes:
    """Write JSON Lines with the text in titles and abstracts, below a plain record.

    A single record would not be read as JSON Lines.
    """
    cut = [text[at : at + _FIELD] for at in range(0, len(text), _FIELD)]
    lines: list[dict[str, object]] = [{"title": "A Sound Title"}]
    lines += [
        {"title": f"{number} {part[:400]}", "abstract": part, "authors": [part]}
        for number, part in enumerate(cut)
    ]
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()


def grow(reader: str, read: Read, text: str, layout: str, size: int, rounds: int) -> Growth:
    """Measure one text, read in one way."""
    write = records if reader.startswith("jsonl") else page
    sizes = (size, 2 * size, 4 * size)
    dumps = [write(hostile(UNITS[text], layout, one)) for one in sizes]
    taken = [[_seconds(read, dump) for dump in dumps] for _ in range(rounds)]
    return Growth(reader, text, layout, sizes, tuple(map(min, zip(*taken, strict=True))))


def _seconds(read: Read, dump: bytes) -> float:
    begun = process_time()
    read(dump)
    return process_time() - begun


def read_page(dump: bytes) -> None:
    """Read a page; it may be refused."""
    _exhaust(HuggingFacePage(), dump)


def read_records(dump: bytes) -> None:
    """Read JSON Lines; they may be refused."""
    _exhaust(Jsonl(), dump)


def _exhaust(source: HuggingFacePage | Jsonl, dump: bytes) -> None:
    try:
        for _ in source.read(BytesIO(dump), NEAR):
            pass
    except UnreadableDump:
        return


@contextmanager
def readers() -> Iterator[Mapping[str, Read]]:
    """Return the ways of reading by name; the last two fill their own store."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "papers.db"
        migrations.make_file(file)
        store = Store(f"sqlite:///{file}")
        migrations.upgrade(store)
        number = count()

        def take(dump: bytes) -> None:
            # The same bytes would be read only once.
            last = {"title": f"Lanterns of harbour {next(number)}"}
            more = json.dumps(last) if dump.startswith(b"{") else f"\n\n{last['title']}\n"
            try:
                ingest(store, DUMP_FORMATS, None, stream=BytesIO(dump + more.encode()), now=NOW)
            except UnreadableDump:
                return

        yield {
            "page": read_page,
            "jsonl": read_records,
            "page ingested": take,
            "jsonl ingested": take,
        }
        store.close()


def growths(size: int, rounds: int, texts: Sequence[str]) -> Iterator[Growth]:
    """Measure every text in every layout and way of reading."""
    with readers() as ways:
        for text, layout in product(texts, LAYOUTS):
            if layout == "line" or "\n" not in UNITS[text]:
                for reader, read in ways.items():
                    yield grow(reader, read, text, layout, size, rounds)
