"""Tests the operator's paste page: it shows what it would read, and ingests only that."""

from __future__ import annotations

import gzip
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.helpers.web.site_client import NOW, contents, place

from larkpost.db import papers, read_dumps
from larkpost.ingest.ingest import ingest
from larkpost.web.paste import LARGEST_FILE, LARGEST_TEXT
from larkpost.web.site import LARGEST_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.web.site_client import Place

CAPTURES = Path(__file__).parents[2] / "captures"
LINES = (
    '{"title": "On <script>alert(1)</script> lanterns", "abstract": "We light them.",'
    ' "url": "https://a.example/1"}\n'
    '{"title": "Tides of <b>salt</b>", "abstract": "We taste it.", "url": "https://a.example/2"}\n'
    '{"abstract": "<i>nothing</i> is called like this"}\n'
)


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url, {"web.admin_link_version": 7}) as opened:
        yield opened


def path_of(here: Place) -> str:
    return here.path(here.program.links.paste(7))


def send(here: Place, action: str = "preview", **fields: str) -> Any:
    """Send the form as browsers do: multipart, each line end as CR LF."""
    parts = {name: (None, value.replace("\n", "\r\n")) for name, value in fields.items()}
    return here.client.post(path_of(here), files={"action": (None, action), **parts})


def digest_in(page: Any) -> str:
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', page.text)
    assert found
    return found[1]


def count(here: Place) -> int:
    with here.program.store.read() as connection:
        return papers.count(connection)


def test_a_preview_shows_what_would_be_read_and_stores_nothing(here: Place) -> None:
    before = contents(here.program.store)

    page = send(here, text=LINES)

    assert page.status_code == 200
    assert "2 papers would be read" in page.text
    assert "<dd>jsonl</dd>" in page.text
    assert "<dt>Day</dt><dd>2026-08-07</dd>" in page.text
    assert "The dump has no date" in page.text
    assert "1 record could not be read" in page.text
    assert "Line 3: " in page.text
    assert digest_in(page) == sha256(LINES.encode()).hexdigest()
    assert contents(here.program.store) == before


def test_what_stands_in_titles_and_rejected_records_is_text(here: Place) -> None:
    page = send(here, text=LINES).text

    assert "On &lt;script&gt;alert(1)&lt;/script&gt; lanterns" in page
    assert "&lt;i&gt;nothing&lt;/i&gt;" in page
    assert "<script" not in page
    assert "<i>nothing" not in page


def test_what_was_shown_is_taken_once(here: Place) -> None:
    before, digest = count(here), digest_in(send(here, text=LINES))

    first = send(here, "take", text=LINES, digest=digest)
    second = send(here, "take", text=LINES, digest=digest)

    assert "Added: 2 papers, 2 of them new" in first.text
    assert "1 record could not be read" in first.text
    assert "Already read on 2026-08-07 at 10:00 UTC" in second.text
    assert "already read on 2026-08-07" in send(here, text=LINES).text
    assert count(here) == before + 2


def test_a_pasted_text_and_a_file_of_it_are_the_same_dump(here: Place, tmp_path: Path) -> None:
    send(here, "take", text=LINES, digest=sha256(LINES.encode()).hexdigest())
    file = tmp_path / "lines.jsonl"
    file.write_text(LINES)

    report = ingest(here.program.store, here.program.dump_formats, file, now=NOW)

    assert report.already == NOW


@pytest.mark.parametrize("digest", ["", "0" * 64, sha256(b"another").hexdigest()])
def test_a_text_that_was_not_shown_is_not_taken(here: Place, digest: str) -> None:
    before = contents(here.program.store)

    page = send(here, "take", text=LINES, digest=digest)

    assert page.status_code == 409
    assert "has changed since it was shown" in page.text
    assert digest_in(page) == sha256(LINES.encode()).hexdigest()
    assert contents(here.program.store) == before


@pytest.mark.parametrize("text", [f"\n\n{LINES}", LINES.rstrip(), f"{LINES}\n\n"])
def test_a_text_comes_back_from_its_preview_as_it_went(here: Place, text: str) -> None:
    page = send(here, text=text).text
    field = re.search(r'<textarea id="text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert field
    shown = field[1]
    for written, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&amp;", "&")):
        shown = shown.replace(written, sign)

    assert shown == text


def test_a_file_is_shown_and_taken_byte_by_byte(here: Place) -> None:
    content = b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode()
    chosen = {"file": ("2026-08-05 <b>.jsonl", content, "text/plain")}
    page = here.client.post(path_of(here), data={"action": "preview"}, files=chosen)
    assert "<dt>Day</dt><dd>2026-08-05</dd>" in page.text
    assert "2026-08-05 &lt;b&gt;.jsonl" in page.text
    assert digest_in(page) == sha256(content).hexdigest()
    encoded = re.search(r'name="encoded" value="([^"]*)"', page.text)
    assert encoded

    taken = send(
        here, "take", encoded=encoded[1], name="2026-08-05.jsonl", digest=digest_in(page)
    )  # fmt: skip

    assert "Added: 2 papers" in taken.text
    with here.program.store.read() as connection:
        dump = read_dumps.by_digest(connection, sha256(content).hexdigest())
    assert dump
    assert (dump.name, str(dump.captured)) == ("2026-08-05.jsonl", "2026-08-05")


def test_the_typed_day_is_that_of_the_papers(here: Place) -> None:
    page = send(here, text=LINES, day="2026-08-03")
    assert "<dt>Day</dt><dd>2026-08-03</dd>" in page.text
    assert 'name="day" value="2026-08-03"' in page.text

    assert send(here, text=LINES, day="someday").status_code == 400


def test_the_text_of_a_daily_page_with_its_title_and_address_above_is_that_page(
    here: Place,
) -> None:
    body = (CAPTURES / "daily" / "chromium-inner-text.txt").read_text()
    bare = re.search(r"(\d+) papers would be read", send(here, text=body).text)
    line = "Daily Papers - Hugging Face https://huggingface.co/papers/date/2026-08-07\n\n"

    page = send(here, text=line + body).text

    assert bare
    assert f"{bare[1]} papers would be read" in page
    assert "<dd>huggingface</dd>" in page


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Nothing was pasted"),
        ("  \n ", "Nothing was pasted"),
        ("Hello, how are you?", "othing in it"),
        ("<b>Hello</b>", "othing in it"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason_and_stays_in_the_field(
    here: Place, text: str, told: str
) -> None:
    before = contents(here.program.store)

    page = send(here, "take", text=text, digest=sha256(text.encode()).hexdigest())

    assert page.status_code == 400
    assert told.casefold() in page.text.casefold()
    assert text.strip().replace("<", "&lt;").replace(">", "&gt;") in page.text
    assert contents(here.program.store) == before


def test_a_file_that_would_have_to_be_unpacked_is_refused(here: Place) -> None:
    for content in (gzip.compress(bytes(10_000_000)), b"PK\x03\x04" + bytes(100)):
        page = here.client.post(path_of(here), files={"file": ("papers.gz", content)})

        assert page.status_code == 400
        assert "does not unpack files" in page.text


def test_what_is_too_large_or_too_much_is_refused(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(here.program.store)
    for size in (LARGEST_TEXT + 1, LARGEST_UPLOAD + 1):
        assert send(here, text="a" * size).status_code == 413
    file = {"file": ("large.txt", bytes(LARGEST_FILE + 1))}
    assert here.client.post(path_of(here), files=file).status_code == 413
    many = LINES + '{"a": 1}\n' * 6_000
    page = send(here, "take", text=many, digest=sha256(many.encode()).hexdigest())
    assert page.status_code == 400
    assert "more than 5000 records that are not papers" in page.text.replace(",", "")
    monkeypatch.setattr("larkpost.ingest.preview.MOST_PAPERS", 1)
    page = send(here, "take", text=LINES, digest=sha256(LINES.encode()).hexdigest())
    assert page.status_code == 400
    assert "more than 1 paper" in page.text
    assert contents(here.program.store) == before


def test_the_largest_text_can_be_taken_after_it_was_shown(here: Place) -> None:
    text = LINES + " " * (LARGEST_TEXT - len(LINES) - LINES.count("\n"))

    page = send(here, text=text, day="2026-08-03")

    assert page.status_code == 200
    taken = send(here, "take", text=text, day="2026-08-03", digest=digest_in(page))
    assert "Added: 2 papers" in taken.text


def test_only_the_operators_newest_link_opens_the_page(here: Place) -> None:
    links = here.program.links
    reader = here.path(links.page(here.reader)).removeprefix("/me/")
    before = contents(here.program.store)

    for path in (here.path(links.paste(6)), here.path(links.paste(0)), f"/admin/{reader}/paste"):
        assert here.client.get(path).status_code == 404
        assert here.client.post(path, files={"text": (None, LINES)}).status_code == 404
    assert contents(here.program.store) == before


def test_there_is_no_page_unless_it_is_wished_for(tmp_path: Path, sqlite_url: str) -> None:
    with place(tmp_path, sqlite_url) as here:
        for path in ("/paste", *(here.path(here.program.links.paste(one)) for one in (0, 1))):
            assert here.client.get(path).status_code == 404


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://attacker.example"}]
)
def test_a_form_that_another_site_sends_is_refused(here: Place, headers: dict[str, str]) -> None:
    before = contents(here.program.store)
    fields = {"action": "take", "text": LINES, "digest": sha256(LINES.encode()).hexdigest()}

    answer = here.client.post(path_of(here), data=fields, headers=headers)

    assert answer.status_code == 403
    assert contents(here.program.store) == before


def test_only_the_pages_that_a_bookmarklet_opens_keep_their_opener(here: Place) -> None:
    for path in ("/paste", path_of(here)):
        headers = here.client.get(path).headers
        assert headers["cross-origin-opener-policy"] == "unsafe-none"
        assert "script-src 'self'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
    for answer in (
        send(here, text=LINES),
        here.client.get(here.path(here.program.links.admin(7))),
        here.client.get("/"),
    ):
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    preview = send(here, text=LINES).headers
    assert preview["cache-control"] == "no-store"
    assert "script-src" not in preview["content-security-policy"]


def test_the_bookmarklet_holds_no_secret(here: Place) -> None:
    link = path_of(here)
    page = here.client.get(link).text
    (drag,) = re.findall(r'href="(javascript:[^"]*)"', page)

    assert "papers.example.org/paste" in drag
    assert link.split("/")[2] not in drag
    assert link.split("/")[2] not in here.client.get("/paste").text


def test_the_admin_page_leads_to_it(here: Place) -> None:
    assert f'href="{path_of(here)}"' in here.client.get(here.path(here.program.links.admin(7))).text
