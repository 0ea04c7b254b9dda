"""Writes JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larkpost.render.feeds.channel import Channel
    from larkpost.render.feeds.entries import FeedEntry

VERSION = "https://jsonfeed.org/version/1.1"


def document(channel: Channel, author: str, items: Iterable[bytes]) -> bytes:
    """Join items; a feed in several documents links to the previous one by ``next_url``."""
    related = dict(channel.related)
    before = related.get("next", related.get("prev-archive"))
    head = _json(
        {
            "version": VERSION,
            "title": channel.title,
            "home_page_url": channel.home,
            "feed_url": channel.itself,
            **({"next_url": before} if before else {}),
            "description": channel.description,
            "language": "en",
            "authors": [{"name": author}],
        }
    )
    return b'%s,"items":[\n%s\n]}\n' % (head[:-1], b",\n".join(items))


def item(entry: FeedEntry, content: str) -> bytes:
    """Write one entry; unknown values are left out."""
    told = {
        "id": entry.guid,
        "url": entry.link,
        "external_url": entry.facts.link,
        "title": entry.facts.title,
        "content_html": content,
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "authors": [{"name": name} for name in entry.facts.authors],
        "tags": list(entry.facts.categories),
        "language": "en",
    }
    return _json({name: value for name, value in told.items() if value})


def _json(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
