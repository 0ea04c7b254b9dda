"""Tests which requests get 304 (RFC 9110 section 13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.web.feeds.conditional import etag_of, is_unchanged, read_date

ETAG = '"abc"'
MODIFIED = datetime(2026, 8, 7, 10, 0, 0, 999_999, tzinfo=UTC)
NOW = MODIFIED + timedelta(hours=1)
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
        pytest.param({"if-none-match": '"abc-gzip"'}, True, id="packed by Apache"),
        pytest.param({"if-none-match": '"abc-gzip-gzip"'}, True, id="packed by Apache twice"),
        pytest.param({"if-none-match": '"abc-br"'}, True, id="packed by Apache's Brotli"),
        pytest.param({"if-none-match": '"abc--gzip"'}, True, id="packed by Jetty"),
        pytest.param({"if-none-match": '"abc;gzip"'}, True, id="packed, after a semicolon"),
        pytest.param({"if-none-match": '"abc;;;"'}, True, id="passed on by LiteSpeed"),
        pytest.param({"if-none-match": 'W/"abc-gzip"'}, True, id="packed, and weak"),
        pytest.param({"if-none-match": '"x", "abc-gzip", "y"'}, True, id="packed, in a list"),
        pytest.param({"if-none-match": '"abcd-gzip"'}, False, id="another tag, packed"),
        pytest.param({"if-none-match": '"abc-gzipped"'}, False, id="no packing that is known"),
        pytest.param({"if-none-match": '"-gzip"'}, False, id="nothing that is packed"),
        pytest.param({"if-none-match": " * "}, True, id="any tag, between spaces"),
        pytest.param({"if-none-match": "*", "if-modified-since": EARLIER}, True, id="any wins"),
        pytest.param({"if-modified-since": "Friday, 07-Aug-26 10:00:00 GMT"}, True, id="RFC 850"),
        pytest.param({"if-modified-since": "Fri Aug  7 10:00:00 2026"}, True, id="asctime"),
        pytest.param(
            {"if-modified-since": "Friday, 07-Aug-26 09:59:59 GMT"}, False, id="RFC 850, earlier"
        ),
        pytest.param(
            {"if-modified-since": "Fri Aug  7 09:59:59 2026"}, False, id="asctime, earlier"
        ),
        pytest.param({"if-modified-since": f"{SAME}, {SAME}"}, False, id="two dates"),
        pytest.param(
            {"if-modified-since": "Fri, 31 Dec 2027 23:59:59 GMT"}, False, id="a date to come"
        ),
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
        pytest.param({"if-none-match": f'{ETAG}, "old"' + " " * 3_900}, True, id="a long list"),
        pytest.param({"if-none-match": f'{ETAG}, "old"' + " " * 4_000}, False, id="too long"),
    ],
)
def test_a_visitor_who_has_it_is_told_so(headers: dict[str, str], expected: bool) -> None:
    assert is_unchanged(headers, ETAG, MODIFIED, NOW) is expected


def test_a_tag_is_strong_and_says_which_bytes() -> None:
    assert etag_of(b"one") == etag_of(b"one")
    assert etag_of(b"one") != etag_of(b"two")
    assert etag_of(b"").startswith('"')


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        # The three forms of one moment, as RFC 9110 section 5.6.7 has them.
        ("Sun, 06 Nov 1994 08:49:37 GMT", (1994, 11, 6, 8, 49, 37)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", (1994, 11, 6, 8, 49, 37)),
        ("Sun Nov  6 08:49:37 1994", (1994, 11, 6, 8, 49, 37)),
        ("Wed Nov 16 08:49:37 1994", (1994, 11, 16, 8, 49, 37)),
        # Two digits of a year are never more than 50 years in the future.
        ("Wednesday, 01-Jan-76 00:00:00 GMT", (2076, 1, 1, 0, 0, 0)),
        ("Saturday, 01-Jan-77 00:00:00 GMT", (1977, 1, 1, 0, 0, 0)),
        ("Saturday, 01-Jan-00 00:00:00 GMT", (2000, 1, 1, 0, 0, 0)),
        ("Tue, 30 Jun 2015 23:59:60 GMT", (2015, 7, 1, 0, 0, 0)),
    ],
)
def test_dates_are_read_in_all_three_forms(text: str, moment: tuple[int, ...]) -> None:
    year, month, day, hour, minute, second = moment
    expected = datetime(year, month, day, hour, minute, second, tzinfo=UTC)

    assert read_date(text, NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "1786096800",
        "2026-08-07T10:00:00Z",
        "Fri, 07 Aug 2026 10:00:00",
        "Fri, 07 Aug 2026 10:00:00 +0000",
        "Fri, 07 Aug 2026 10:00:00 CET",
        "Fri, 7 Aug 2026 10:00:00 GMT",
        "Fri, 07 August 2026 10:00:00 GMT",
        "Fri, 32 Aug 2026 10:00:00 GMT",
        "Fri, 00 Aug 2026 10:00:00 GMT",
        "Fri, 07 Aug 0000 10:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:60 GMT",
        "Fri, 07 Aug 2026 24:00:00 GMT",
        "Fri, 07 Aug 2026 10:00:61 GMT",
        "Fri, 07 Aug 2026 10:00:00 GMT; length=4",
        "Friday, 07-Aug-2026 10:00:00 GMT",
        "Fri Aug   10:00:00 2026",
        "Fri Aug 7 10:00:00 2026",
        "\u0661\u0662, 07 Aug 2026 10:00:00 GMT",
        "Fri, \u0660\u0667 Aug 2026 10:00:00 GMT",
    ],
)
def test_what_is_no_date_of_http_is_none(text: str) -> None:
    assert read_date(text, NOW) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_a_date(text: str) -> None:
    assert read_date(text, NOW) is None


@given(st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_every_date_is_read_as_it_was_written(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)

    for form in ("%a, %d %b %Y %H:%M:%S GMT", f"%a %b {whole.day:2} %H:%M:%S %Y"):
        assert read_date(whole.strftime(form), NOW) == whole
