"""The JSON forms of results that contain more than a record of an export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larkpost.portability.records import moment, name_of, reader_line

if TYPE_CHECKING:
    from larkpost.domain import Reader
    from larkpost.editions.publish import PublishResult
    from larkpost.urls import UrlBuilder


def of_reader(reader: Reader, links: UrlBuilder) -> dict[str, Any]:
    """Return a reader in the form of ``import --readers``, with more data for the operator."""
    return {
        **reader_line(reader),
        "next_edition": moment(reader.next_slot) if reader.next_slot else None,
        "created": moment(reader.created),
        "feed": links.feed(reader, "rss") if reader.feed_key else None,
    }


def of_result(result: PublishResult) -> dict[str, Any]:
    """Return an edition's result: its reader, its day, the names of its papers in order."""
    edition = result.edition
    return {
        "reader": name_of(result.request.reader),
        "date": result.request.day.isoformat(),
        "outcome": str(result.outcome),
        "published": moment(edition.published_at) if edition else None,
        "papers": [str(pick.paper.identifier) for pick in edition.picks] if edition else [],
        "candidate_count": edition.candidate_count if edition else 0,
    }
