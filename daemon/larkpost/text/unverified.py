"""Names the texts of a paper that come from a source that is no authority for papers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larkpost.domain import Paper

SEVERAL_SOURCES = "several"  # in place of the source of a text


class Unverified(IntFlag):
    """Texts from a polled feed or a mail, which replace none of an authority's.

    Authorities are the operator's own dumps, arXiv and Hugging Face
    (``larkpost.fetch.authorities``).
    """

    NONE = 0
    TITLE = 1
    ABSTRACT = 2
    AUTHORS = 4
    RANKED = TITLE | ABSTRACT  # what the ranking reads
    ALL = 7

    @classmethod
    def of(cls, names: Iterable[str]) -> Unverified:
        """Return the texts of these names, as in exports; others are ignored."""
        found = cls.NONE
        for name in names:
            found |= cls.__members__.get(name.upper(), cls.NONE)
        return found

    @property
    def names(self) -> list[str]:
        """The names of these texts, as in exports."""
        return [text.name.lower() for text in type(self) if text in self and text.name]


def own_source(paper: Paper) -> str | None:
    """Return the source of a paper's title or abstract, empty if unknown; None for an authority's.

    A feed may add the abstract that an authority's list lacks.
    """
    return paper.text_source if paper.unverified & Unverified.RANKED else None
