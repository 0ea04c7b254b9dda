"""A record of the exchange format, of any version, under the current field names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from larkpost.formats.export_format import CURRENT, export_format

READER_KEYS = frozenset(
    [
        "kind",
        "format",
        "reader",
        "number",
        "uid",
        "name",
        "status",
        "zone",
        "send_time",
        "weekdays",
        "papers_per_edition",
        "interests",
        "threshold",
        "weekly",
        "notify_when_empty",
        "paused_until",
        "feed_key",
        "page_link_version",
        "offer_declined",
        "created",
        "expires",
        "last_used",
        "counted",
        "editions",
        "private_papers",
    ]
)
VOTE_KEYS = frozenset(["kind", "format", "reader", "paper", "thumb", "at", "source", "interest"])
DECISION_KEYS = frozenset(["kind", "format", "same", "parts", "at"])
SOURCE_KEYS = frozenset(
    [
        "kind",
        "format",
        "name",
        "address",
        "interval_minutes",
        "allow_private",
        "authority",
        "added_at",
    ]
)
KNOWN_KEYS = {
    "reader": READER_KEYS,
    "vote": VOTE_KEYS,
    "decision": DECISION_KEYS,
    "source": SOURCE_KEYS,
}

# The field names of the first format per kind of record, by current name. Its
# "interests" are the words of the main interest alone, and its "themes" are all interests.
FIRST_NAMES: Mapping[str, Mapping[str, str]] = {
    "reader": {
        "send_time": "at",
        "weekdays": "days",
        "papers_per_edition": "size",
        "interests": "themes",
        "main_words": "interests",
        "notify_when_empty": "quiet_mail",
        "page_link_version": "relinked",
    },
    "editions": {"catch_up_from": "since", "candidate_count": "considered"},
    "picks": {
        "positive_terms": "because",
        "negative_terms": "against",
        "similar_paper": "like",
        "similarity": "likeness",
        "shown_terms": "terms",
    },
    "vote": {"source": "via"},
}


class ExchangeRecord(dict[str, Any]):
    """The fields of a record, and of the records within it, by their current names.

    ``kind`` is "reader" or "vote", or the field that contains the record in its outer record.
    """

    def __init__(self, kind: str, fields: Mapping[str, Any], form: int) -> None:
        self.kind = kind
        self.format = form
        self._first_names = FIRST_NAMES.get(kind, {}) if form < CURRENT else {}
        self._keys = frozenset(fields)
        if not self._first_names:
            super().__init__(fields)
            return
        today = {first: name for name, first in self._first_names.items()}
        super().__init__(
            (today.get(key, key), value)
            for key, value in fields.items()
            if key in today or key not in self._first_names
        )

    def spelling(self, key: str) -> str:
        """Return the name of a field in the file."""
        return self._first_names.get(key, key)

    def within(self, key: str, fields: Mapping[str, Any]) -> ExchangeRecord:
        """Read the record in the field ``key`` of this one."""
        return ExchangeRecord(key, fields, self.format)

    def unknown_keys(self) -> set[str]:
        """Return the unknown keys, as the file spells them."""
        if not self._first_names:
            return {*self._keys - KNOWN_KEYS[self.kind]}
        known = KNOWN_KEYS[self.kind] | self._first_names.keys()
        return {*self._keys - {self.spelling(key) for key in known}}

    def __missing__(self, key: str) -> Any:
        raise KeyError(self.spelling(key))


def read_record(kind: str, line: Mapping[str, Any]) -> ExchangeRecord:
    """Read a line of any file of an export except the papers.

    Raises UsageError for a format that this program does not know.
    """
    if isinstance(line, ExchangeRecord):
        return line
    return ExchangeRecord(kind, line, export_format(line))
