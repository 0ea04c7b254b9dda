"""Tests that every body is unpacked, whatever its compression and its chunks."""

from __future__ import annotations

import gzip
import io
import zlib
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from larkpost.fetch.unpack import spool

LIMIT = 1_000_000


def unpack(packed: bytes, encoding: str, *, step: int = 1000, limit: int = LIMIT) -> bytes:
    chunks = (packed[start : start + step] for start in range(0, len(packed), step))
    into = io.BytesIO()
    digest, size = spool(chunks, encoding, into, limit=limit)
    body = into.read()
    assert (digest, size) == (sha256(body).hexdigest(), len(body))
    return body


@given(st.binary(max_size=5000), st.integers(1, 900), st.integers(1, 400))
def test_every_encoding_gives_the_body_back(body: bytes, times: int, step: int) -> None:
    body *= times if len(body) < 1000 else 1
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    assert unpack(body, "", step=step) == body
    assert unpack(gzip.compress(body), "gzip", step=step) == body
    assert unpack(gzip.compress(body) + gzip.compress(body), "GZIP", step=step) == body * 2
    assert unpack(zlib.compress(body), "deflate", step=step) == body
    if body:
        assert unpack(raw.compress(body) + raw.flush(), "deflate", step=step) == body
