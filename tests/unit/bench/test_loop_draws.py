"""Tests the closed loop's readers: interests of several breadths, the same in every loop."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from bench.closed_loop import readers as loop_readers
from bench.closed_loop.interests import Interest, Kind, Lexicon
from bench.closed_loop.readers import Draw, Person, draw_all
from bench.closed_loop.stream import FRESH, Stream, make_stream, morning
from bench.closed_loop.systems import SIZE, logistic_with_background
from bench.closed_loop.vectors import GrowingVectors
from bench.support import peers
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    TfidfVectorizer,
)
from tests.helpers.bench_worlds import a_case

from larkpost.domain import Thumb

READERS, DAYS, DAILY = 24, 12, 60


@cache
def stream() -> Stream:
    return make_stream(DAYS + 4, DAILY)


@cache
def drawn() -> list[Draw]:
    return draw_all(stream(), [0, 1], READERS, DAYS)


def everybody() -> list[Person]:
    return [person for draw in drawn() for person in draw.people]


def a_person(habit: loop_readers.Habit, *, number: int = 0, papers: int = 4000) -> Person:
    half = Interest(Kind.WORDS, ("a",), "", np.arange(papers) % 2 == 0)
    other = Interest(Kind.WORDS, ("b",), "", np.arange(papers) % 2 == 1)
    return Person(5, number, habit, (), (half,), (other,), change=10)


def test_readers_like_a_few_papers_in_a_hundred_by_one_to_three_rules() -> None:
    counts = {len(person.before) for person in everybody()}
    shares = [float(person.relevant(0).mean()) for person in everybody()]

    assert counts == {1, 2, 3}
    assert 0.03 < np.mean(shares) < 0.07
    assert np.quantile(shares, 0.05) > 0.02
    assert np.quantile(shares, 0.95) < 0.09


def test_rules_are_of_every_kind_and_of_different_breadth() -> None:
    rules = [one for person in everybody() for one in person.before]

    assert {one.kind for one in rules} == set(Kind)
    sizes = [float(one.relevant.mean()) for one in rules]
    assert max(sizes) > 3 * min(sizes)
    assert len({len(one.words) for one in rules}) > 1


def test_a_rule_holds_of_the_papers_whose_text_it_describes() -> None:
    for draw in drawn():
        for rule in (one for person in draw.people for one in person.before):
            for paper in (*np.flatnonzero(rule.relevant)[:3], *np.flatnonzero(~rule.relevant)[:3]):
                document = draw.stream.documents[paper]
                has = sum(word in document.text.split() for word in rule.words)
                keeps = has >= (2 if rule.kind is Kind.TOPIC else 1)
                if rule.kind is Kind.CATEGORY:
                    keeps = keeps and rule.category in document.categories
                assert keeps == rule.relevant[paper], (rule.kind, rule.words)


def test_a_third_of_the_readers_change_all_their_interests_half_way() -> None:
    changing = [person for person in everybody() if person.changes]

    assert len(changing) == pytest.approx(len(everybody()) / 3, abs=2)
    for person in changing:
        assert person.change == DAYS // 2
        assert person.interests(DAYS // 2 - 1) is person.before
        assert person.interests(DAYS // 2) is person.after
        assert len(person.after) == len(person.before)
        both = person.relevant(0) & person.relevant(DAYS - 1)
        assert both.sum() < 0.5 * person.relevant(DAYS - 1).sum()


def test_some_readers_are_quiet_and_some_say_words_at_sign_up() -> None:
    people = everybody()

    assert {person.habit.name for person in people} == {"usual", "eager", "quiet"}
    saying = [person for person in people if person.words]
    assert len(saying) == len(people) / 2
    for person in saying:
        assert set(person.words) <= {word for one in person.before for word in one.words}


def test_the_same_draw_gives_the_same_readers_and_another_draw_others() -> None:
    (again,) = draw_all(stream(), [0], READERS, DAYS)
    first, second = drawn()

    def rules(draw: Draw) -> list[tuple[str, ...]]:
        return [one.words for person in draw.people for one in (*person.before, *person.after)]

    assert rules(again) == rules(first)
    assert rules(second) != rules(first)
    assert again.stream.documents == first.stream.documents


def test_thumbs_fall_as_often_as_their_chances_say() -> None:
    usual = a_person(loop_readers.USUAL)

    liked, others = ([usual.press(paper, 0) for paper in range(first, 4000, 2)] for first in (0, 1))

    assert liked.count(Thumb.UP) == pytest.approx(0.5 * 2000, rel=0.1)
    assert liked.count(Thumb.DOWN) == pytest.approx(0.02 * 2000, abs=20)
    assert others.count(Thumb.DOWN) == pytest.approx(0.2 * 2000, rel=0.15)
    assert others.count(Thumb.UP) == pytest.approx(0.03 * 2000, abs=25)


def test_a_thumb_on_a_paper_is_one_draw_that_only_a_change_of_interest_turns() -> None:
    usual = a_person(loop_readers.USUAL)

    before, again, after = (
        [usual.press(paper, day) for paper in range(0, 4000, 2)] for day in (0, 9, 10)
    )

    assert before == again
    assert before.count(Thumb.UP) > 5 * after.count(Thumb.UP)


def test_quiet_readers_press_less_and_look_less_often_and_eager_ones_press_more() -> None:
    presses = {}
    for habit in (loop_readers.QUIET, loop_readers.USUAL, loop_readers.EAGER):
        person = a_person(habit)
        presses[habit.name] = sum(person.press(paper, 0) is not None for paper in range(4000))

    assert presses["quiet"] < 0.6 * presses["usual"]
    assert presses["eager"] > 1.4 * presses["usual"]
    quiet = a_person(loop_readers.QUIET)
    assert sum(quiet.looks(day) for day in range(1000)) == pytest.approx(400, abs=60)
    assert all(a_person(loop_readers.USUAL).looks(day) for day in range(100))


def test_a_stream_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="has 16 days of 60 papers, not 17"):
        draw_all(stream(), [0], 2, DAYS + 5)


def test_an_edition_is_chosen_from_the_papers_of_seven_days() -> None:
    some = stream()

    for day in range(FRESH, 9):
        window = some.candidates(day)
        oldest, newest = morning(window[0] // DAILY), morning(window[-1] // DAILY)
        assert (morning(day) - oldest).days < 7
        assert newest == morning(day)
        before = morning(window[0] // DAILY - 1)
        assert (morning(day) - before).days >= 7


@pytest.mark.parametrize(
    "terms",
    [
        peers.plain_terms(),
        TfidfVectorizer(
            stop_words="english",
            token_pattern=peers.SANITY_TOKENS,
            ngram_range=(1, 2),
            max_features=300,
            sublinear_tf=True,
            max_df=0.1,
            min_df=5,
            dtype=np.float32,
        ),
    ],
)
@pytest.mark.parametrize("papers", [50, 400])
def test_growing_vectors_are_those_of_a_vectoriser_fitted_on_that_day(
    terms: TfidfVectorizer, papers: int
) -> None:
    texts = [one.text for one in stream().documents[:600]]
    words = ["", texts[3], "wholly unknown"]

    found = GrowingVectors.of(texts, words, terms).up_to(papers)

    wanted = terms.fit(texts[:papers]).transform([*texts[:papers], *words])
    assert found.shape == wanted.shape
    assert np.abs((found - wanted).toarray()).max() < 1e-5


def test_a_regression_with_background_ranks_what_is_like_the_liked_first() -> None:
    texts = [one.text for one in stream().documents]
    vectors = GrowingVectors.of(texts, [], peers.plain_terms()).up_to(len(texts))
    lexicon = Lexicon.of(stream().documents)
    topic = np.flatnonzero(lexicon.presence[:, [int(lexicon.seeds()[0])]].toarray().ravel())
    others = np.setdiff1d(np.arange(len(texts)), topic)[:SIZE]
    case = a_case(topic[:8].tolist(), others[:3].tolist(), [*topic[8:16], *others[3:]])

    scores = logistic_with_background(vectors, len(texts))(case)

    assert scores[:8].mean() > scores[8:].mean() + scores.std()
