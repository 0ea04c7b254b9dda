"""Reads lists of references as papers, but only on request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import BinaryIO, ClassVar

from larkpost.domain import Record, RejectedRecord
from larkpost.errors import UnreadableDump, UsageError
from larkpost.formats.decoding import LONGEST_REJECT, decode, read_whole
from larkpost.formats.file_types import is_reference_list
from larkpost.formats.references import read_references

_MOST = 20_000  # references


class ReferenceList:
    """BibTeX, RIS, CSL JSON and Zotero's exports: the collections of readers."""

    name: ClassVar[str] = "references"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Recognise the file by the same test that refuses it elsewhere."""
        return is_reference_list(head)

    def read(
        self,
        dump: BinaryIO,
        near: date,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield the papers that have a title; raises UnreadableDump if none has a title."""
        hint = "export a part of the library"
        content = read_whole(dump, "a list of references", hint=hint)
        try:
            drafts = read_references(decode(content), most=_MOST)
        except UsageError as error:
            raise UnreadableDump(str(error), hint=error.hint) from error
        if not any(draft.title for draft in drafts):
            raise UnreadableDump(
                "there is no title in it", hint="export the library as BibTeX, with abstracts"
            )
        for draft in drafts:
            name = str(next(iter(draft.identifiers), ""))[:LONGEST_REJECT]
            yield draft if draft.title else RejectedRecord(0, "it has no title", name)
