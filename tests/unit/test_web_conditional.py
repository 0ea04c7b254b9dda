"""Which visits are answered with 304 (RFC 9110 section 13)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from larkpost.web.conditional import etag_of, unchanged

ETAG = '"abc"'
MODIFIED = datetime(2026, 8, 7, 10, 0, 0, 999_999, tzinfo=UTC)
SAME = "Fri, 07 Aug 2026 10:00:00 GMT"
LATER = "Fri, 07 Aug 2026 10:00:01 GMT"
EARLIER = "Fri, 07 Aug 2026 09:59:59 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, False, id="first visit"),
        pytest.param({"if-none-match": '"abc"'}, True, id="the same tag"),
        pytest.param({"if-none-match": 'W/"abc"'}, True, id="compared weakly"),
        pytest.param({"if-none-match": '"x", W/"abc" , "y"'}, True, id="in a list"),
        pytest.param({"if-none-match": '"x","abc"'}, True, id="in a list without spaces"),
        pytest.param({"if-none-match": "*"}, True, id="any tag"),
        pytest.param({"if-none-match": '"abcd"'}, False, id="another tag"),
        pytest.param({"if-none-match": "abc"}, False, id="no quotes, no tag"),
        pytest.param({"if-none-match": '"x,abc"'}, False, id="within another tag"),
        pytest.param({"if-none-match": ""}, False, id="empty list"),
        pytest.param({"if-modified-since": SAME}, True, id="the same second"),
        pytest.param({"if-modified-since": LATER}, True, id="a later date"),
        pytest.param({"if-modified-since": EARLIER}, False, id="an earlier date"),
        pytest.param({"if-modified-since": "yesterday"}, False, id="no date"),
        pytest.param({"if-modified-since": "Fri, 07 Aug 2026 99:99:99 GMT"}, False, id="no hour"),
        pytest.param({"if-modified-since": ""}, False, id="empty date"),
        pytest.param({"if-modified-since": "Fri, 07 Aug 2026 10:00:00 -0000"}, False, id="no zone"),
        pytest.param(
            {"if-none-match": '"old"', "if-modified-since": LATER}, False, id="the tag wins"
        ),
    ],
)
def test_a_visitor_who_has_it_is_told_so(headers: dict[str, str], expected: bool) -> None:
    assert unchanged(headers, ETAG, MODIFIED) is expected


def test_a_tag_is_strong_and_says_which_bytes() -> None:
    assert etag_of(b"one") == etag_of(b"one")
    assert etag_of(b"one") != etag_of(b"two")
    assert etag_of(b"").startswith('"')
