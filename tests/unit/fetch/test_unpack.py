"""Tests unpacking a response: correct, within limits, and complete."""

from __future__ import annotations

import gzip
import io
import zlib
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from larkpost.errors import FetchProblem, SourceFailure
from larkpost.fetch.unpack import spool

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1_000_000


def unpack(packed: bytes, encoding: str, *, step: int = 1000, limit: int = LIMIT) -> bytes:
    chunks = (packed[start : start + step] for start in range(0, len(packed), step))
    into = io.BytesIO()
    digest, size = spool(chunks, encoding, into, limit=limit)
    body = into.read()
    assert (digest, size) == (sha256(body).hexdigest(), len(body))
    return body


def test_what_unpacks_to_ten_gigabytes_ends_at_the_limit() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    fed = 0

    def chunks() -> Iterator[bytes]:
        nonlocal fed
        for _ in range(10_000):
            fed += 1
            yield packer.compress(bytes(1_000_000))

    with pytest.raises(SourceFailure, match="larger than 1 MB") as caught:
        spool(chunks(), "gzip", io.BytesIO(), limit=LIMIT)

    assert caught.value.problem is FetchProblem.TOO_LARGE
    assert fed < 100


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    body = bytes(1000)

    assert unpack(gzip.compress(body), "gzip", limit=1000) == body
    with pytest.raises(SourceFailure):
        unpack(gzip.compress(body + b"x"), "gzip", limit=1000)


@pytest.mark.parametrize("cut", [1, 5, 12, 300])
def test_a_packed_body_that_is_cut_off_is_refused(cut: int) -> None:
    packed = gzip.compress(bytes(range(256)) * 40)

    with pytest.raises(SourceFailure) as caught:
        unpack(packed[:-cut], "gzip")

    assert caught.value.problem is FetchProblem.CUT


def test_what_is_not_packed_as_it_says_is_refused() -> None:
    for encoding, problem in (("gzip", FetchProblem.CUT), ("br", FetchProblem.SHAPE)):
        with pytest.raises(SourceFailure) as caught:
            unpack(b"plain text", encoding)
        assert caught.value.problem is problem
