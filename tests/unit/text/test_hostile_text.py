"""Tests that hostile text costs little more time than plain letters of the same length.

Lengths are checked before anything is cleaned; if all of a text is read, the time is linear. The
processor time is compared with that for letters that need cleaning too, so that the machine's speed
does not matter.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import pytest
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.db.search import query
from larkpost.db.search.tokenize import words
from larkpost.domain import Interest
from larkpost.errors import LarkpostError
from larkpost.formats.references import read_references
from larkpost.inbound import vote_replies
from larkpost.mail import confirmations
from larkpost.portability import reader_records
from larkpost.readers import record_votes, subscriptions
from larkpost.settings.model import read_days
from larkpost.text import email_address, identifiers, interest_words, markup, normalize
from larkpost.text.minhash import title_key
from larkpost.text.search_phrase import search_words
from larkpost.urls import slugs
from larkpost.web import forms

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str], object]

SIZE = 4_000_000  # bytes
TIMES = 60.0  # as long as plain letters, at most; sorting marks took five thousand times as long
MOST = 3.0  # times as long for twice the size

HOSTILE = {
    "marks alone": "\u0301",
    "unsorted marks": "\u0301\u0323\u0345\u05b0\u3099",
    "musical": "\U0001d15f",
    "Hangul Jamo": "\u1100\u1161\u11a8",
    "joiners": "\u0628\u200d\u064b\u200d",
    "white space": " \u00a0",
    "lines": "\n",
}


def refused(read: Read) -> Read:
    """Read, where it is refused, too: that must be as quick."""

    def run(text: str) -> None:
        with suppress(LarkpostError, ValueError):
            read(text)

    return run


def bibtex(text: str) -> object:
    fields = ("title", "abstract", "author", "eprint", "doi", "url", "year")
    part = text[: len(text) // len(fields)]
    return read_references("@a{x," + ",".join(f"{one}={{{part}}}" for one in fields) + "}")


def ris(text: str) -> object:
    tags = ("TI", "AB", "AU", "DO", "UR", "PY")
    part = text[: len(text) // len(tags)].replace("\n", " ")
    return read_references("TY  - X\n" + "".join(f"{tag}  - {part}\n" for tag in tags) + "ER  - ")


def csl(text: str) -> object:
    part = text[: len(text) // 5]
    item = {"title": part, "abstract": part, "DOI": part, "author": [{"family": part}]}
    return read_references(json.dumps([item | {"issued": part}], ensure_ascii=False))


def table(text: str) -> object:
    part = text[: len(text) // 4].replace("\n", " ")[:190_000]
    heading = '"Key","Item Type","Title","Author","DOI","Abstract Note"\n'
    return read_references(heading + '"a","b"' + f',"{part}"' * 4 + "\n")


def rdf(text: str) -> object:
    part = text[: len(text) // 3]
    return read_references(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:bib="http://purl.org/net/biblio#" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"<bib:Article rdf:about='a'><dc:title>{part}</dc:title>"
        f"<dcterms:abstract>{part}</dcterms:abstract><dc:date>{part}</dc:date></bib:Article></rdf:RDF>"
    )


@cache
def plain_letters() -> float:
    """Measure the time to clean half as many letters, of the letters that are read."""
    return cpu_seconds(lambda: normalize.clean("\u1ebf" * (SIZE // 2)), rounds=5)


LINE = {"reader": "5c2e2e52-0b7c-4d60-8f7e-0d6b3a0f2b11", "zone": "UTC"}
WAYS: dict[str, Read] = {
    "clean": normalize.clean,
    "squash": normalize.squash,
    "one line": normalize.one_line,
    "shorten": lambda text: normalize.shorten(text, 100),
    "NFKD": lambda text: normalize.normal_form("NFKD", text),
    "markup": markup.clean_markup,
    "title key": title_key,
    "search index": words,
    "search": query.parse,
    "search at another site": search_words,
    "address": email_address.spell_address,
    "address key": email_address.address_key,
    "address with a long domain": lambda text: email_address.spell_address(f"a@{text}"),
    "asking": lambda text: confirmations.check_request(text, {}, ()),
    "name of a reader": lambda text: subscriptions.check_preferences({"name": text}),
    "zone": lambda text: subscriptions.check_preferences({"zone": text}),
    "interest words": lambda text: interest_words.tidy([text]),
    "many interest words": lambda text: interest_words.tidy(text.split("\u0301")),
    "number in a form": lambda text: forms.read("number", int, text),
    "time in a form": lambda text: forms.read("time", forms.clock, text),
    "thumb": record_votes.read_thumb,
    "name of a paper": identifiers.parse_identifier,
    "names in addresses": lambda text: slugs([Interest(1, "main"), Interest(2, text)]),
    "days": read_days,
    "answer by mail": vote_replies.votes_in,
    "imported reader": lambda text: reader_records.read_reader(LINE | {"name": text}),
    "imported words": lambda text: reader_records.read_reader(LINE | {"interests": [text]}),
    "imported key": lambda text: reader_records.read_reader(LINE | {"feed_key": text}),
    "imported days": lambda text: reader_records.read_reader(LINE | {"days": text}),
    "imported uid": lambda text: reader_records.read_reader(LINE | {"uid": text}),
    "list of names": read_references,
    "BibTeX": bibtex,
    "RIS": ris,
    "CSL JSON": csl,
    "CSV": table,
    "RDF": rdf,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("way", WAYS)
def test_four_megabytes_of_hostile_text_cost_little_more_than_plain_letters(
    way: str, kind: str
) -> None:
    read, unit = refused(WAYS[way]), HOSTILE[kind]
    text = unit * (SIZE // len(unit.encode()))

    def ratio() -> float:
        return cpu_seconds(lambda: read(text)) / plain_letters()

    assert_grows_less_than(ratio, TIMES)


@pytest.mark.parametrize("kind", ["marks alone", "unsorted marks", "musical", "Hangul Jamo"])
@pytest.mark.parametrize("way", WAYS)
def test_twice_as_much_hostile_text_takes_twice_as_long(way: str, kind: str) -> None:
    read, unit = refused(WAYS[way]), HOSTILE[kind]

    def ratio() -> float:
        once, twice = (
            cpu_seconds(lambda size=size: read(unit * size), rounds=2)  # type: ignore[misc]
            for size in (30_000, 60_000)
        )
        return twice / max(once, 0.01)

    assert_grows_less_than(ratio, MOST)
