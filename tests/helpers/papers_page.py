"""The papers page for the tests of its format: the sample, its pieces, and functions to read it."""

from __future__ import annotations

import textwrap
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from larkpost.domain import PaperRecord
from larkpost.formats.huggingface import HuggingFacePage
from larkpost.packaged_files import shipped_path
from larkpost.text.markup import clean_markup

if TYPE_CHECKING:
    from larkpost.domain import Record

ROOT = Path(__file__).parents[2]
DUMPS = ROOT / "tests" / "dumps"
SAMPLE = shipped_path("seeds") / "000_48a0d66eb2c74da9.txt"
NEAR = date(2026, 8, 25)
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


def drafts(dump: bytes | str) -> list[PaperRecord]:
    return [record for record in read(dump) if isinstance(record, PaperRecord)]


def pairs(dump: bytes | str) -> list[tuple[str, str]]:
    return [(draft.title, draft.abstract) for draft in drafts(dump)]


def sample() -> tuple[str, list[tuple[str, str]]]:
    """Split the sample at blank lines: six pieces of page furniture, then titles and abstracts.

    In these, LaTeX escapes and quotes are characters, as in the papers that are read.
    """
    header, *blocks = SAMPLE.read_text("utf-8").split("\n\n", 6)
    assert header == "new"
    parts = [clean_markup(text) for text in blocks[-1].split("\n\n")]
    return "\n\n".join([header, *blocks[:-1]]), list(zip(parts[::2], parts[1::2], strict=True))


def wrapped(text: str, width: int = 78) -> str:
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
