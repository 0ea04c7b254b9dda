"""Tests for any dump that a written page is read back, whatever its layout."""

from __future__ import annotations

import calendar
import json
import textwrap
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st

from larkpost.domain import DumpDate, Identifier, PaperRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.dates import latest_before
from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.huggingface_api import HuggingFaceApi
from larkpost.formats.jsonl import Jsonl
from larkpost.text.minhash import squeeze

NEAR = date(2026, 8, 25)
HEADER = (
    "new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\nDaily Papers\n\nAug 20\n\n"
)

VOCABULARY = ["tokens", "experts", "routing", "über", "small", "$k$-means", "{scriptsize", "X}"]
VOCABULARY += ["SAP^{2}", "2.5x", "(MoE)", "Language", "cache", "Test-Time", "budget", "models"]
VOCABULARY += [
    "don't",
    "40--80%",
    "\\alpha",
    "sparse",
    "検索",
    "of",
    "the",
    "and",
    "we",
    "it",
    "🐦",
]


def title_of(paper: tuple[str, str]) -> str:
    return squeeze(paper[0])


word = st.sampled_from(VOCABULARY)
title = st.lists(word, min_size=2, max_size=8).map(lambda words: "The " + " ".join(words))
sentence = st.lists(word, min_size=8, max_size=20).map(lambda words: " ".join(words) + ".")
abstract = st.lists(sentence, min_size=5, max_size=7).map(" ".join).filter(lambda a: len(a) > 150)
# A page gives each paper once, however often it stands there.
papers = st.lists(st.tuples(title, abstract), min_size=1, max_size=4, unique_by=title_of)
few = settings(max_examples=40)


def wrapped(text: str) -> str:
    return textwrap.fill(text, 76, break_long_words=False, break_on_hyphens=False)


def read(dump: bytes) -> list[tuple[str, str]]:
    records = HuggingFacePage().read(BytesIO(dump), NEAR)
    return [
        (record.title, record.abstract) for record in records if isinstance(record, PaperRecord)
    ]


@few
@given(
    papers,
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-16"]),
)
def test_a_page_is_read_back(
    drafts: list[tuple[str, str]], wrap: bool, end: str, encoding: str
) -> None:
    blocks = [text for draft in drafts for text in draft]
    page = HEADER + "\n\n".join(map(wrapped, blocks) if wrap else blocks) + "\n"

    assert read(page.replace("\n", end).encode(encoding)) == drafts


@few
@given(papers)
def test_a_page_without_blank_lines_is_read_back(drafts: list[tuple[str, str]]) -> None:
    lines = "\n".join(text for draft in drafts for text in draft)

    assert read(f"Get trending papers in your email inbox!\nSubscribe{lines}\n".encode()) == drafts


@few
@given(st.lists(st.tuples(title, abstract), min_size=4, max_size=5, unique_by=title_of), st.data())
def test_a_page_that_is_cut_loses_only_its_end(
    drafts: list[tuple[str, str]], data: st.DataObject
) -> None:
    blocks = [text for draft in drafts for text in draft]
    page = (HEADER + "\n\n".join(blocks)).encode()
    certain = len((HEADER + "\n\n".join(blocks[:6])).encode())
    cut = page[: data.draw(st.integers(certain, len(page)))]

    found = read(cut)

    assert found[:3] == drafts[:3]
    assert found[:-1] == drafts[: len(found) - 1]


@given(st.binary(max_size=2_000))
def test_any_bytes_give_records_or_are_refused(body: bytes) -> None:
    for source in (HuggingFacePage(), Jsonl(), HuggingFaceApi()):
        assert source.recognises(body, "x") in {True, False}
        try:
            list(source.read(BytesIO(body), NEAR))
        except UnreadableDump:
            continue


KEYS = ["paper", "id", "title", "summary", "abstract", "authors", "name", "organization", "links"]
KEYS += ["publishedAt", "submittedOnDailyAt", "upvotes", "dailyPapers", "url", "githubRepo", "also"]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(st.lists(values, max_size=4), st.sampled_from([None, 2]), st.integers(0, 400))
def test_any_json_whole_or_cut_gives_records_or_is_refused(
    given_values: list[object], indent: int | None, left_out: int
) -> None:
    text = json.dumps(given_values, indent=indent)
    for body in (text, text[: max(1, len(text) - left_out)]):
        for source in (Jsonl(), HuggingFaceApi()):
            try:
                list(source.read(BytesIO(body.encode()), NEAR))
            except UnreadableDump:
                continue


moments = st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - made aware at once
    lambda moment: moment.replace(tzinfo=UTC)
)


@few
@given(
    st.builds(
        PaperRecord,
        title=title,
        abstract=abstract,
        identifiers=st.integers(0, 99_999).map(lambda n: (Identifier("arxiv", f"2508.{n:05}"),)),
        authors=st.lists(word).map(tuple),
        categories=st.lists(word).map(tuple),
        published=st.none() | st.dates(date(1992, 1, 1), date(2100, 1, 1)),
        first_seen=moments,
        ingested_at=moments,
        upvotes=st.none() | st.integers(0, 10_000),
        private=st.booleans(),
        line=st.just(1),
    )
)
def test_a_line_is_read_back(draft: PaperRecord) -> None:
    line = {
        "id": str(draft.identifiers[0]),
        "title": draft.title,
        "abstract": draft.abstract,
        "authors": draft.authors,
        "categories": draft.categories,
        "published": draft.published and draft.published.isoformat(),
        "first_seen": draft.first_seen and draft.first_seen.isoformat(),
        "arrived": draft.ingested_at and draft.ingested_at.isoformat(),
        "upvotes": draft.upvotes,
        "guest": draft.private,
    }
    newer = {"format": 2, **line, "ingested_at": line["arrived"]}
    del newer["arrived"], newer["guest"]

    assert list(Jsonl().read(BytesIO(json.dumps(line).encode()))) == [draft]
    # Of a newer export the private papers stand on the lines of their readers.
    public = replace(draft, private=False)
    assert list(Jsonl().read(BytesIO(json.dumps(newer).encode()))) == [public]


@given(st.dates(date(1993, 1, 1), date(2190, 1, 1)), st.integers(-1, 363))
def test_a_day_without_its_year_is_found_again_for_a_year_after_it(day: date, later: int) -> None:
    found = latest_before(day.month, day.day, day + timedelta(days=later))

    assert found == day


@given(st.dates(date(1996, 1, 1), date(2190, 1, 1)), st.integers(1, 12), st.integers(1, 31))
def test_a_day_is_found_wherever_the_calendar_has_it(near: date, month: int, day: int) -> None:
    found = latest_before(month, day, near)

    possible = day <= (29 if month == 2 else calendar.monthrange(2023, month)[1])
    assert (found is not None) == possible
    if found is not None:
        assert (found.month, found.day) == (month, day)
        assert found <= near + timedelta(days=1)


@given(st.dates(date(1992, 1, 1), date(2190, 12, 31)))
def test_the_header_of_a_page_dates_it(day: date) -> None:
    header = f"Daily Papers\n\n{day.strftime('%b')} {day.day}\n\n"
    page = f"{header}The Title\n\n{'We show that one can. ' * 20}\n".encode()

    first, *_ = HuggingFacePage().read(BytesIO(page), day)

    assert first == DumpDate(day, 3)
