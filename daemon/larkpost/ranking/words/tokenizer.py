"""Tokenises the text of a paper into the terms that the ranking counts."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from larkpost.text.normalize import normal_form
from larkpost.text.stemming import strict_stems

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _english_stop_words() -> frozenset[str]:
    """Read scikit-learn's list from its module alone, if it has one.

    Importing scikit-learn takes 60 MB, and a daemon, which fits models in a separate process, needs
    nothing else of it.
    """
    package = importlib.util.find_spec("sklearn")
    folder = Path(str(package.origin if package else "")).parent
    file = folder / "feature_extraction" / "_stop_words.py"
    module = importlib.util.spec_from_file_location("_larkpost_stop_words", file)
    if not file.is_file() or module is None or module.loader is None:  # of another release
        from sklearn.feature_extraction import text  # type: ignore[import-untyped]  # it has no types

        return frozenset(text.ENGLISH_STOP_WORDS)
    loaded = importlib.util.module_from_spec(module)
    module.loader.exec_module(loaded)
    return frozenset(loaded.ENGLISH_STOP_WORDS)


ENGLISH_STOP_WORDS = _english_stop_words()

# Characters of a title and an abstract; a longer text is not one. The cut limits the time and the
# memory that hostile papers can take: 3,000 of a feed are among those to which a model is fitted.
LONGEST_TEXT = 10_000
MOST_TERMS = 1_000  # of a text; in scripts without spaces nearly each character begins one

# A word begins with a letter and has at least two characters; scripts without spaces are cut into
# pairs of characters, which work as well as words (Nie & Ren 1999).
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f"
TERM = re.compile(rf"[{UNSPACED}]+|[^\W\d{UNSPACED}][^\W{UNSPACED}]+")
_STARTS_UNSPACED = re.compile(rf"[{UNSPACED}]")


def terms(text: str) -> list[str]:
    """Return the first terms of a text in order, up to ``MOST_TERMS``.

    They are in lower case and without accents; English stop words are left out.
    """
    cut = TERM.findall(plain_form(text))
    if text.isascii():  # most texts are; then no script without spaces occurs
        return [term for term in cut if term not in ENGLISH_STOP_WORDS][:MOST_TERMS]
    found: list[str] = []
    for term in cut:
        if _STARTS_UNSPACED.match(term):
            found.extend(term[at : at + 2] for at in range(max(1, len(term) - 1)))
        elif term not in ENGLISH_STOP_WORDS:
            found.append(term)
    return found[:MOST_TERMS]


def is_stop_word(word: str) -> bool:
    """Return whether a word is too common in English to be a term."""
    return word in ENGLISH_STOP_WORDS


def is_unspaced(term: str) -> bool:
    """Return whether a term is of a script without spaces between words."""
    return _STARTS_UNSPACED.match(term) is not None


def plain_form(text: str) -> str:
    """Return the part of a text that is read, in lower case and without accents."""
    text = text[:LONGEST_TEXT]
    if text.isascii():
        return text.lower()
    apart = normal_form("NFKD", text.lower())
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


def count_stems(
    counted: Sequence[Counter[str]], vocabulary: Sequence[str], spread: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Count for each term the papers with any word of its stem, whether a term or not."""
    words = sorted({word for one in counted for word in one})
    stem_of = dict(zip(words, strict_stems(words), strict=True))
    forms = Counter(stem_of.values())
    several = {word: stem for word, stem in stem_of.items() if forms[stem] > 1}
    papers: Counter[str] = Counter()
    for one in counted:
        papers.update({several[word] for word in one if word in several})
    found = zip(vocabulary, spread.tolist(), strict=True)
    return np.array([papers[several[t]] if t in several else n for t, n in found], dtype=np.int32)
