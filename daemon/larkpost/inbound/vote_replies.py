"""Parses votes in the reply to a newsletter: ``3 + 5 -``; pure."""

from __future__ import annotations

import re
from itertools import takewhile

from larkpost.domain import Thumb

_SIGN = "[+\N{THUMBS UP SIGN}]|[-\N{HYPHEN}\N{EN DASH}\N{MINUS SIGN}\N{THUMBS DOWN SIGN}]"
_SKIN = (
    "[\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}-\N{EMOJI MODIFIER FITZPATRICK TYPE-6}\ufe0e\ufe0f]?"
)
_NUMBER = r"#?(\d{1,3})\.?"
# A line counts as a whole or not at all: "+3 -5" must not become "3 -".
_BEHIND = re.compile(rf"{_NUMBER}\s*({_SIGN}){_SKIN}[\s,;]*")
_BEFORE = re.compile(rf"({_SIGN}){_SKIN}\s*{_NUMBER}[\s,;]*")
_UP = frozenset("+\N{THUMBS UP SIGN}")
_QUOTE = re.compile(r"\s*(?:>|--\s*$|_{5,}|-{3,}|On .*(?:wrote|,)|Am .*(?:schrieb|,)|From: )")
_LONGEST_LINE = 400


def votes_in(text: str) -> dict[int, Thumb]:
    """Read thumbs by position, from lines above the quotation that hold nothing else.

    The sign may be before or after the number; of two for one position the last counts.
    """
    own = takewhile(lambda line: not _QUOTE.match(line), text.splitlines())
    found: dict[int, Thumb] = {}
    for line in own:
        found |= _of_line(line.strip()[: _LONGEST_LINE + 1])
    return found


def _of_line(line: str) -> dict[int, Thumb]:
    if len(line) > _LONGEST_LINE:
        return {}
    for pattern, number, sign in ((_BEHIND, 0, 1), (_BEFORE, 1, 0)):
        pairs, rest = [], line
        while match := pattern.match(rest):
            pairs.append(match.groups())
            rest = rest[match.end() :]
        if pairs and not rest:
            return {
                int(pair[number]): Thumb.UP if pair[sign] in _UP else Thumb.DOWN for pair in pairs
            }
    return {}
