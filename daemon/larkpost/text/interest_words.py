"""The words of an interest: limits of number and length, and normalisation."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from larkpost.errors import UsageError
from larkpost.text.normalize import one_line

MOST_INTERESTS = 10
MOST_WORDS = 50
LONGEST_WORDS = 100  # characters of one phrase
# The limit before cleaning: empty lines, repetitions and white space do not count above.
MOST_TYPED = 500
LONGEST_TYPED = 1_000
LONGEST_INTEREST = 40


def tidy(words: Iterable[str]) -> tuple[str, ...]:
    """Normalise interest words: trimmed, none empty, none twice.

    Raises UsageError for too many or too long words.
    """
    given = [word for word in islice(words, MOST_TYPED + 1) if word.strip()]
    if len(given) > MOST_TYPED or max(map(len, given), default=0) > LONGEST_TYPED:
        raise _too_many_words()
    kept = tuple(dict.fromkeys(phrase for word in given if (phrase := one_line(word).strip())))
    if len(kept) > MOST_WORDS or max(map(len, kept), default=0) > LONGEST_WORDS:
        raise _too_many_words()
    return kept


def _too_many_words() -> UsageError:
    return UsageError(
        f"at most {MOST_WORDS} interest words, each of {LONGEST_WORDS} characters or fewer",
        hint="a few words that name a field are best; thumbs teach the rest",
    )
