"""Classifies the answer of a source: papers, an empty list, or a different format."""

from __future__ import annotations

import json
import re
from typing import BinaryIO

from larkpost.errors import FetchProblem, SourceFailure
from larkpost.settings.polled_sources import PolledSource, SourceKind

_HEAD = 64 * 1024
_CHUNK = 1024 * 1024
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_WEB_PAGE = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_FEED = re.compile(rb"<(?:\w{1,20}:)?(?:rss|feed|rdf)[\s>]", re.IGNORECASE)
_ENTRY = re.compile(rb"<(?:\w{1,20}:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_FEED_LINK = re.compile(
    rb"<link\b[^>]{0,500}type=[\"']?application/(?:rss|atom)\+xml[^>]{0,500}>", re.IGNORECASE
)
_HREF = re.compile(rb"href=[\"']?([^\"'\s>]{1,500})", re.IGNORECASE)
_LOOK_AGAIN = "open its address in a browser; it is polled again, in case this is temporary"


def is_empty_list(source: PolledSource, body: BinaryIO) -> bool:
    """Return whether an answer is a list or a feed without any paper; rewinds it.

    Raises SourceFailure for any other answer: an empty one, a web page instead of JSON or a feed,
    an error instead of a list.
    """
    body.seek(0)
    head = body.read(_HEAD).removeprefix(_BOM).lstrip(_SPACE)
    try:
        if not head:
            raise _changed("the answer is empty")
        if source.kind in (SourceKind.HF_DAILY, SourceKind.HF_TRENDING):
            return _is_empty_json(body, head)
        if source.kind is SourceKind.ARXIV and not _FEED.search(head):
            raise _changed(f"the answer is {_what_it_is(head)}, not a feed")
        if _is_web_page(head):
            raise _changed("the answer is a web page, not a feed", _feed_of_page(head))
        if head.startswith((b"[", b"{")):
            return head.startswith(b"[") and head[1:].lstrip(_SPACE).startswith(b"]")
        return _FEED.search(head) is not None and not _has_entries(body)
    finally:
        body.seek(0)


def _is_empty_json(body: BinaryIO, head: bytes) -> bool:
    if not head.startswith((b"[", b"{")):
        raise _changed(f"the answer is {_what_it_is(head)}, not JSON")
    body.seek(0)
    try:
        given = json.loads(body.read())
    except (ValueError, RecursionError) as error:
        raise SourceFailure(
            "the answer is not complete JSON",
            problem=FetchProblem.CUT,
            hint="it may have been cut off; the source is polled again",
        ) from error
    if isinstance(given, dict) and "error" in given:
        raise _changed(f"the answer is an error: {str(given['error'])[:200]}")
    if not isinstance(given, list):
        raise _changed("the answer is not a list of papers")
    return not given


def _has_entries(body: BinaryIO) -> bool:
    body.seek(0)
    end = b""
    while chunk := body.read(_CHUNK):
        if _ENTRY.search(end + chunk):
            return True
        end = chunk[-40:]
    return False


def _is_web_page(head: bytes) -> bool:
    return _WEB_PAGE.search(head[:2000]) is not None and _FEED.search(head[:2000]) is None


def _what_it_is(head: bytes) -> str:
    if _is_web_page(head):
        return "a web page"
    return "a feed" if _FEED.search(head) else "something else"


def _feed_of_page(head: bytes) -> str:
    """Return the address of the feed that a web page links as its own, if any."""
    link = _FEED_LINK.search(head)
    href = _HREF.search(link[0]) if link else None
    if href is None:
        return _LOOK_AGAIN
    return f"the page has a feed: {href[1].decode('utf-8', 'replace')}"


def _changed(text: str, hint: str = _LOOK_AGAIN) -> SourceFailure:
    return SourceFailure(text, problem=FetchProblem.SHAPE, hint=hint)
