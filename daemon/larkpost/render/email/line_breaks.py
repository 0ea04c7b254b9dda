"""Lets words that are wider than a mail break, in mail programs that know no CSS for it."""

from __future__ import annotations

import re

# Outlook for Windows sets pages with Word, which knows neither overflow-wrap nor a fixed table
# layout that holds: there a long word widens the letter unless a zero-width space lets it break.
# Words of scripts whose letters join, or that break anywhere, are left alone, as are addresses.
LONGEST = 40  # characters that every letter has room for
STEP = 20
_LONG_WORD = re.compile(rf"(?<!\S)(?!https?:)[!-~¡-ɏ]{{{LONGEST + 1},}}")
_PIECE = re.compile(rf".{{{STEP}}}(?=.)")


def breakable(text: str) -> str:
    """Put a zero-width space after every 20 characters of a word of more than 40."""
    if len(text) <= LONGEST:
        return text
    return _LONG_WORD.sub(lambda word: _PIECE.sub("\\g<0>\u200b", word[0]), text)
