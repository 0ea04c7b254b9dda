"""Tests the comparison of two texts: what it finds alike, and how little of them it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.db.matching.comparison import compared_text
from larkpost.db.matching.comparison.compared_text import ComparedText, same_subject, similarity
from larkpost.text.minhash import resemblance, squeeze

if TYPE_CHECKING:
    import pytest

WHOLE = (
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. The model reads the moon, the wind "
    "and the captain, of which the captain matters most. Logs and code are public."
)
CUT = WHOLE[:130] + "…"
SUMMARY = "A model of ferries predicts from logs, wind and moon when they leave."
OTHER = "Bread rises slowly, and bakers rise early. We ask both why…"


def _compare(a: str, b: str, at_least: float = 0.0) -> float:
    return similarity(ComparedText(a), ComparedText(b), at_least=at_least)


def test_a_cut_text_is_like_the_whole_and_unlike_another() -> None:
    assert _compare(WHOLE, CUT) == _compare(CUT, WHOLE) == 1
    assert _compare(WHOLE, WHOLE[:130]) == 1
    assert _compare(WHOLE, OTHER) < 0.6


def test_a_summary_speaks_of_the_same_and_another_text_does_not() -> None:
    title = ComparedText("When Ferries Leave")
    other = ComparedText("Bread rises slowly; bakers sleep badly. Both are old.")

    assert same_subject(title, ComparedText(WHOLE), ComparedText(SUMMARY))
    assert not same_subject(title, ComparedText(WHOLE), other)


def test_a_similarity_below_the_wanted_one_is_none_and_one_above_is_exact() -> None:
    edited = WHOLE.replace("four minutes", "five minutes and a half")

    assert _compare(WHOLE, edited, 0.75) == _compare(WHOLE, edited) > 0.75
    assert _compare(WHOLE, OTHER, 0.75) == 0


def test_texts_of_usual_length_are_as_similar_as_all_their_letters() -> None:
    longer = " ".join([WHOLE] * 15)
    edited = longer.replace("moon", "sun")

    assert _compare(longer, edited) == resemblance(squeeze(longer), squeeze(edited))


def test_only_the_beginning_of_long_texts_is_compared_letter_by_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compared_text, "MOST_COMPARED", 40)
    begin = "x" * 20 + "y" * 20

    assert compared_text.compare_beginnings(f"a{begin}", f"b{begin}") > 0.9
    assert compared_text.compare_beginnings(f"{begin}{'a' * 50}", f"{begin}{'b' * 50}") == 1
    assert compared_text.compare_beginnings(f"{'a' * 50}{begin}", f"{'b' * 50}{begin}") == 0


def test_a_text_is_squeezed_once_however_often_it_is_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    squeezed: list[str] = []

    def counting(text: str) -> str:
        squeezed.append(text)
        return squeeze(text)

    monkeypatch.setattr(compared_text, "squeeze", counting)
    whole, others = ComparedText(WHOLE), [ComparedText(f"{k} {OTHER[:-1]}") for k in range(5)]

    for other in others:
        similarity(whole, other)

    assert sorted(squeezed) == sorted([WHOLE, *(one.text for one in others)])
