"""A small collection of papers and readers, for the tests of the ranking benchmark."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from bench.support import readers
from tests.helpers.ranking_factories import THEMES, themed

PAPERS = 1200
CUT = 900  # papers from this number on are new


def a_world(*, newest: bool = True) -> readers.Collection:
    """Make papers of three alternating themes, an hour apart, and a reader who likes the first.

    The subject of a paper is its theme, so hundreds of papers are equally near to the reader.
    """
    themes = list(THEMES)
    start = readers.DAY - timedelta(hours=CUT)
    papers = []
    for number in range(PAPERS):
        seen = start + timedelta(hours=number)
        one = themed(themes[number % 3], number)
        papers.append(replace(one, first_seen=seen, ingested_at=seen, updated=seen))
    corner = [np.arange(theme, PAPERS, 3) for theme in range(3)]
    liked = np.arange(0, PAPERS, 30)
    return readers.Collection(
        "a small world",
        papers,
        np.arange(CUT),
        np.arange(CUT, PAPERS),
        [readers.Library(0, liked[liked < CUT], liked[liked >= CUT])],
        readers.corners(corner, PAPERS),
        newest=newest,
    )


def a_case(ups: list[int], downs: list[int], digest: list[int]) -> readers.Case:
    """Make a case from numbers of papers; the first paper of the digest is liked."""
    first = np.arange(len(digest)) == 0
    voted, disliked, today = (np.array(one, dtype=np.intp) for one in (ups, downs, digest))
    return readers.Case(0, 0, voted, disliked, today, first)
