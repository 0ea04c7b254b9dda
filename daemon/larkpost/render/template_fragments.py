"""Fragments: text with named gaps, rendered once and filled for each reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# Noncharacters: `larkpost.text.clean` lets none through, so that no paper can open a gap.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_GAP = re.compile(f"{_OPEN}([a-z_]+){_CLOSE}")


def gap(name: str) -> str:
    """Mark a place in a template, to be filled later."""
    return f"{_OPEN}{name}{_CLOSE}"


@dataclass(frozen=True, slots=True)
class Fragment:
    """``pieces`` of finished text with ``gaps`` between them: one piece more than gaps."""

    pieces: tuple[bytes, ...]
    gaps: tuple[str, ...]

    def fill(self, values: Mapping[str, bytes]) -> list[bytes]:
        """Return the parts to join; values must be escaped and encoded for their context.

        Raises KeyError for a gap without a value.
        """
        parts = [self.pieces[0]]
        for name, piece in zip(self.gaps, self.pieces[1:], strict=True):
            parts += (values[name], piece)
        return parts


def partly(fragment: Fragment, values: Mapping[str, bytes]) -> Fragment:
    """Fill the gaps with given values, and leave the others open."""
    pieces, gaps = [fragment.pieces[0]], []
    for name, piece in zip(fragment.gaps, fragment.pieces[1:], strict=True):
        if name in values:
            pieces[-1] += values[name] + piece
        else:
            pieces.append(piece)
            gaps.append(name)
    return Fragment(tuple(pieces), tuple(gaps))


def cut(text: str, encode: Callable[[str], bytes] = str.encode) -> Fragment:
    """Cut rendered text at its gaps and encode the pieces."""
    found = _GAP.split(text)
    return Fragment(tuple(map(encode, found[::2])), tuple(found[1::2]))
