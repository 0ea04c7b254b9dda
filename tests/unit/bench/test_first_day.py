"""Tests the benchmark of the first day: its themes, its cases, and that ours is not worse."""

from __future__ import annotations

from bench import first_day
from bench.support import small_corpora as small


def test_every_labelled_theme_is_of_papers_of_the_sample() -> None:
    papers = small.sample()

    themes = small.themes(papers)

    assert len(papers) == 108
    assert len(themes) >= 8
    assert all(len(set(theme.tolist())) >= 8 for theme in themes.values())


def test_a_case_ranks_what_nobody_has_rated() -> None:
    papers = small.sample()
    themes = small.themes(papers)

    for case in small.sample_cases(themes, len(papers), 5, downs=True, draws=2):
        rated = {*case.ups.tolist(), *case.downs.tolist()}
        assert len(rated) == 10
        assert not rated & set(case.digest.tolist())
        assert case.liked.sum() >= small.LEFT
        assert len(case.digest) == len(papers) - 10


def test_on_the_sample_no_peer_is_ahead_beyond_the_noise() -> None:
    squares = [one for one in first_day.on_sample(draws=3, times=(1, 5)) if one.downs]

    lines = first_day.summary(squares)

    assert first_day.ahead_of_us(lines) == []
    for square in squares:
        ours = square.values[first_day.OURS][:, 1].mean()
        assert ours > square.values["zotero-arxiv-daily on TF-IDF"][:, 1].mean()
    assert "| Larkpost |" in first_day.tables(lines)
