"""Makes dumps by mutating the structure of samples; the same seed gives the same dump."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.support.hostile import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    Mutate = Callable[[Random, list[str]], None]

MOST = 150_000  # characters of one text
_STEPS = 6  # the most mutations of one sample

# Lines of pages, of programs that save pages, and of formats that are refused or read elsewhere.
FURNITURE = (
    *("", "---", "+++", "```", "~~~", "***", "===", "\\", ">", "[", "]", "](", "][33]", "[-] 1"),
    *(
        "-",
        "65",
        "[101]",
        "· 3 authors",
        "3 authors",
        "·",
        "Aug 7",
        "2026-08-07",
        "Today",
        "Feb 31",
    ),
    *("Oct 7, 2024", "May 29[6]", "7 August 20260", "retrieved: 2026-10-02", "new", "Subscribe"),
    *("Get trending papers in your email inbox!", "Daily Papers", "# Daily Papers", "Models"),
    *("byAK and the research community", "Daily / Weekly / Monthly", "Submitted by", "Upvote"),
    *("* [ Models ][2]", "### [A Title][36]", "[![](https://a.example/b.png)", "References"),
    *("1. [A Title](https://arxiv.org/abs/2508.13426)", "  1. https://arxiv.org/abs/2508.13426"),
    *(
        "https://huggingface.co/papers/2508.13426",
        "/papers/date/2026-03-24",
        "AI-generated summary",
    ),
    *("Abstract", "Authors: A, B", "<!-- a", "-->", "<a href='b'>", "</a>", "<script>", "&#99999;"),
    *("&amp;amp;lt;", "{", "}", '{"title": "T"}', "[{", '{"paper": {', "null", "@article{a,"),
    *("  title = {A {B} C},", "TY  - JOUR", "TI  - A Title", "ER  - ", "<rdf:RDF", "Key,Title"),
    *("A Title (140 ▲)", "Here is the selection of papers for today (6 Jul):", "方法", "提交者"),
    *("From: a@b.example", "| a | b |", "|---|---|", "arXiv:2508.13426v1 Announce Type: new"),
)
PREFIXES = ("> ", ">> ", "  ", "\t", "* ", "- ", "1. ", "# ", "### ", "[", "    ", "| ", "\u200b")
WORDS = (
    *("\u00a0", "\u200b", "\u00ad\n", "\\O", "$x$", "$", "**", "](", "](http://[::1", "](/papers/"),
    *("\ud800", "\x00", "\x1b[31m", "\u2028", "\x85", "\ufeff", "&lt;", "<b>", "\\\\", "\r", "\\'"),
    *(
        "[a][1]",
        "![a](b)",
        "`",
        "``",
        "<!--",
        "arxiv:2508.13426",
        "10.1/<a>#?",
        "http://",
        "xn--",
        "%",
    ),
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**400, 1e308, float("nan"), "", " ", "\ud800", "\x00", [], {}, [[]]),
    *([None], {"a": {}}, "2026-13-45", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00"),
    *("arxiv:notanid", "https://[::1", "10.1/\u0000", "http://a.example/" + "b" * 500, ["a", 1]),
)


def mutate(dice: Random, samples: Sequence[str]) -> str:
    """Make a text from one of the samples, by a few mutations."""
    lines = dice.choice(samples).split("\n")
    start = dice.randrange(len(lines))
    lines = lines[start : start + dice.randint(1, 60)] if dice.random() < 0.5 else lines
    for _ in range(dice.randint(1, _STEPS)):
        dice.choice(_MUTATIONS)(dice, lines)
        if dice.random() < 0.2:
            lines += dice.choice(samples).split("\n")[: dice.randint(1, 40)]
    return "\n".join(lines)[:MOST]


def encode(dice: Random, text: str) -> bytes:
    """Encode a text, mostly as UTF-8; sometimes otherwise, or with bytes changed or cut."""
    text = text.replace("\n", dice.choices(("\n", "\r\n", "\r", "\n\r\n"), (8, 2, 1, 1))[0])
    encoding = dice.choices(("utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"), (20, 1, 1, 1, 1))
    known = encoding[0] == "latin-1"
    raw = bytearray(text.encode(encoding[0], "replace" if known else "surrogatepass"))
    if dice.random() < 0.1:
        for _ in range(dice.randint(1, 20)):
            raw[dice.randrange(len(raw) + 1) :][:1] = bytes([dice.randrange(256)])
    if dice.random() < 0.1:
        del raw[dice.randrange(len(raw) + 1) :]
    return bytes(raw)


def _at(dice: Random, lines: list[str]) -> int:
    if not lines:
        lines.append("")
    return dice.randrange(len(lines))


def _block(dice: Random, lines: list[str]) -> slice:
    at = _at(dice, lines)
    return slice(at, at + dice.randint(1, 12))


def _drop(dice: Random, lines: list[str]) -> None:
    del lines[_block(dice, lines)]


def _repeat(dice: Random, lines: list[str]) -> None:
    block = _block(dice, lines)
    lines[block] = lines[block] * dice.choice((2, 2, 3, 50, 1_000))
    del lines[20_000:]


def _move(dice: Random, lines: list[str]) -> None:
    block = _block(dice, lines)
    moved = lines[block]
    del lines[block]
    at = _at(dice, lines)
    lines[at:at] = moved


def _strew(dice: Random, lines: list[str]) -> None:
    for _ in range(dice.choice((1, 1, 3, 20))):
        lines.insert(_at(dice, lines), dice.choice(FURNITURE))


def _prefix(dice: Random, lines: list[str]) -> None:
    block = _block(dice, lines) if dice.random() < 0.7 else slice(None)
    prefix = dice.choice(PREFIXES)
    lines[block] = [prefix + line for line in lines[block]]


def _glue(dice: Random, lines: list[str]) -> None:
    block = _block(dice, lines)
    lines[block] = [dice.choice(("", " ", "](", " · ", "\t")).join(lines[block])]


def _wrap(dice: Random, lines: list[str]) -> None:
    at, width = _at(dice, lines), dice.choice((1, 20, 60, 120))
    line = lines[at]
    lines[at : at + 1] = [line[i : i + width] for i in range(0, min(len(line), 20_000), width)]


def _insert_word(dice: Random, lines: list[str]) -> None:
    for _ in range(dice.choice((1, 3, 30))):
        at = _at(dice, lines)
        place = dice.randint(0, len(lines[at]))
        lines[at] = lines[at][:place] + dice.choice(WORDS) + lines[at][place:]


def _insert_hostile(dice: Random, lines: list[str]) -> None:
    at, unit = _at(dice, lines), dice.choice(list(UNITS.values()))
    place = dice.randint(0, len(lines[at]))
    text = unit * dice.choice((3, 30, 300, 3_000, 30_000))
    lines[at : at + 1] = (lines[at][:place] + text[:MOST] + lines[at][place:]).split("\n")


def _change_value(dice: Random, lines: list[str]) -> None:
    """Change a value anywhere in a line of JSON."""
    at = _at(dice, lines)
    try:
        given = json.loads(lines[at])
    except (ValueError, RecursionError):
        return
    if isinstance(given, dict | list):
        _change_within(dice, given)
    lines[at] = json.dumps(given, ensure_ascii=dice.random() < 0.5)


def _change_within(dice: Random, given: dict[Any, Any] | list[Any]) -> None:
    keys = list(given) if isinstance(given, dict) else list(range(len(given)))
    if not keys:
        return
    key = dice.choice(keys)
    inner = given[key]
    if isinstance(inner, dict | list) and dice.random() < 0.6:
        _change_within(dice, inner)
    else:
        given[key] = dice.choice((*VALUES, dice.choice(WORDS) * 20, [inner], {"a": inner}))


_MUTATIONS: tuple[Mutate, ...] = (
    _drop,
    _repeat,
    _move,
    _strew,
    _prefix,
    _glue,
    _wrap,
    _insert_word,
    _insert_hostile,
    _change_value,
)
