"""Stems words: *robot*, *robots* and *robotics* have one stem."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from Stemmer import Stemmer  # type: ignore[import-not-found]  # it has no types


def stem_words(words: Iterable[str]) -> list[str]:
    """Return the stem of each word, in order (Porter 1980); words come in lower case.

    A word of two letters is its own stem, as Porter has it: the library would leave nothing of "s".
    """
    # A stemmer is not safe between threads, and quick to make.
    stemmer = Stemmer("porter", 0)
    return [word if len(word) <= 2 else str(stemmer.stemWord(word)) for word in words]


@lru_cache(maxsize=65536)
def stem_of(term: str) -> str:
    """Return the stem that the forms of a term have in common (Snowball's English, "Porter 2")."""
    if len(term) <= 4 and term.endswith("us"):  # gpus: it is taken for Latin
        return term[:-1]
    return str(Stemmer("english", 0).stemWord(term))


def strict_stems(words: Iterable[str]) -> list[str]:
    """Return stems that are alike only where Porter's second stemmer agrees with his first.

    The first alone takes *generalize* for a form of *generate*, and *organ* for one of
    *organization*. The second leaves the *s* of *GPUs*, which is cut from its stems here.
    """
    asked = list(words)
    second = Stemmer("english", 0)
    return [
        f"{stem}/{str(second.stemWord(word)).removesuffix('s')}"
        for word, stem in zip(asked, stem_words(asked), strict=True)
    ]
