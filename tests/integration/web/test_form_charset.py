"""A form in a codec that no browser sends is refused before its fields are decoded."""

from __future__ import annotations

from encodings import _cache
from typing import TYPE_CHECKING

import pytest
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

HEAD = b'--b\r\nContent-Disposition: form-data; name="address"\r\n\r\n'


def send(here: Place, charset: str, field: bytes) -> int:
    kind = f"multipart/form-data; boundary=b; charset={charset}"
    body = HEAD + field + b"\r\n--b--\r\n"
    return here.client.post("/subscribe", content=body, headers={"content-type": kind}).status_code


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "utf-7", "unicode_escape", "us-ascii", '"zlib"', "x"]
)
def test_a_form_in_a_codec_that_no_browser_sends_is_refused(here: Place, charset: str) -> None:
    before = len(_cache)

    page = here.client.post(
        "/subscribe",
        content=HEAD + b"ada@example.org\r\n--b--\r\n",
        headers={"content-type": f"multipart/form-data; boundary=b; charset={charset}"},
    )

    assert page.status_code == 400
    assert "did not arrive completely" in page.text
    assert len(_cache) == before


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"'])
def test_a_form_in_utf_8_is_read(here: Place, charset: str) -> None:
    kind = f"multipart/form-data; boundary=b; charset={charset}"

    page = here.client.post(
        "/subscribe",
        content=HEAD + b"ada@b\xc3\xbccher.example\r\n--b--\r\n",
        headers={"content-type": kind},
    )

    assert page.status_code == 200
    assert "ada@xn--bcher-kva.example" in page.text


def test_a_field_in_punycode_costs_no_time_with_the_square_of_its_length(here: Place) -> None:
    def growth() -> float:
        small = cpu_seconds(lambda: send(here, "punycode", b"-" + b"b" * 7_000), 3)
        return cpu_seconds(lambda: send(here, "punycode", b"-" + b"b" * 60_000), 3) / small

    assert_grows_less_than(growth, 4)


@pytest.mark.parametrize("tail", [";" * 31_000, "a*0=b;" * 5_000, '"\\;' * 10_000])
def test_a_form_of_a_long_type_is_refused_before_the_type_is_read(here: Place, tail: str) -> None:
    """Parsing it took 37 milliseconds, in which nothing else ran."""
    kind = f"application/x-www-form-urlencoded;{tail}"
    answer = here.client.post("/subscribe", content=b"a=b", headers={"content-type": kind})

    assert answer.status_code == 400
    longest = f"multipart/form-data; boundary={'b' * 70}; charset=utf-8"
    form = (
        HEAD.replace(b"--b", b"--" + b"b" * 70) + b"ada@example.org\r\n--" + b"b" * 70 + b"--\r\n"
    )
    page = here.client.post("/subscribe", content=form, headers={"content-type": longest})
    assert page.status_code == 200
