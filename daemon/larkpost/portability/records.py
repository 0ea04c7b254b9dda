"""The JSON records of papers, readers and votes: the exchange format."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from larkpost.domain import (
    Bounce,
    Delivery,
    Edition,
    Interest,
    Paper,
    Pick,
    Reader,
    TermWeight,
    Vote,
)
from larkpost.formats.export_format import CURRENT
from larkpost.settings import day_names
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.matching.match_decisions import MatchDecision
    from larkpost.db.polling.polled_sources import SourceState


def paper_line(paper: Paper) -> dict[str, Any]:
    """Return a paper as its line in ``papers.jsonl``."""
    return {
        "format": CURRENT,
        "id": str(paper.identifier),
        "uid": paper.uid,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": list(paper.authors),
        "categories": list(paper.categories),
        "published": paper.published and paper.published.isoformat(),
        "first_seen": moment(paper.first_seen),
        "ingested_at": moment(paper.ingested_at),
        "updated": moment(paper.updated),
        "url": paper.url,
        "upvotes": paper.upvotes,
        "organisation": paper.organisation,
        "links": list(paper.links),
        "withdrawn": paper.withdrawn,
        "version": paper.version,
        "keywords": list(paper.keywords),
        "comment": paper.comment,
        "journal_ref": paper.journal_ref,
        "thumbnail": paper.thumbnail,
        "unverified": Unverified(paper.unverified).names,
        "text_source": paper.text_source or None,
    }


def _interest_record(one: Interest) -> dict[str, Any]:
    return {"name": one.name, "words": list(one.words), "quota": one.quota}


def reader_line(reader: Reader) -> dict[str, Any]:
    """Return a reader as in ``readers.jsonl``, without editions."""
    return {
        "format": CURRENT,
        "reader": name_of(reader),
        "uid": reader.uid,
        "name": reader.name,
        "status": str(reader.status),
        "zone": reader.zone,
        "send_time": reader.send_time.strftime("%H:%M"),
        "weekdays": day_names(reader.weekdays),
        "papers_per_edition": reader.papers_per_edition,
        "interests": list(map(_interest_record, reader.interests)),
        "threshold": reader.threshold,
        "weekly": reader.weekly,
        "notify_when_empty": reader.notify_when_empty,
        "page_link_version": reader.page_link_version,
        "offer_declined": reader.offer_declined and moment(reader.offer_declined),
        "paused_until": reader.paused_until and reader.paused_until.isoformat(),
    }


def edition_line(edition: Edition) -> dict[str, Any]:
    """Return an edition as in the ``editions`` of a reader's line."""
    return {
        "number": edition.id,
        "date": edition.date.isoformat(),
        "published_at": moment(edition.published_at),
        "catch_up_from": edition.catch_up_from and edition.catch_up_from.isoformat(),
        "note": edition.note,
        "candidate_count": edition.candidate_count,
        "picks": [_pick(pick) for pick in edition.picks],
    }


def vote_line(vote: Vote, reader: Reader, paper: str) -> dict[str, Any]:
    """Return a vote as its line in ``votes.jsonl``."""
    names = {interest.id: interest.name for interest in reader.interests}
    return {
        "format": CURRENT,
        "reader": name_of(reader),
        "paper": paper,
        "thumb": int(vote.thumb),
        "at": moment(vote.at),
        "source": vote.source,
        "interest": names.get(vote.interest_id or 0),
    }


def decision_line(decision: MatchDecision) -> dict[str, Any]:
    """Return a decision as its line in ``decisions.jsonl``."""
    return {
        "format": CURRENT,
        "same": decision.same,
        "parts": [[str(name) for name in names] for names in decision.parts],
        "at": moment(decision.at),
    }


def source_line(state: SourceState) -> dict[str, Any]:
    """Return a polled source as its line in ``sources.jsonl``, without the results of polls."""
    source = state.source
    return {
        "format": CURRENT,
        "name": source.name,
        "address": source.address,
        "interval_minutes": source.interval_minutes,
        "allow_private": source.allow_private,
        "authority": source.authority,
        "added_at": moment(state.added_at),
    }


def delivery_line(delivery: Delivery, reader: Reader) -> dict[str, Any]:
    """Return the delivery of a day's edition, as in a reader's own export."""
    return {
        "reader": name_of(reader),
        "date": delivery.day.isoformat(),
        "state": str(delivery.state),
        "attempts": delivery.attempts,
        "message_id": delivery.message_id,
        "next_attempt_at": moment(delivery.next_attempt_at),
        "sent_at": delivery.sent_at and moment(delivery.sent_at),
        "last_response": delivery.last_response,
    }


def bounce_line(bounce: Bounce, reader: Reader) -> dict[str, Any]:
    """Return a bounce, as in a reader's own export."""
    return {
        "reader": name_of(reader),
        "at": moment(bounce.at),
        "bounce": str(bounce.kind),
        "code": bounce.code,
        "text": bounce.text,
    }


def ranking_line(pick: Pick, reader: Reader) -> dict[str, Any]:
    """Return a pick as ``rank --json`` prints it; an unknown probability is None."""
    return {"reader": name_of(reader)} | _pick(pick) | {"probability": pick.shown_probability}


def explanation_line(pick: Pick, reader: Reader) -> dict[str, Any]:
    """Return a pick as ``explain --json`` prints it, with unlisted terms' score and the bias."""
    rest = {"others": pick.others, "bias": pick.bias}
    nearest = pick.nearest and str(pick.nearest.identifier)
    return ranking_line(pick, reader) | rest | {"nearest": nearest}


def name_of(reader: Reader) -> str:
    """Return the name of a reader in the exchange format: the address, else the uid."""
    return reader.address or reader.uid


def moment(at: datetime) -> str:
    """Format a time as RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _pick(pick: Pick) -> dict[str, Any]:
    return {
        "paper": str(pick.paper.identifier),
        "title": pick.paper.title,
        "position": pick.position,
        "score": pick.score,
        "probability": pick.probability,
        "positive_terms": [_weight(weight) for weight in pick.positive_terms],
        "negative_terms": [_weight(weight) for weight in pick.negative_terms],
        "similar_paper": pick.similar_paper and str(pick.similar_paper.identifier),
        "similarity": pick.similarity,
        "shown_terms": None if pick.shown_terms is None else list(pick.shown_terms),
        "interest": pick.interest,
        "explored": pick.explored,
        "propensity": pick.propensity,
        "pool": pick.pool,
    }


def _weight(weight: TermWeight) -> dict[str, Any]:
    return {"term": weight.term, "weight": weight.weight}
