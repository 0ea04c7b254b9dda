"""Prepares records for matching: their lookup keys, valid dates and links, no list too long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from larkpost.db.matching.unverified_records import is_withdrawal, limit_names, limit_unverified
from larkpost.domain import Identifier, PaperRecord
from larkpost.replace_fields import replace_fields
from larkpost.text.identifiers import find_identifier
from larkpost.text.minhash import source_name, text_marks
from larkpost.text.normalize import shorten
from larkpost.text.record_limits import KEYWORDS, MOST_VERSIONS, limit_lists
from larkpost.text.unverified import is_unverified
from larkpost.text.urls import is_web_address

_LONGEST_ORGANISATION = 200  # characters
_LONGEST_COMMENT = 1_000
_LONGEST_JOURNAL = 500


@dataclass(frozen=True, slots=True)
class PaperQuery:
    """A draft with all its lookup keys; ``names`` are its identifiers, best first."""

    draft: PaperRecord
    names: tuple[Identifier, ...]
    key: str
    numbers: frozenset[int]

    @property
    def text_name(self) -> Identifier:
        """The identifier made from title and abstract."""
        return self.names[-1]

    @property
    def is_unverified(self) -> bool:
        """Whether its source is no authority; one whose title is verified may have other texts."""
        return is_unverified(self.draft)

    @property
    def all_names(self) -> tuple[Identifier, ...]:
        """Its identifiers, and for an unverified record one of its text and source, the last.

        A paper gets that one if all others are those of papers which another feed put texts under.
        """
        if not self.is_unverified:
            return self.names
        return (*self.names, source_name(self.text_name, self.draft.text_source))


def make_query(draft: PaperRecord, now: datetime) -> PaperQuery:
    """Prepare a draft: no date is after ``now``, every link is valid, and no list is too long."""
    draft, _ = limit_lists(draft)
    if draft.version and draft.version > MOST_VERSIONS:
        draft = replace(draft, version=None)
    if is_unverified(draft):
        draft = limit_unverified(draft, now)
    draft = replace_fields(
        draft,
        url=draft.url if draft.url and is_web_address(draft.url) else None,
        links=tuple(filter(is_web_address, draft.links)),
        organisation=_shorten_or_none(draft.organisation, _LONGEST_ORGANISATION),
        keywords=tuple(filter(None, (shorten(w, KEYWORDS.longest) for w in draft.keywords))),
        comment=_shorten_or_none(draft.comment, _LONGEST_COMMENT),
        journal_ref=_shorten_or_none(draft.journal_ref, _LONGEST_JOURNAL),
        thumbnail=draft.thumbnail if draft.thumbnail and is_web_address(draft.thumbnail) else None,
        withdrawn=is_withdrawal(draft),
        first_seen=min(draft.first_seen or now, now),
        ingested_at=min(draft.ingested_at or now, now),
        updated=draft.updated and min(draft.updated, now),
        published=draft.published and min(draft.published, now.date()),
    )
    marks = text_marks(draft.title, draft.abstract)
    names = _names(draft, marks.name)
    if is_unverified(draft):
        names = limit_names(names, now)
    return PaperQuery(draft, names, marks.key, marks.numbers)


def _shorten_or_none(text: str | None, most: int) -> str | None:
    return (shorten(text, most) or None) if text else None


def _names(draft: PaperRecord, text: Identifier) -> tuple[Identifier, ...]:
    """Collect the identifiers of a draft: those given, one from its URL, one from its text."""
    names = dict.fromkeys(draft.identifiers)
    linked = find_identifier(draft.url) if draft.url else None
    if linked and all(name.scheme != linked.scheme for name in names):
        names[linked] = None
    names.pop(text, None)  # an export uses it as the id of a paper without another identifier
    return (*names, text)
