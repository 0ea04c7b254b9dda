"""Prepares texts for comparison once, and compares two of them at a bounded cost."""

from __future__ import annotations

from functools import cached_property
from hashlib import blake2b

from larkpost.db.matching.comparison.abstract_rules import LEAST_PART, is_withdrawal_notice, uncut
from larkpost.db.search.tokenize import MOST_IN_BODY, stems, telling
from larkpost.text.minhash import resemblance, squeeze

# Letters and digits of each text that are compared one by one; longer texts are judged by their
# beginning. The cost grows with the product of both lengths: 0.7 ms for two such texts, 8 ms for
# two of 20,000. Of the abstracts announced on arXiv, which limits them to 1,920 characters, none is
# as long.
MOST_COMPARED = 6_000
_MOST_STEMMED = 20_000  # characters


class ComparedText:
    """A title or an abstract, with what comparisons need of it; computed on first use."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def digest(self) -> bytes:
        """A short key of the whole text: 16 bytes of BLAKE2b."""
        return blake2b(self.text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    @cached_property
    def letters(self) -> str:
        """The squeezed text."""
        return squeeze(self.text)

    @cached_property
    def is_cut(self) -> bool:
        """Whether an ellipsis shows that the text is part of a longer one."""
        return len(uncut(self.text)) < len(self.text)

    @cached_property
    def complete_letters(self) -> str:
        """The squeezed text without ellipses and a "Read more" at its ends."""
        return squeeze(uncut(self.text)) if self.is_cut else self.letters

    @cached_property
    def is_notice(self) -> bool:
        """Whether the text is a withdrawal notice."""
        return is_withdrawal_notice(self.text)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all words."""
        return frozenset(stems(self.text[:_MOST_STEMMED]))

    @cached_property
    def subject(self) -> frozenset[str]:
        """The stems of the significant words."""
        return frozenset(stems(" ".join(telling(self.text[:_MOST_STEMMED], MOST_IN_BODY))))


def compare_beginnings(a: str, b: str, *, at_least: float = 0.0) -> float:
    """Return the ``resemblance`` of the beginnings of two squeezed texts."""
    return resemblance(a[:MOST_COMPARED], b[:MOST_COMPARED], least=at_least)


def similarity(a: ComparedText, b: ComparedText, *, at_least: float = 0.0) -> float:
    """Return the similarity of two abstracts, 0 to 1; a cut one is compared with the beginning.

    It is 0 if it is below ``at_least``.
    """
    if has_same_letters(a, b):
        return 1.0
    short, long = _by_length(a, b)
    if len(short) >= LEAST_PART and (a.is_cut or b.is_cut):
        long = long[: len(short)]
    return compare_beginnings(short, long, at_least=at_least)


def has_same_letters(a: ComparedText, b: ComparedText) -> bool:
    """Return whether two abstracts are equal letter by letter, up to the length of the shorter.

    This is known at once: no letters are compared beyond the first that differs.
    """
    short, long = _by_length(a, b)
    return short == long or (len(short) >= LEAST_PART and long.startswith(short))


def _by_length(a: ComparedText, b: ComparedText) -> tuple[str, str]:
    first, second = a.complete_letters, b.complete_letters
    return (first, second) if len(first) <= len(second) else (second, first)


def same_subject(title: ComparedText, a: ComparedText, b: ComparedText) -> bool:
    """Return whether two texts under one title have one subject, like a summary and its abstract.

    Two unrelated abstracts share about a tenth of their significant words, two texts about one work
    a third or more.
    """
    short, long = (a, b) if len(a.text) <= len(b.text) else (b, a)
    missing = short.subject - long.subject - title.subject
    return len(missing) <= 0.75 * len(short.subject)
