"""Tests a reader's first votes: an imported library, and ten papers to rate."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from tests.helpers.factories import SUBJECTS
from tests.helpers.web.site_client import FOREIGN, NOW

from larkpost.db import papers, votes
from larkpost.db.private import private_papers, private_upsert
from larkpost.domain import Identifier, PaperRecord, Status, Thumb
from larkpost.readers import onboarding, record_votes, removal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Connection
    from larkpost.domain import Paper, Vote

LIBRARY = """
@article{one, title={Whale songs across an ocean of noise}, abstract={How whales sing.},
  eprint={2401.00001}, year=2024, url={https://spam.example/buy}}
@article{two, title={A title that nobody here has heard of}, year=2026}
"""


def cast(here: Place) -> list[Vote]:
    with here.program.store.read() as connection:
        return votes.of(connection, here.reader.id)


def named(here: Place, name: str) -> Paper:
    with here.program.store.read() as connection:
        found = papers.by_identifier(connection, Identifier("arxiv", name))
    assert found
    return found


def own(here: Place) -> list[Paper]:
    with here.program.store.read() as connection:
        return private_papers.of(connection, here.reader.id)


def bring(here: Place, text: str) -> onboarding.OnboardingResult:
    return onboarding.from_references(here.program.store, here.reader.id, text, now=NOW)


def test_papers_that_are_here_get_a_thumb_up_and_unknown_names_are_reported(here: Place) -> None:
    found = bring(here, "2608.00001 https://arxiv.org/abs/2608.00002 1706.03762 10.1000/182")

    assert found == onboarding.OnboardingResult(
        liked=2, new=0, unknown=("arxiv:1706.03762", "doi:10.1000/182")
    )
    assert [(one.thumb, one.source) for one in cast(here)] == [(Thumb.UP, "import")] * 2


def test_references_become_papers_that_come_to_nobody_as_news(here: Place) -> None:
    found = bring(here, LIBRARY)

    assert (found.liked, found.new) == (2, 2)
    whales, _ = own(here)
    assert whales.abstract == "How whales sing."
    assert whales.url is None
    with here.program.store.read() as connection:
        fresh = papers.candidates(connection, at=NOW, window=timedelta(days=31))
    assert {paper.id for paper in fresh} == {paper.id for paper in here.papers}


def test_bringing_the_same_twice_adds_nothing(here: Place) -> None:
    bring(here, LIBRARY)

    assert bring(here, LIBRARY) == onboarding.OnboardingResult(liked=0, new=0)


def test_of_a_list_that_is_too_long_the_page_says_how_much_was_read(here: Place, me: str) -> None:
    numbers = [f"2401.{number:05}" for number in range(2001)]

    longer = here.client.post(f"{me}/start", data={"text": " ".join(numbers)}).text
    shorter = here.client.post(f"{me}/start", data={"text": " ".join(numbers[:1999])}).text

    told = "At most 2,000 references of a list are read. If yours is longer, import the rest"
    assert told in longer
    assert told not in shorter


def test_a_thumb_that_was_given_stays(here: Place) -> None:
    first = here.papers[0]
    record_votes.cast(
        here.program.store, here.reader.id, first.id, Thumb.DOWN, source="test", now=NOW
    )

    bring(here, "2608.00001")

    assert [one.thumb for one in cast(here)] == [Thumb.DOWN]


def test_what_a_reader_brings_changes_no_paper_that_is_here(here: Place) -> None:
    first = here.papers[0]
    rewritten = first.abstract.replace("what is known", "BUY NOW, what is known")
    bring(here, f"@a{{x, title={{{first.title}}}, abstract={{{rewritten}}}}}")
    bring(here, f"@a{{x, title={{{first.title}}}, doi={{10.1000/999}}}}")
    bring(here, "@a{x, title={Other}, abstract={Other}, eprint={2608.00001}}")

    assert named(here, "2608.00001") == first
    with here.program.store.read() as connection:
        assert papers.by_identifier(connection, Identifier("doi", "10.1000/999")) is None


def test_the_page_takes_a_pasted_list(here: Place, me: str) -> None:
    assert here.client.get(f"{me}/start").status_code == 200

    page = here.client.post(f"{me}/start", data={"text": "2608.00001 1706.03762"}).text

    assert "1 paper got a thumb up from you" in page
    assert "arxiv:1706.03762" in page


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_page_takes_a_file(here: Place, me: str, encoding: str) -> None:
    file = {"file": ("library.bib", LIBRARY.encode(encoding), "text/plain")}

    page = here.client.post(f"{me}/start", data={"text": ""}, files=file).text

    assert "2 papers got a thumb up from you, 2 of them new here" in page


@pytest.mark.parametrize(
    ("text", "file", "status", "said"),
    [
        ("", b"", 400, "Nothing was pasted"),
        ("", b"<?xml version='1.0'?>", 400, "is not supported"),
        ("", b"\xff\xfe\x00", 200, "No new thumb"),
        ("", b"a" * (4 * 1024 * 1024), 413, "4 MB"),
        ("<script>alert(1)</script>", b"", 200, "No new thumb"),
    ],
)
def test_odd_files_are_answered_kindly(
    here: Place, me: str, text: str, file: bytes, status: int, said: str
) -> None:
    answer = here.client.post(f"{me}/start", data={"text": text}, files={"file": ("f", file)})

    assert answer.status_code == status
    assert said in answer.text


def test_lists_have_their_measure(here: Place, me: str) -> None:
    answers = [here.client.post(f"{me}/start", data={"text": "x"}) for _ in range(21)]

    assert [one.status_code for one in answers[-2:]] == [200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def furnish(here: Place) -> None:
    """Add three papers on each subject that came lately."""
    with here.program.store.begin() as connection:
        drafts = [
            PaperRecord(
                title=f"{subject} {'again' if n else 'once'} more",
                abstract=f"On {subject.lower()} and {subject.split()[0].lower()}, part {n}.",
                identifiers=(Identifier("arxiv", f"2607.{n}{at:04}"),),
                first_seen=NOW - timedelta(hours=2),
            )
            for n in range(3)
            for at, subject in enumerate(SUBJECTS)
        ]
        papers.absorb(connection, drafts, now=NOW)


def fields(page: str, name: str) -> list[str]:
    """Read the hidden fields of a name on a page, each value once, in order."""
    return list(dict.fromkeys(re.findall(rf'name="{name}" value="([\d.]+)"', page)))


def test_rating_shows_ten_papers_that_stay_and_a_preview_that_follows(here: Place, me: str) -> None:
    furnish(here)
    before = here.client.get(f"{me}/rate").text
    shown = re.findall(r'name="paper" value="(\d+)"', before)
    assert len(shown) == 10

    after = here.client.post(f"{me}/rate", data={"paper": shown[3], "thumb": "up"}).text

    assert re.findall(r'name="paper" value="(\d+)"', after) == shown
    assert "1 of 10 rated" in after
    assert after.count('aria-pressed="true"') == 1
    assert before.partition('id="preview"')[2] != after.partition('id="preview"')[2]
    assert [(one.paper_id, one.source) for one in cast(here)] == [(int(shown[3]), "rate")]
    undone = here.client.post(f"{me}/rate", data={"paper": shown[3], "thumb": "clear"}).text
    assert "0 of 10 rated" in undone


def test_what_was_rated_stays_while_the_ten_are_rated_and_never_comes_again(
    here: Place, me: str
) -> None:
    furnish(here)
    before = here.client.get(f"{me}/rate").text
    shown, (ten,) = fields(before, "paper"), fields(before, "ten")
    assert ten == ".".join(shown)

    for at in (0, 4, 7):
        form = {"paper": shown[at], "thumb": "up", "ten": ten}
        after = here.client.post(f"{me}/rate", data=form).text
        assert fields(after, "paper") == shown
    assert "3 of 10 rated" in after

    again = fields(here.client.get(f"{me}/rate").text, "paper")
    assert len(again) == 10
    assert not {shown[0], shown[4], shown[7]} & set(again)


def test_after_ten_come_ten_more_until_there_are_none(here: Place, me: str) -> None:
    furnish(here)
    address, shown = f"{me}/rate", list[str]()
    while True:
        page = here.client.get(address).text
        assert page == here.client.get(address).text
        ten = fields(page, "paper")
        assert not set(ten) & set(shown)
        shown += ten
        more = re.search(r'href="([^"]*/rate\?seen=[\d.]+)">Rate ten more<', page)
        if not more:
            break
        assert len(ten) == 10
        address = more[1]

    assert len(shown) > 20
    answer = here.client.post(f"{me}/rate", data={"paper": shown[11], "thumb": "down"})
    assert answer.status_code == 200


def test_with_nothing_left_to_rate_the_page_says_so_and_leads_on(here: Place, me: str) -> None:
    for paper in here.papers:
        here.client.post(f"{me}/rate", data={"paper": paper.id, "thumb": "up"})

    page = here.client.get(f"{me}/rate").text

    assert fields(page, "paper") == []
    assert "There are no papers to rate now" in page
    assert "0 of 0" not in page
    assert 'id="preview"' not in page  # all papers are rated, so that there is none to come
    assert page.count(f'href="{me}"') >= 2


@pytest.mark.parametrize("given", ["", "x", "a.b", "-1", "9" * 30, "٣", "." * 9000, "0"])
def test_ids_that_are_none_change_nothing(here: Place, me: str, given: str) -> None:
    furnish(here)
    expected = fields(here.client.get(f"{me}/rate").text, "paper")

    answer = here.client.get(f"{me}/rate", params={"seen": given})

    assert answer.status_code == 200
    assert fields(answer.text, "paper") == expected


def test_ids_of_papers_that_are_not_to_be_rated_are_not_shown(here: Place, me: str) -> None:
    furnish(here)
    bring(here, LIBRARY)
    private, _ = own(here)
    expected = fields(here.client.get(f"{me}/rate").text, "paper")
    form = {"paper": "1", "thumb": "clear", "ten": f"{private.id}.99999"}

    answer = here.client.post(f"{me}/rate", data=form)

    assert answer.status_code == 200
    assert fields(answer.text, "paper") == expected


def test_opening_the_pages_votes_nothing(here: Place, me: str) -> None:
    for path in ("start", "rate"):
        for _ in range(2):
            here.client.get(f"{me}/{path}")
            here.client.head(f"{me}/{path}")

    assert cast(here) == []
    assert here.current().status is Status.ACTIVE


@pytest.mark.parametrize("path", ["start", "rate", "delete", "export.jsonl", "taste"])
def test_a_forged_link_opens_nothing(here: Place, me: str, path: str) -> None:
    forged = me[:-1] + ("A" if me[-1] != "A" else "B")

    answer = here.client.get(f"{forged}/{path}")

    assert answer.status_code == 404
    assert "Page not available" in answer.text


def test_others_write_while_a_long_list_is_taken(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list is written in short transactions, so that a vote need not wait for all of it."""
    begun = 0
    begin = here.program.store.begin

    def counting() -> AbstractContextManager[Connection]:
        nonlocal begun
        begun += 1
        return begin()

    monkeypatch.setattr(here.program.store, "begin", counting)
    text = "\n".join(f"TY  - X\nTI  - On matter {n} and {n * n}\nER  - " for n in range(250))

    found = bring(here, text)

    assert (found.new, found.liked) == (250, 250)
    assert begun == math.ceil(250 / onboarding.AT_ONCE)


def test_one_list_of_a_reader_is_taken_at_a_time(
    here: Place, monkeypatch: pytest.MonkeyPatch, me: str
) -> None:
    """Two at once would each find room for themselves, and together be more than the quota."""
    prepare = papers.prepare
    elsewhere = TestClient(here.client.app, base_url=FOREIGN, client=("192.0.2.7", 1))
    elsewhere.portal = here.client.portal  # one event loop for both, as the daemon has
    second: list[Any] = []
    called = 0

    def bring_another(*args: Any) -> Any:
        nonlocal called
        called += 1
        if called == 1:
            second.append(elsewhere.post(f"{me}/start", data={"text": LIBRARY}))
        return prepare(*args)

    monkeypatch.setattr(papers, "prepare", bring_another)

    first = here.client.post(f"{me}/start", data={"text": LIBRARY})

    assert (first.status_code, second[0].status_code) == (200, 429)
    assert "Another list of yours is being imported now" in second[0].text
    assert int(second[0].headers["Retry-After"]) == onboarding.AGAIN_AFTER.total_seconds()
    assert here.client.post(f"{me}/start", data={"text": LIBRARY}).status_code == 200


def test_who_deletes_everything_while_a_list_is_taken_leaves_nothing_of_it(
    here: Place, monkeypatch: pytest.MonkeyPatch, me: str
) -> None:
    bring_prepared = private_upsert.bring_prepared
    store = here.program.store
    batches: list[object] = []

    def bring_and_count(*args: Any, **more: Any) -> Any:
        batches.append(args)
        return bring_prepared(*args, **more)

    begin = store.begin

    def begin_after_deleting() -> AbstractContextManager[Connection]:
        if len(batches) == 1:
            batches.append(())
            removal.remove(store, here.reader.id)
        return begin()

    monkeypatch.setattr(private_upsert, "bring_prepared", bring_and_count)
    monkeypatch.setattr(store, "begin", begin_after_deleting)
    text = "\n".join(f"TY  - X\nTI  - On matter {n} and {n * n}\nER  - " for n in range(250))

    answer = here.client.post(f"{me}/start", data={"text": text})

    assert answer.status_code == 404
    assert own(here) == []
