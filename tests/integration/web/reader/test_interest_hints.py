"""Interest words without a match are reported on the page where they are saved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from tests.helpers.web.site_client import NOW

from larkpost.db import papers, schema
from larkpost.domain import PaperRecord
from larkpost.ranking.words.find_terms import Lexicon, Unmatched
from larkpost.readers import interest_hints, onboarding, subscriptions

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

SAID = "matches no paper here yet"


@pytest.fixture
def me(here: Place) -> str:
    return here.path(here.program.links.page(here.reader))


def save(here: Place, me: str, words: str) -> str:
    here.fit()
    form = {"action": "interest", "interest": "main", "words": words, "quota": "1"}
    answer = here.client.post(me, data=form)
    assert answer.status_code == 303
    return here.client.get(answer.headers["location"]).text


def test_the_readers_page_tells_them_after_saving_and_not_later(here: Place, me: str) -> None:
    shown = save(here, me, "exparts\nsparse routing")

    assert f"“exparts” {SAID}; near it are: experts." in shown.replace("</bdi>", "")
    assert shown.count(SAID) == 1
    assert SAID not in here.client.get(me).text
    assert here.current().interests[0].words == ("exparts", "sparse routing")


def test_nothing_is_reported_where_all_words_match(here: Place, me: str) -> None:
    assert SAID not in save(here, me, "sparse\nexperts")


def test_the_page_after_signing_up_by_mail_tells_them(here: Place) -> None:
    here.fit()
    form = {"address": "new@example.org", "words": "exparts, sparse", "action": "mail"}

    shown = here.client.post("/subscribe", data=form).text

    assert shown.count(SAID) == 1
    assert "experts" in shown


def test_the_page_after_signing_up_for_a_feed_tells_them(here: Place) -> None:
    here.fit()
    answer = here.client.post("/subscribe", data={"words": "exparts", "action": "feed"})

    shown = here.client.get(answer.headers["location"]).text

    assert answer.status_code == 303
    assert shown.count(SAID) == 1


def test_a_word_of_too_many_papers_is_reported_as_such(here: Place, me: str) -> None:
    drafts = [
        PaperRecord(title=f"Quokka {number} on {chr(97 + number) * 5}", first_seen=NOW)
        for number in range(25)
    ]
    with here.program.store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW)

    assert "“quokkas” is in 25 papers, too many to help choose" in save(here, me, "quokkas")


def test_a_word_of_what_somebody_brought_for_themselves_is_told_to_nobody(
    here: Place, me: str
) -> None:
    other = subscriptions.add(here.program.store, None, now=NOW)
    brought = "@misc{q, title={Quokkalogy}}"
    onboarding.from_references(here.program.store, other.id, brought, now=NOW)

    shown = save(here, me, "quokkalogx\nsprase")

    assert f"“quokkalogx” {SAID}." in shown.replace("</bdi>", "")
    assert f"“sprase” {SAID}; near it are: sparse." in shown.replace("</bdi>", "")


def test_of_thousands_of_invented_words_few_are_looked_for(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is compared with all words of the model: 6,000 took 15 seconds of all pages."""
    looked_at: list[str] = []
    whole = Lexicon.find_unmatched

    def noting(self: Lexicon, phrase: str) -> list[Unmatched]:
        looked_at.append(phrase)
        return whole(self, phrase)

    monkeypatch.setattr(Lexicon, "find_unmatched", noting)
    words = [" ".join(f"zq{message}{number}x" for message in "abcd") for number in range(50)]

    shown = save(here, me, "\n".join(words))

    assert shown.count(SAID) == interest_hints.MOST_TOLD
    assert looked_at == words[: interest_hints.MOST_TOLD // 4]


def test_hostile_words_are_text(here: Place, me: str) -> None:
    assert "<script" not in save(here, me, "<script>alert(1)</script>").partition("<main")[2]


@pytest.mark.parametrize("path", ["/", "/subscribe"])
def test_the_form_asks_for_words_before_the_address_and_demands_none(
    here: Place, path: str
) -> None:
    page = here.client.get(path).text

    words = re.search(r'<(?:input|textarea)[^>]* name="words"[^>]*>', page)
    address = re.search(r'<input[^>]* name="address"[^>]*>', page)
    assert words is not None
    assert address is not None
    assert words.start() < address.start()
    assert "required" not in words[0]


def test_words_typed_on_the_front_page_are_asked_for_with_commas(here: Place) -> None:
    form = {"address": "grace@example.org", "zone": "UTC", "action": "mail"}
    here.client.post("/subscribe", data=form | {"words": "protein folding, routing"})

    with here.program.store.read() as connection:
        asked = select(schema.delivery.c.payload).where(schema.delivery.c.kind == "confirmation")
        wishes = connection.execute(asked).scalar_one()
    assert wishes["words"] == ["protein folding", "routing"]


def test_who_began_without_words_is_asked_once_more_where_they_start(here: Place) -> None:
    none = here.client.post("/subscribe", data={"words": "", "action": "feed"})
    start = none.headers["location"]
    assert "What do you read about?" in here.client.get(start).text
    me = start.partition("/start")[0]

    here.client.post(
        me, data={"action": "interest", "interest": "main", "words": "routing", "quota": "1"}
    )

    assert "What do you read about?" not in here.client.get(f"{me}/start").text
