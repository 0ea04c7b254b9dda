"""Brings the forms of a word together: *robot*, *robots* and *robotics* have one stem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from Stemmer import Stemmer  # type: ignore[import-not-found]  # it has no types

if TYPE_CHECKING:
    from collections.abc import Iterable


def stem_words(words: Iterable[str]) -> list[str]:
    """Give the stem of each word, in order (Porter 1980); words come in lower case."""
    # A stemmer is not safe between threads, and quick to make.
    stemmer = Stemmer("porter", 0)
    return [word if len(word) <= 2 else str(stemmer.stemWord(word)) for word in words]
