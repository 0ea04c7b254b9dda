"""Reads JSON Feed, versions 1 and 1.1 (jsonfeed.org/version/1.1): each item is a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, BinaryIO, ClassVar

from larkpost.domain import IngestWarning, Record, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.feeds.any_feed import entry_paper
from larkpost.formats.feeds.entry_fields import cut_text, make_title
from larkpost.formats.feeds.feed_dates import parse_day, parse_moment
from larkpost.formats.feeds.html_text import html_text
from larkpost.formats.json_fields import records_of
from larkpost.formats.json_items import JsonItem, items_from, json_head, read_json
from larkpost.text.paper_names import paper_names
from larkpost.text.urls import is_web_address

_VERSION = re.compile(r'(?<!\\)"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\b')
_ITEMS = re.compile(r'(?<!\\)"items"\s*:\s*\[')
_NO_ITEMS = "the feed has no items: 0 papers"
_HINT = "an item needs a title or a text"


class JsonFeed:
    """A feed as one JSON object."""

    name: ClassVar[str] = "json-feed"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Recognise the feed by its version, which is required."""
        text = json_head(head)
        return text.startswith("{") and _VERSION.search(text) is not None

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield one record per item; raises UnreadableDump if no item is usable."""
        yield from records_of(_items(dump), entry_paper, hint=_HINT, empty=_NO_ITEMS)


def _items(dump: BinaryIO) -> Iterator[JsonItem | RejectedRecord | IngestWarning]:
    text = read_json(dump)
    listed = _ITEMS.search(text)
    if listed is None:
        raise UnreadableDump("the feed has no list of items", hint="was it cut off? fetch it again")
    at = listed.end() - 1
    for item in items_from(text, at):
        if isinstance(item, JsonItem) and isinstance(item.value, dict):
            yield JsonItem(item.line, _fields(item.value), item.text, item.place)
        else:
            yield item


def _fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """Read an item under the keys of JSON Lines."""
    body = item.get("content_html"), item.get("content_text"), item.get("summary")
    html, plain, summary = (one if isinstance(one, str) else "" for one in body)
    text = cut_text(max(html_text(html), plain, summary, key=len))
    told = _text(item, "date_published") or _text(item, "date_modified")
    day, moment = parse_day(told), parse_moment(told)
    links = [one for key in ("url", "external_url") if (one := _text(item, key))]
    names = paper_names([*links[:1], _text(item, "id"), _text(item, "doi")])
    attached = [_text(one, "url") for one in _dicts(item, "attachments")]
    authors = _dicts(item, "authors") or [item.get("author") or {}]
    given = dict.fromkeys((*links, _text(item, "id"), *attached))
    web = [one for one in given if is_web_address(one)]
    picture = _text(item, "image") or _text(item, "banner_image")
    tags = item.get("tags")
    return {
        "title": _text(item, "title") or make_title(text),
        "abstract": text,
        "also": [str(name) for name in names],
        "authors": [name for one in authors if (name := _text(one, "name"))],
        "keywords": [one for one in tags if isinstance(one, str)] if isinstance(tags, list) else [],
        "published": day.isoformat() if day else None,
        "first_seen": moment.isoformat() if moment else None,
        "url": web[0] if web else None,
        "links": web[1:],
        "thumbnail": picture if is_web_address(picture) else None,
    }


def _text(given: object, key: str) -> str:
    value = given.get(key) if isinstance(given, dict) else None
    return value.strip() if isinstance(value, str) else ""


def _dicts(item: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = item.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
