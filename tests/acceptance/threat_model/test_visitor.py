"""Tests what a visitor can do: anybody who can reach the port, and has no link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.helpers.mail.message_checks import RENDERER
from tests.helpers.mail.outbox_helpers import Mailbag
from tests.helpers.web.site_client import NOW, contents

from larkpost.domain import Thumb
from larkpost.mail.deliver import deliver
from larkpost.readers import record_votes
from larkpost.web import ROUTES

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

    from larkpost.domain import Reader

PUBLIC = (
    "/",
    "/archive",
    "/archive/2026-08-07",
    "/archive/2026-W32",
    "/archive/2026-08",
    "/archive/2026-08.atom",
    "/archive.rss",
    "/archive.json",
    "/trending.rss",
    "/trending.json",
    "/search?q=sparse",
    "/search?q=zebrafish",
    "/search.atom?q=sparse",
    "/subscribe",
    "/paste",
    "/healthz",
    "/robots.txt",
)
GUESSES = ("x", "AAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA", "1", "0" * 5000, "%00", "..%2f..%2fsecret.key")
OPENED_BY_A_TOKEN = [route.path for route in ROUTES if re.search(r"\{(token|key)\}", route.path)]


def with_values(path: str, token: str) -> str:
    """Fill in the parts of a route's path."""
    values = {"token": token, "key": token, "form": "atom", "interest": "main", "wish": "up"}
    plain = re.sub(r":\w+}", "}", path)
    return plain.format(**values, page=1, position=1)


PAPER_LINK = r'href="(/paper/[^"]+)"'


class TestVisitor:
    """Anybody who reaches the port."""

    def test_sees_nothing_of_a_reader_on_any_public_page(
        self, here: Place, secrets: list[str]
    ) -> None:
        here.client.post(here.vote_path(1, "up"))
        pages = [*PUBLIC, *(f"/paper/{paper.uid}" for paper in here.papers)]

        for path in pages:
            answer = here.client.get(path)
            assert answer.status_code == 200, path
            told = f"{answer.headers} {answer.text}".replace(path, "")
            # What was searched for is said back.
            told = told.replace("zebrafish", "") if "zebrafish" in path else told
            assert [secret for secret in secrets if secret in told] == [], path

    def test_learns_from_no_answer_whether_an_address_is_a_readers(self, here: Place) -> None:
        def ask(address: str) -> tuple[int, str]:
            form = {"action": "mail", "address": address}
            answer = here.client.post("/subscribe", data=form)
            return answer.status_code, answer.text.replace(address, "…")

        assert ask("ada@example.org") == ask("nobody@example.org")

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_changes_no_paper(self, here: Place, method: str) -> None:
        before = contents(here.program.store)

        for path in ("/", "/archive", "/search", f"/paper/{here.papers[0].uid}", "/archive.rss"):
            answer = here.client.request(method, path, content=b"title=Mine")
            assert answer.status_code == 405, path

        assert contents(here.program.store) == before

    @pytest.mark.parametrize("path", OPENED_BY_A_TOKEN)
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_opens_nothing_by_guessing(self, here: Place, path: str, method: str) -> None:
        before = contents(here.program.store)

        answers = [here.client.request(method, with_values(path, guess)) for guess in GUESSES]

        told = {answer.status_code: answer.text for answer in answers}
        assert told.keys() <= {404, 405}
        # A guess that is nearly right looks like any other.
        assert {answer.text for answer in answers} == set(told.values())
        assert contents(here.program.store) == before

    def test_changes_nothing_by_opening_links(self, here: Place) -> None:
        links, reader = here.program.links, here.reader
        opened = [
            *PUBLIC,
            here.vote_path(1, "up"),
            *(here.path(link) for link in (links.leave(reader), links.confirm(reader))),
            here.path(links.page(reader)),
            *(f"{here.path(links.page(reader))}/{tail}" for tail in ("delete", "rate", "start")),
            here.path(links.edition(here.edition)),
        ]
        before = contents(here.program.store)

        for path in opened:
            assert here.client.get(path).status_code == 200, path
            assert here.client.head(path).status_code == 200, path

        assert contents(here.program.store) == before

    def test_makes_no_readers_browser_act_from_another_site(self, here: Place) -> None:
        me = here.path(here.program.links.page(here.reader))
        forms = [
            (me, {"action": "renew"}),
            (f"{me}/delete", {"sure": "yes"}),
            (f"{me}/rate", {"paper": str(here.papers[0].id), "thumb": "up"}),
            (here.vote_path(1, "up"), {}),
        ]
        before = contents(here.program.store)

        for path, form in forms:
            for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
                assert here.client.post(path, data=form, headers=headers).status_code == 403, path

        assert contents(here.program.store) == before

    @pytest.mark.parametrize(
        "path",
        [
            "/static/../secret.key",
            "/static/..%2fsecret.key",
            "/static/%2e%2e/larkpost.db",
            "/archive/..%2f..%2flarkpost.db",
            "//etc/passwd",
        ],
    )
    def test_reads_no_file_of_the_machine(self, here: Place, path: str) -> None:
        answer = here.client.get(f"http://attacker.example{path}")

        assert answer.status_code == 404
        assert here.program.places.secret.read_text().strip() not in answer.text

    def test_gets_a_page_of_their_own_and_nothing_of_anybody_elses(
        self, here: Place, other: Reader, secrets: list[str]
    ) -> None:
        answer = here.client.post("/subscribe", data={"action": "feed", "words": "sparse"})
        own = answer.headers["location"].partition("/start")[0]

        pages = [here.client.get(own + tail) for tail in ("", "/rate", "/export.jsonl", "/taste")]

        assert {page.status_code for page in pages} == {200}
        said = "".join(page.text for page in pages)
        assert [secret for secret in (*secrets, str(other.address)) if secret in said] == []

    def test_sees_no_single_thumb(self, here: Place) -> None:
        paper = here.papers[0]
        pages = ("/", f"/paper/{paper.uid}", "/search?q=sparse", "/trending.rss")
        before = [here.client.get(page).text for page in pages]

        record_votes.cast(
            here.program.store, here.reader.id, paper.id, Thumb.UP, source="test", now=NOW
        )

        assert [here.client.get(page).text for page in pages] == before

    def test_lifts_no_paper_by_signing_up_again_and_again(self, here: Place) -> None:
        before = re.findall(PAPER_LINK, here.client.get("/").text)

        for _ in range(15):
            joined = here.client.post("/subscribe", data={"action": "feed", "zone": "UTC"})
            own = joined.headers["location"].partition("/start")[0]
            form = {"action": "vote", "paper": str(here.papers[-1].id), "thumb": "up"}
            assert here.client.post(own, data=form).status_code in {200, 303}

        assert before
        assert re.findall(PAPER_LINK, here.client.get("/").text) == before

    def test_spoils_no_search_feed_for_others(self, here: Place) -> None:
        here.client.get("/search.rss?q=sparse&q=")

        assert here.papers[0].title in here.client.get("/search.rss?q=sparse").text

    @pytest.mark.parametrize(
        "path",
        ["/archive/9999-12-31", f"/archive/{'9' * 5000}", f"/vote/x/{'9' * 5000}/up"],
        ids=["a-day-too-late", "digits", "digits-of-a-place"],
    )
    def test_breaks_no_page_by_an_absurd_path(self, here: Place, path: str) -> None:
        answer = here.client.get(path)

        assert answer.status_code == 404
        assert "content-security-policy" in answer.headers
        assert answer.headers["x-frame-options"] == "DENY"

    def test_has_one_mailbox_written_to_once_however_it_is_spelt(self, here: Place) -> None:
        for number in range(15):
            form = {"address": f"Me.e+{number}@gmail.com", "zone": "UTC"}
            assert here.client.post("/subscribe", data=form).status_code == 200

        bag = Mailbag()
        deliver(here.program.store, RENDERER, bag.open_transport, now=here.clock.now, holder="test")
        assert sum(name.startswith("Me.e") for name in bag.recipients()) == 1
