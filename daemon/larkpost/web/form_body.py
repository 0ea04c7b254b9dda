"""Reads and parses the body of a form, within limits of bytes, time and character sets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.types import Message

    from larkpost.web.limits.byte_budget import Reservation
    from larkpost.web.limits.fair_queue import QueueSlot

LONGEST_TYPE = 500  # characters of Content-Type; a boundary has at most 70 (RFC 2046, 5.1.1)
# Browsers send the fields of a multipart form in the page's own character set, which is UTF-8, and
# name none (HTML, 4.10.21.7; RFC 7578, 4.6).
_CHARSETS = frozenset({b"", b"utf-8", b"utf8"})


def refuse_odd_charset(request: Request) -> None:
    """Raise HTTPException 400 if a form names another character set than UTF-8.

    Starlette decodes fields by any codec that a request names. Punycode takes quadratic time, while
    nothing else runs; and each unknown name is cached for ever. A long type is refused unread: one
    of 31,000 semicolons took 37 milliseconds of the event loop.
    """
    kind = request.headers.get("content-type", "")
    charset = parse_options_header(kind[:LONGEST_TYPE])[1].get(b"charset", b"")
    if len(kind) > LONGEST_TYPE or charset.strip().lower() not in _CHARSETS:
        raise HTTPException(400)


LARGEST_BODY = 64 * 1024  # of a form without a file or a list
BODY_SECONDS = 15.0
MOST_FIELDS = 200
LONGEST_LOOK = 1.0  # seconds that a thread waits for the event loop's answer


def _refuse_large(request: Request, largest: int) -> None:
    """Refuse a body by the length that it says it has, before any of it is read."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 18 or int(length) > largest):
        raise HTTPException(413)


async def read_body(request: Request, reservation: Reservation, largest: int) -> bytes:
    """Read the body of a form, urlencoded or multipart, in UTF-8, of at most ``largest`` bytes.

    They count in ``reservation``. Raises HTTPException 400, 408, 413, 503.
    """
    refuse_odd_charset(request)
    _refuse_large(request, largest)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                if len(body) + len(chunk) > largest:
                    raise HTTPException(413)
                reservation.grow(len(chunk))
                body += chunk
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)


def is_gone(request: Request) -> bool:
    """Return whether the client has closed the connection; for a handler, in its thread."""
    asked = asyncio.run_coroutine_threadsafe(request.is_disconnected(), request.state.loop)
    try:
        return asked.result(LONGEST_LOOK)
    except TimeoutError:  # the event loop is busy
        return False


async def parse_form(request: Request, body: bytes, turn: QueueSlot, *, files: int) -> FormData:
    """Parse a body, with at most so many ``files``; raises HTTPException 400.

    A large one is parsed in a thread, in the visitor's ``turn``: in the event loop it would delay
    everybody by a tenth of a second.
    """
    if len(body) <= LARGEST_BODY:
        return await _parse(request, body, files)
    return await run_in_threadpool(turn.run, _parse_large, request, body, files)


def _parse_large(request: Request, body: bytes, files: int) -> FormData:
    return asyncio.run(_parse(request, body, files))


async def _parse(request: Request, body: bytes, files: int) -> FormData:
    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return await Request(request.scope, replay).form(
        max_files=files, max_fields=MOST_FIELDS, max_part_size=max(len(body), LARGEST_BODY)
    )
