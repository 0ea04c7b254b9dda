"""Reads metadata files: arXiv's snapshot, answers of its API, or our own JSON.

The snapshot has one object per line with ``id``, ``title``, ``abstract``, ``authors_parsed``,
``categories``, ``doi`` and ``versions``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from larkpost.domain import Identifier, IngestWarning, PaperRecord, RejectedRecord
from larkpost.formats import huggingface_api, jsonl
from larkpost.formats.json_fields import BadRecordError, JsonFields
from larkpost.formats.json_items import JsonItem, json_items
from larkpost.text.identifiers import find_identifier, identifier_url
from larkpost.text.mail_dates import read_mail_date
from larkpost.text.normalize import squash
from larkpost.text.record_limits import AUTHORS, CATEGORIES

_ARXIV_KEYS = frozenset(("authors_parsed", "versions", "update_date", "submitter"))
_API_KEYS = frozenset(("paper", "publishedAt", "submittedOnDailyAt", "discussionId"))
_BRACKETS = re.compile(r"\([^()]*\)")  # affiliations in a text with all authors
# White space is matched from the start of a run, or a long run would take quadratic time.
_BETWEEN_AUTHORS = re.compile(r"(?:(?<!\s)\s+)?(?:,|;|\band\b)\s*")


@dataclass(frozen=True, slots=True)
class MetadataRecord:
    """A partly read record, enough to know whether it may match a stored paper.

    ``abstract`` still has its markup. ``read`` parses the rest.
    """

    title: str
    abstract: str
    names: tuple[Identifier, ...]
    item: JsonItem
    fields: JsonFields
    draft: PaperRecord | None = None

    def read(self) -> PaperRecord | RejectedRecord:
        """Parse the whole record, or return why it is rejected."""
        try:
            return self.draft or _arxiv_draft(self.fields)
        except BadRecordError as bad:
            return _reject(self.item, bad)


def read_metadata(stream: BinaryIO) -> Iterator[MetadataRecord | RejectedRecord | IngestWarning]:
    """Yield one record per object, one in memory at a time; the stream is never rewound.

    An answer of the API in one list may have 16 MiB; raises UnreadableDump for a larger one.
    """
    for item in json_items(stream):
        yield _record(item) if isinstance(item, JsonItem) else item


def _record(item: JsonItem) -> MetadataRecord | RejectedRecord:
    try:
        if not isinstance(item.value, dict):
            raise BadRecordError("this is not a JSON object")  # noqa: TRY301 - one place that rejects
        fields = JsonFields(item.value, item.line)
        if _is_arxiv(item.value):
            abstract = item.value.get("abstract")
            text = abstract if isinstance(abstract, str) else ""
            return MetadataRecord(fields.title(), text, _names(fields), item, fields)
        is_api = not _API_KEYS.isdisjoint(item.value)
        draft = huggingface_api.draft_of(fields) if is_api else jsonl.draft_of(fields)
    except BadRecordError as bad:
        return _reject(item, bad)
    return MetadataRecord(draft.title, draft.abstract, draft.identifiers, item, fields, draft)


def _reject(item: JsonItem, bad: BadRecordError) -> RejectedRecord:
    return RejectedRecord(item.line, f"{item.place}{bad}", item.text)


def _is_arxiv(given: Mapping[str, Any]) -> bool:
    if "uid" in given or not _API_KEYS.isdisjoint(given):
        return False
    written = any(isinstance(given.get(key), str) for key in ("authors", "categories"))
    return written or not _ARXIV_KEYS.isdisjoint(given)


def _names(fields: JsonFields) -> tuple[Identifier, ...]:
    """Read the arXiv id, which is required, and the DOIs, which are typed by people."""
    arxiv = fields.identifier("id")
    if not arxiv or arxiv[0].scheme != "arxiv":
        raise BadRecordError("it has no arXiv id")
    dois = fields.given.get("doi")
    return (*arxiv, *_dois(dois)) if isinstance(dois, str) else arxiv


def _dois(text: str) -> Iterator[Identifier]:
    for word in text.split():
        name = find_identifier(word.rstrip(";,"))
        if name and name.scheme == "doi":
            yield name


def _arxiv_draft(fields: JsonFields) -> PaperRecord:
    names = _names(fields)
    abstract, _ = fields.abstract("abstract")
    return PaperRecord(
        title=fields.title(),
        abstract=abstract,
        identifiers=names,
        authors=_authors(fields),
        categories=_categories(fields),
        published=_first_version(fields),
        url=identifier_url(names[0]),
        line=fields.line,
    )


def _authors(fields: JsonFields) -> tuple[str, ...]:
    """Read ``[["Balázs", "C.", ""], …]``: family name, first names, suffix; else the text."""
    parsed, text = fields.given.get("authors_parsed"), fields.given.get("authors")
    if isinstance(parsed, list) and parsed:
        named = (_author(fields, one) for one in parsed[: AUTHORS.most])
        return tuple(name for name in named if name)
    if not isinstance(text, str):
        return fields.words("authors")
    plain = _BRACKETS.sub("", _BRACKETS.sub("", squash(fields.clean(text))))
    return tuple(name for name in _BETWEEN_AUTHORS.split(plain)[: AUTHORS.most] if name)


def _author(fields: JsonFields, parts: object) -> str:
    if not isinstance(parts, list):
        return ""
    family, first, suffix = ([one for one in parts if isinstance(one, str)] + [""] * 3)[:3]
    return squash(fields.clean(f"{first} {family} {suffix}"))


def _categories(fields: JsonFields) -> tuple[str, ...]:
    text = fields.given.get("categories")
    return tuple(text.split()) if isinstance(text, str) else fields.words("categories", CATEGORIES)


def _first_version(fields: JsonFields) -> date | None:
    """Read the day of the first version, not that of the last update."""
    versions = fields.given.get("versions")
    first = versions[0] if isinstance(versions, list) and versions else None
    created = first.get("created") if isinstance(first, dict) else None
    moment = read_mail_date(created) if isinstance(created, str) else None
    return moment.date() if moment else None
