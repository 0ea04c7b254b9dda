"""Tests that nobody can fill the disk: quotas per reader, per network and for all."""

from __future__ import annotations

import random
import string
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from tests.helpers.timing import assert_grows_less_than, cpu_seconds
from tests.helpers.web.site_client import NOW, contents, place

from larkpost.db import schema
from larkpost.db.usage import quotas
from larkpost.domain import Thumb
from larkpost.errors import QuotaExceeded, UsageError
from larkpost.formats.references import MOST_AUTHORS, MOST_NAMES, read_references
from larkpost.readers import onboarding, record_votes, subscriptions
from larkpost.readers.quotas import Allowance
from larkpost.settings.model import QuotaSettings
from larkpost.text import interest_words
from larkpost.text.normalize import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Reader

DAY = timedelta(days=1)
MEGABYTE = 1_000_000
WISHES = {
    "action": "feed",
    "send_time": "06:00",
    "weekdays": ["0"],
    "papers_per_edition": "5",
    "zone": "UTC",
}


@pytest.fixture
def small(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    """Open a place with room for little."""
    flags = {"papers": 30, "megabytes": 1, "votes": 40, "network_megabytes": 1, "all_papers": 60}
    flags |= {"network_readers": 5, "all_readers": 12}
    settings: dict[str, object] = {f"quotas.{name}": value for name, value in flags.items()}
    settings["web.trusted_proxies"] = ["10.0.0.0/8"]
    with place(tmp_path, sqlite_url, settings, peer="10.0.0.1") as opened:
        yield opened


def words(count: int, seed: int = 0) -> str:
    chance = random.Random(seed)  # noqa: S311 - no secret
    return " ".join("".join(chance.choices(string.ascii_lowercase, k=7)) for _ in range(count))


def ris(count: int, *, length: int = 0, start: int = 0) -> str:
    """Write references that are not alike; ``length`` is in words of their abstracts."""
    return "\n".join(
        f"TY  - JOUR\nTI  - A study of {words(4, seed=at)}\nAB  - {words(length, seed=at)}\nER  - "
        for at in range(start, start + count)
    )


def numbers(seed: int) -> str:
    return " ".join(map(str, range(seed, 10**6, 997)))


def messages(seed: int) -> str:
    return " ".join("".join(words(500, seed).split())[:3000])


def chinese(seed: int) -> str:
    return "".join(map(chr, random.Random(seed).choices(range(0x4E00, 0x9FFF), k=2000)))  # noqa: S311 - no secret


def new_reader(here: Place) -> Reader:
    return subscriptions.add(here.program.store, None, now=NOW)


def bring(here: Place, reader: Reader, text: str, address: str = "192.0.2.1") -> Any:
    """Bring a list from an address of the network."""
    page = here.path(here.program.links.page(reader))
    headers = {"X-Forwarded-For": address}
    return here.client.post(f"{page}/start", data={"text": text}, headers=headers)


def private(here: Place) -> int:
    with here.program.store.read() as connection:
        return quotas.private_papers(connection)


def test_a_reader_brings_so_many_papers_and_is_told_what_to_try(small: Place) -> None:
    reader = new_reader(small)
    assert bring(small, reader, ris(30)).status_code == 200
    before = contents(small.program.store)

    refused = bring(small, reader, ris(1, start=30))

    assert refused.status_code == 413
    assert "there is room for 30 papers" in refused.text
    assert "Nothing was imported" in refused.text
    after = contents(small.program.store)
    assert {name for name in after if after[name] != before[name]} == {"rate_limit"}


def test_a_list_that_is_here_already_takes_no_room(small: Place) -> None:
    reader = new_reader(small)
    bring(small, reader, ris(30))

    assert bring(small, reader, ris(30)).status_code == 200
    assert bring(small, reader, "2608.00001 2608.00002").status_code == 200


def test_a_reader_brings_so_many_bytes(small: Place) -> None:
    reader = new_reader(small)
    object.__setattr__(small.program.settings, "quotas", QuotaSettings(megabytes=1))

    refused = bring(small, reader, ris(45, length=800))

    assert refused.status_code == 413
    assert private(small) == 0


def test_a_network_brings_so_many_bytes_a_day_with_however_many_readers(small: Place) -> None:
    list_of_half_a_megabyte = [ris(25, length=800, start=100 * at) for at in range(4)]
    answers = [bring(small, new_reader(small), one) for one in list_of_half_a_megabyte]

    assert [one.status_code for one in answers] == [200, 429, 429, 429]
    assert 0 < int(answers[1].headers["retry-after"]) <= 86_400
    assert "Your network has imported as much as it may in one day" in answers[1].text
    assert bring(small, new_reader(small), ris(5, start=900), "198.51.100.7").status_code == 200
    small.clock.now += DAY
    assert bring(small, new_reader(small), list_of_half_a_megabyte[1]).status_code == 200


@pytest.mark.parametrize(
    "address", ["192.0.2.{}", "2001:db8:0:{}00::1"], ids=["a /24 of IPv4", "a /48 of IPv6"]
)
def test_whoever_owns_many_networks_has_no_more_than_four(small: Place, address: str) -> None:
    lists = [ris(20, length=800, start=100 * at) for at in range(8)]
    settings = QuotaSettings(network_megabytes=1, megabytes=64, papers=5000, all_papers=1000)
    object.__setattr__(small.program.settings, "quotas", settings)

    answers = [
        bring(small, new_reader(small), one, address.format(at)) for at, one in enumerate(lists)
    ]

    taken = [one.status_code for one in answers].count(200)
    assert 4 <= taken < 8
    assert [one.status_code for one in answers] == [200] * taken + [429] * (8 - taken)


def test_all_readers_together_bring_so_many_papers(small: Place) -> None:
    for at in range(2):
        answer = bring(small, new_reader(small), ris(30, start=100 * at), f"192.0.{at}.1")
        assert answer.status_code == 200

    refused = bring(small, new_reader(small), ris(1, start=900), "198.51.100.1")

    assert refused.status_code == 413
    assert "no more room for papers of readers" in refused.text
    assert private(small) == 60


def test_a_library_of_several_thousand_references_is_taken_by_the_defaults(here: Place) -> None:
    reader = new_reader(here)
    allowance = Allowance(QuotaSettings(), ("192.0.2.1/32", "192.0.2.0/24"))
    text = [ris(1000, length=180, start=1000 * at) for at in range(2)]

    drafts = read_references(text[0])
    assert len(drafts) == 1000
    assert 4 * quotas.size_of(drafts) < QuotaSettings().megabytes * MEGABYTE
    assert 8 * quotas.size_of(drafts) < QuotaSettings().network_megabytes * MEGABYTE
    found = onboarding.from_references(
        here.program.store, reader.id, text[0], now=NOW, allowance=allowance
    )
    assert found.new == 1000


KINDS: dict[str, Callable[[], str]] = {
    "abstracts": lambda: ris(150, length=800),
    "titles alone": lambda: ris(600),
    "short titles": lambda: "\n".join(
        f"TY  - X\nTI  - {words(1, at)}\nER  - " for at in range(600)
    ),
    "single letters": lambda: "\n".join(
        f"TY  - X\nTI  - T {words(3, at)}\nAB  - {messages(at)}\nER  - " for at in range(100)
    ),
    "numbers": lambda: "\n".join(
        f"TY  - X\nTI  - T {words(3, at)}\nAB  - {numbers(at)}\nER  - " for at in range(100)
    ),
    "Chinese": lambda: "\n".join(
        f"TY  - X\nTI  - T {words(3, at)}\nAB  - {chinese(at)}\nER  - " for at in range(100)
    ),
    "authors": lambda: "\n".join(
        f"TY  - X\nTI  - T {words(3, at)}\n" + "AU  - Ng, Ada\n" * 300 + "ER  - "
        for at in range(100)
    ),
    "identifiers": lambda: "\n".join(
        f"TY  - X\nTI  - T {words(3, at)}\n"
        + "".join(f"UR  - https://e.org/{at}/{n}\n" for n in range(300))
        + "ER  - "
        for at in range(100)
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_database_grows_by_no_more_than_is_counted(here: Place, kind: str) -> None:
    reader, text = new_reader(here), KINDS[kind]()
    before = pages(here)

    onboarding.from_references(here.program.store, reader.id, text, now=NOW)

    with here.program.store.read() as connection:
        counted = quotas.of_reader(connection, reader.id)
    assert pages(here) - before <= counted.bytes
    assert counted.bytes >= quotas.size_of(read_references(text)[:1])


def pages(here: Place) -> int:
    """Return how many bytes the pages of the database in use take."""
    with here.program.store.read() as connection:
        count, free, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((count - free) * size)


def test_what_is_written_of_one_reference_is_bounded() -> None:
    text = (
        f"TY  - X\nTI  - {words(20_000)}\nAB  - {words(20_000)}\n"
        + f"AU  - {words(1000)}\n" * 500
        + "".join(f"UR  - https://example.org/{at}\n" for at in range(500))
        + "ER  - "
    )

    (draft,) = read_references(text)

    assert len(draft.title) <= 500
    assert len(draft.abstract) <= 6_000
    assert len(draft.authors) == MOST_AUTHORS
    assert max(map(len, draft.authors)) <= 100
    assert len(draft.identifiers) == MOST_NAMES


def test_a_reader_has_so_many_thumbs_and_may_take_them_back(small: Place) -> None:
    reader = new_reader(small)
    object.__setattr__(small.program.settings, "quotas", QuotaSettings(votes=2))
    page = small.path(small.program.links.page(reader))

    def thumb(at: int, name: str) -> int:
        form = {"action": "vote", "paper": str(small.papers[at].id), "thumb": name}
        return small.client.post(page, data=form).status_code

    assert [thumb(at, "up") for at in range(3)] == [200, 200, 413]
    assert thumb(0, "down") == 200  # no new one
    assert thumb(0, "clear") == 200
    assert thumb(2, "up") == 200


def test_a_list_may_not_bring_more_thumbs_than_there_is_room_for(here: Place) -> None:
    reader = new_reader(here)
    paper = here.papers[0].id
    record_votes.cast(here.program.store, reader.id, paper, Thumb.UP, source="page", now=NOW)

    with pytest.raises(QuotaExceeded, match="more than 1 thumb"):
        onboarding.from_references(
            here.program.store,
            reader.id,
            "2608.00002",
            now=NOW,
            allowance=Allowance(QuotaSettings(votes=1)),
        )


def sign_up(here: Place, where: str, **more: str) -> Any:
    form = WISHES | more
    return here.client.post("/subscribe", data=form, headers={"X-Forwarded-For": where})


def count_readers(here: Place) -> int:
    with here.program.store.read() as connection:
        return connection.execute(select(func.count()).select_from(schema.reader)).scalar_one()


def test_a_network_makes_so_many_pages_a_day(small: Place) -> None:
    answers = [sign_up(small, "192.0.2.1") for _ in range(7)]

    assert [one.status_code for one in answers] == [303] * 5 + [429] * 2
    assert "Subscribe with an email address" in answers[-1].text
    assert sign_up(small, "192.0.3.1").status_code == 303


def test_a_slip_in_the_form_costs_no_page(small: Place) -> None:
    assert [sign_up(small, "192.0.2.1", zone="Mars").status_code for _ in range(7)] == [400] * 7
    assert sign_up(small, "192.0.2.1").status_code == 303


def test_all_strangers_together_make_so_many_pages_and_others_still_subscribe(
    small: Place,
) -> None:
    answers = [sign_up(small, f"192.0.{at}.1").status_code for at in range(14)]

    assert answers == [303] * 12 + [413] * 2
    mailed = sign_up(small, "192.0.99.1", action="", address="emmy@example.org")
    assert mailed.status_code == 200
    assert count_readers(small) == 13  # who asked by mail is no reader before the message goes


def test_a_reader_changes_so_much_a_minute(here: Place, me: str) -> None:
    form = {"action": "interest", "interest": "birds", "words": "wings", "quota": "1"}

    answers = [here.client.post(me, data=form).status_code for _ in range(32)]

    assert answers == [303] * 30 + [429] * 2
    here.clock.now += timedelta(minutes=1)
    assert here.client.post(me, data=form).status_code == 303


@pytest.mark.parametrize("text", ["\u0301" * 30_000, "a\n" * 30_000, "a" * 60_000])
def test_words_beyond_measure_are_refused_before_they_are_cleaned(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned: list[int] = []

    def spy(one: str) -> str:
        cleaned.append(len(one))
        return clean(one)

    monkeypatch.setattr("larkpost.text.normalize.clean", spy)

    with pytest.raises(UsageError, match="at most 50 interest words"):
        interest_words.tidy(text.splitlines())

    assert sum(cleaned) == 0


@pytest.mark.parametrize("field", ["words", "address", "zone", "name", "interest"])
def test_a_form_full_of_marks_costs_no_more_than_one_of_letters(
    here: Place, me: str, field: str
) -> None:
    usual = {
        "send_time": "06:00",
        "weekdays": "0",
        "papers_per_edition": "5",
        "zone": "UTC",
        "quota": "1",
        "interest": "a",
    }

    def post(text: str) -> None:
        form = usual | {field: text}
        for path, action in ((me, "save"), (me, "interest"), ("/subscribe", "")):
            here.clock.now += timedelta(hours=1)
            answer = here.client.post(path, data=form | {"action": action})
            assert answer.status_code in {200, 303, 400}

    def ratio() -> float:
        plain = cpu_seconds(lambda: post("a" * 18_000), rounds=2)
        return cpu_seconds(lambda: post("\u0301\u0323\u0345" * 3_000), rounds=2) / plain

    assert_grows_less_than(ratio, 3.0)
