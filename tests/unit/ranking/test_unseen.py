"""Tests papers far from the shown ones, groups of liked papers, and coverage of the stream."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from tests.helpers.ranking_factories import THEMES, a_paper, library, themed

from larkpost.ranking import TextSpace, TfidfRanker
from larkpost.ranking.exploration.liked_clusters import find_two_groups
from larkpost.ranking.exploration.stream_coverage import measure_coverage
from larkpost.ranking.exploration.unseen import compare

if TYPE_CHECKING:
    from larkpost.domain import Paper

EACH = 20
PAPERS = library(EACH)
PROTEINS, GALAXIES, COMPILERS = PAPERS[:EACH], PAPERS[EACH : 2 * EACH], PAPERS[2 * EACH :]


@cache
def a_space() -> TextSpace:
    return TfidfRanker().fit(PAPERS)


def ids(papers: list[Paper]) -> set[int]:
    return {paper.id for paper in papers}


def test_the_farthest_are_of_the_themes_that_were_not_shown() -> None:
    map_of_day = compare(a_space(), PAPERS)

    found = map_of_day.farthest(PROTEINS[:5], PAPERS[5:], 10)
    rest = map_of_day.farthest([*PROTEINS[:5], *GALAXIES[:5]], PAPERS[5:], 10)

    assert len(found) == len(rest) == 10
    assert not ids(found) & ids(PROTEINS)
    assert ids(rest) <= ids(COMPILERS)


def test_only_what_is_free_is_found_and_always_the_same() -> None:
    map_of_day, free = compare(a_space(), PAPERS), COMPILERS[:3]

    found = map_of_day.farthest(PROTEINS, free, 10)

    assert ids(found) == ids(free)
    assert found == compare(a_space(), PAPERS[::-1]).farthest(PROTEINS, free[::-1], 10)
    assert map_of_day.farthest([], free, 0) == []


def test_a_paper_like_no_other_comes_after_those_with_company() -> None:
    alone = [a_paper(900 + n, f"zither{n} quark{n} loom{n}", f"sole{n} odd{n}") for n in range(3)]
    map_of_day = compare(a_space(), [*PAPERS, *alone])

    found = map_of_day.farthest(PROTEINS, [*GALAXIES, *COMPILERS, *alone], 43)

    assert ids(found[-3:]) == ids(alone) or not ids(found[:20]) & ids(alone)


def test_two_themes_are_two_groups_and_each_is_reported_by_its_own_words() -> None:
    liked = [paper for pair in zip(PROTEINS[:8], COMPILERS[:5], strict=False) for paper in pair]
    liked += PROTEINS[5:8]

    found = find_two_groups(a_space(), liked)

    assert found is not None
    assert ids(list(found.larger.papers)) == ids(PROTEINS[:8])
    assert ids(list(found.smaller.papers)) == ids(COMPILERS[:5])
    assert [paper.id for paper in found.smaller.papers] == [one.id for one in COMPILERS[:5]]
    assert set(found.larger.terms) <= set(THEMES["proteins"].split())
    assert set(found.smaller.terms) <= set(THEMES["compilers"].split())
    assert 1 <= len(found.smaller.terms) <= 4


@pytest.mark.parametrize(
    "liked",
    [
        pytest.param([], id="nothing"),
        pytest.param(PROTEINS, id="one theme"),
        pytest.param([*PROTEINS[:4], *GALAXIES[:3]], id="seven"),
        pytest.param([*PROTEINS[:9], *GALAXIES[:3]], id="three beside nine"),
        pytest.param([*PROTEINS[:16], *GALAXIES[:4]], id="a fifth"),
        pytest.param([a_paper(n, "", "") for n in range(700, 712)], id="no text"),
        pytest.param(
            [a_paper(n, f"word{n}", f"word{n + 1} word{n + 40}") for n in range(100, 112)],
            id="of everything something",
        ),
    ],
)
def test_what_is_one_group_or_too_small_is_not_parted(liked: list[Paper]) -> None:
    assert find_two_groups(a_space(), liked) is None


def test_a_quarter_with_four_papers_is_a_group() -> None:
    found = find_two_groups(a_space(), [*PROTEINS[:12], *GALAXIES[:4]])

    assert found is not None
    assert ids(list(found.smaller.papers)) == ids(GALAXIES[:4])


def test_of_many_liked_papers_the_latest_count() -> None:
    more = [themed("proteins", 300 + n) for n in range(100)]

    assert find_two_groups(a_space(), [*GALAXIES, *more]) is None


def test_the_empty_corpus_has_no_groups() -> None:
    assert find_two_groups(TfidfRanker().fit([]), PAPERS) is None


def test_coverage_tells_the_share_of_the_stream_in_regions_never_shown() -> None:
    covered = measure_coverage(TfidfRanker(), PAPERS, ids(PROTEINS))

    assert covered is not None
    assert covered.papers == 60
    assert covered.never_shown == pytest.approx(2 / 3, abs=0.1)
    assert sum(region.share for region in covered.largest) <= covered.never_shown + 1e-9
    words = {*THEMES["galaxies"].split(), *THEMES["compilers"].split()}
    assert covered.largest
    assert all(set(region.terms) <= words for region in covered.largest)


def test_coverage_is_whole_where_all_was_shown_and_nil_where_nothing_was() -> None:
    whole = measure_coverage(TfidfRanker(), PAPERS, ids(PAPERS))
    nothing = measure_coverage(TfidfRanker(), PAPERS, set())

    assert whole is not None
    assert nothing is not None
    assert (whole.never_shown, whole.never_shown_regions, whole.largest) == (0.0, 0, ())
    assert (nothing.never_shown, nothing.never_shown_regions) == (1.0, nothing.regions)


def test_coverage_of_a_stream_too_small_to_be_cut_is_not_told() -> None:
    assert measure_coverage(TfidfRanker(), PAPERS[:19], set()) is None
    assert measure_coverage(TfidfRanker(), [], set()) is None


def test_coverage_is_the_same_for_the_same_papers_in_any_order() -> None:
    shown = ids(PROTEINS[:2])

    assert measure_coverage(TfidfRanker(), PAPERS, shown) == measure_coverage(
        TfidfRanker(), PAPERS[::-1], shown
    )
