"""Names what a paper has from a source that is no authority for papers: texts, and its link."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larkpost.domain import Paper, PaperRecord

SEVERAL_SOURCES = "several"  # in place of the source of a text


class Unverified(IntFlag):
    """Texts, and a link, from a polled feed or a mail, which replace none of an authority's.

    Authorities are the operator's own dumps, arXiv, Hugging Face, and the polled sources that the
    operator made one (``larkpost.fetch.authorities``).
    """

    NONE = 0
    TITLE = 1
    ABSTRACT = 2
    AUTHORS = 4
    RANKED = TITLE | ABSTRACT  # what the ranking reads
    TEXTS = RANKED | AUTHORS
    LINK = 8
    ALL = TEXTS | LINK

    @classmethod
    def of(cls, names: Iterable[str]) -> Unverified:
        """Return those of these names, as in exports; others are ignored.

        The link of an unverified title is unverified, too; exports from before 0032 do not say so.
        """
        found = cls.NONE
        for name in names:
            found |= cls.__members__.get(name.upper(), cls.NONE)
        return found | cls.LINK if cls.TITLE in found else found

    @property
    def names(self) -> list[str]:
        """The names of these, as in exports."""
        return [one.name.lower() for one in type(self) if one in self and one.name]


_TITLE = int(Unverified.TITLE)


def is_unverified(told: Paper | PaperRecord) -> bool:
    """Whether the title of a paper or record is unverified: no authority listed it."""
    # As plain numbers: flags are combined by several calls, and each record is asked six times.
    return bool(int(told.unverified) & _TITLE)


def own_source(paper: Paper) -> str | None:
    """Return the source of a paper's title or abstract, empty if unknown; None for an authority's.

    A feed may add the abstract that an authority's list lacks.
    """
    return paper.text_source if paper.unverified & Unverified.RANKED else None
