"""Stems words: *robot*, *robots* and *robotics* have one stem."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from Stemmer import Stemmer  # type: ignore[import-not-found]  # it has no types


def stem_words(words: Iterable[str]) -> list[str]:
    """Return the stem of each word, in order (Porter 1980); words come in lower case.

    A word of two letters is its own stem, as in Porter: the library would return nothing for "s".
    """
    # A stemmer is not thread-safe, but fast to create.
    stemmer = Stemmer("porter", 0)
    return [word if len(word) <= 2 else str(stemmer.stemWord(word)) for word in words]


@lru_cache(maxsize=65536)
def stem_of(term: str) -> str:
    """Return the common stem of all forms of a term (Snowball's English, "Porter 2")."""
    if len(term) <= 4 and term.endswith("us"):  # gpus: treated as Latin otherwise
        return term[:-1]
    return str(Stemmer("english", 0).stemWord(term))


def strict_stems(words: Iterable[str]) -> list[str]:
    """Return stems that are equal only if Porter's first and second stemmer agree.

    The first alone treats *generalize* as a form of *generate*, and *organ* as one of
    *organization*. The second keeps the *s* of *GPUs*, so this function removes it.
    """
    asked = list(words)
    second = Stemmer("english", 0)
    return [
        f"{stem}/{str(second.stemWord(word)).removesuffix('s')}"
        for word, stem in zip(asked, stem_words(asked), strict=True)
    ]
