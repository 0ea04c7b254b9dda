"""Tests lists of references under one title: their comparisons are few, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.merging.alike_texts import TITLE, ComparisonCount, in_other_capitals, make_texts
from tests.helpers.private_lists import read_private, read_thumbs
from tests.helpers.web.site_client import NOW

from larkpost.db import papers
from larkpost.db.private import merge_into_public, private_upsert
from larkpost.domain import PaperRecord
from larkpost.errors import UsageError
from larkpost.readers import onboarding
from larkpost.readers.quotas import Allowance
from larkpost.settings.model import QuotaSettings

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> ComparisonCount:
    return ComparisonCount(monkeypatch)


def _bibtex(abstracts: list[str]) -> str:
    titles = in_other_capitals(TITLE, len(abstracts))
    return "\n".join(
        f"@article{{k, title={{{title}}}, abstract={{{abstract}}}}}"
        for title, abstract in zip(titles, abstracts, strict=True)
    )


def _bring(here: Place, text: str) -> onboarding.OnboardingResult:
    allowance = Allowance(QuotaSettings(), ())
    return onboarding.from_references(
        here.program.store, here.reader.id, text, now=NOW, allowance=allowance
    )


def test_a_list_of_many_texts_under_one_title_is_refused_and_nothing_is_imported(
    here: Place, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    monkeypatch.setattr(private_upsert, "MOST_FOR_LIST", 20_000)

    with pytest.raises(UsageError, match="too many alike titles") as caught:
        _bring(here, _bibtex(make_texts(30, 700)))

    assert "nothing was imported" in (caught.value.hint or "")
    assert len(compared.pairs) <= 20_000 // 1_400 + 20
    assert read_private(here.program.store, here.reader) == []
    assert read_thumbs(here.program.store, here.reader) == {}


def test_public_papers_of_one_title_count_in_the_same_way(
    here: Place, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    *public, own = make_texts(31, 700)
    with here.program.store.begin() as connection:
        papers.absorb(connection, [PaperRecord(TITLE, abstract=one) for one in public], now=NOW)
    compared.pairs.clear()
    monkeypatch.setattr(private_upsert, "MOST_FOR_LIST", 20_000)

    with pytest.raises(UsageError, match="too many alike titles"):
        _bring(here, _bibtex([own]))

    assert len(compared.pairs) <= 20


def test_each_reference_is_compared_once_although_it_is_looked_up_before_it_is_written(
    here: Place, compared: ComparisonCount
) -> None:
    found = _bring(here, _bibtex(make_texts(8, 300)))

    assert (found.new, found.liked) == (8, 8)
    assert len(compared.pairs) == len(set(compared.pairs)) == 8 * 7 // 2


def test_references_that_share_phrases_with_many_papers_are_not_compared_letter_by_letter(
    here: Place, compared: ComparisonCount
) -> None:
    titles = make_texts(30, 60)
    public, own = make_texts(30, 900, shared=0.6), make_texts(5, 900, shared=0.6)
    with here.program.store.begin() as connection:
        records = [PaperRecord(t, abstract=a) for t, a in zip(titles, public, strict=True)]
        papers.absorb(connection, records, now=NOW)

    _bring(here, _bibtex([f"&lt;b&gt; {number} {one}" for number, one in enumerate(own)][:1]))

    assert compared.pairs == []


def test_private_papers_of_one_title_are_compared_with_a_new_public_one_up_to_a_limit(
    here: Place, monkeypatch: pytest.MonkeyPatch, compared: ComparisonCount
) -> None:
    *texts, other = make_texts(13, 700)
    _bring(here, _bibtex(texts))
    compared.pairs.clear()
    monkeypatch.setattr(merge_into_public, "MOST_COMPARED", 3_000)

    with here.program.store.begin() as connection:
        records = [PaperRecord(TITLE, abstract=other), PaperRecord(TITLE, abstract=texts[-1])]
        papers.absorb(connection, records, now=NOW)

    pairs_of_private = [pair for pair in compared.pairs if pair[1] in texts[:-1]]
    assert len(pairs_of_private) <= 4
    assert len(read_private(here.program.store, here.reader)) == len(texts) - 1  # the same text
