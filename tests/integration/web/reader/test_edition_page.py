"""Tests the page of an edition, its rate limit of thumbs, and prefetching programs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.helpers.factories import picks_of
from tests.helpers.web.site_client import BASE, NOW, TODAY, contents, place

from larkpost.db import editions, papers, readers
from larkpost.db.coordination import rate_limits
from larkpost.db.engine import Store
from larkpost.domain import PaperRecord

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pytest
    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Connection


def test_the_edition_page_shows_every_pick_in_order_with_both_buttons(here: Place) -> None:
    here.client.post(here.vote_path(2, "up"))

    page = here.client.get(here.path(here.program.links.edition(here.edition))).text

    places = [page.index(paper.title) for paper in here.papers]
    assert places == sorted(places)
    assert page.count('<form method="post"') == 6
    assert "aria-pressed" not in page  # a message is passed on, and whoever has it opens this
    assert "Friday, 7 August 2026" in page


def test_an_old_edition_can_be_read_but_not_voted_on(here: Place) -> None:
    here.clock.now = NOW + timedelta(days=400)

    answer = here.client.get(here.path(here.program.links.edition(here.edition)))

    assert answer.status_code == 200
    assert "<form" not in answer.text
    assert "90 days" in answer.text


def test_the_edition_page_takes_no_post(here: Place) -> None:
    answer = here.client.post(here.path(here.program.links.edition(here.edition)))

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_scanners_that_open_every_link_three_times_change_nothing(
    tmp_path: Path, database_url: str
) -> None:
    """Mail scanners and feed readers fetch every link, with GET and HEAD (FAULTS D5 69)."""
    with place(tmp_path, database_url) as here:
        reader, press = here.reader, here.program.renderer
        sources = [
            press.html(here.edition),
            press.text(here.edition),
            *(press.feed([here.edition], form).decode() for form in ("rss", "atom", "json")),
        ]
        links = here.program.links
        found = {
            link.rstrip(".")
            for source in sources
            for link in re.findall(rf"{re.escape(BASE)}[^\s\"'<>\\)\]&]*", source)
        } | {
            links.leave(reader),
            links.confirm(reader),
            links.page(reader),
            links.edition(here.edition),
        }
        before = contents(here.program.store)

        statuses = {
            (here.client.request(method, here.path(link))).status_code
            for _ in range(3)
            for link in found
            for method in ("GET", "HEAD")
        }

        assert statuses == {200}
        assert len([link for link in found if "/vote/" in link]) >= 6
        assert contents(here.program.store) == before


def test_what_came_since_the_edition_before_is_marked_as_new(here: Place) -> None:
    earlier = here.papers[:1]
    tomorrow = NOW + timedelta(days=1)
    with here.program.store.begin() as connection:
        late = PaperRecord(title="Came in the night", first_seen=tomorrow, ingested_at=tomorrow)
        (absorbed,) = papers.absorb(connection, [late], now=tomorrow)
        fresh = papers.get(connection, [absorbed.paper_id])[absorbed.paper_id]
        second = editions.publish(
            connection,
            reader=readers.get(connection, here.reader.id),
            date=TODAY + timedelta(days=1),
            picks=picks_of([*earlier, fresh]),
            now=tomorrow,
            next_slot=None,
            message_id=None,
        )
    assert second

    first_page, second_page = (
        here.client.get(here.path(here.program.links.edition(one))).text
        for one in (here.edition, second)
    )

    assert 'class="new"' not in first_page
    assert second_page.count('class="new"') == 1
    own_page = here.client.get(here.path(here.program.links.page(here.reader))).text
    assert own_page.count('class="new"') == 1
    for page in (second_page, own_page):
        assert re.search(r'Came in the night</bdi>(</a>)? <span class="new">', page)


def test_thumbs_have_their_measure_whichever_page_they_come_from(here: Place) -> None:
    me = here.path(here.program.links.page(here.reader))
    form = {"action": "vote", "paper": here.papers[0].id, "thumb": "up"}
    with here.program.store.begin() as connection:
        for _ in range(599):
            rate_limits.allow(
                connection, f"vote:{here.reader.uid}", now=NOW, most=600, per=timedelta(hours=1)
            )

    answers = [here.client.post(here.vote_path(1, "up")), here.client.post(me, data=form)]

    assert [one.status_code for one in answers] == [303, 429]
    assert int(answers[1].headers["retry-after"]) > 0
    assert here.client.get(me).status_code == 200


def test_who_has_no_thumb_left_is_told_so_while_others_write(here: Place) -> None:
    """What is refused waits for no writer, and keeps none waiting."""
    with here.program.store.begin() as connection:
        for _ in range(600):
            rate_limits.allow(
                connection, f"vote:{here.reader.uid}", now=NOW, most=600, per=timedelta(hours=1)
            )
    here.program.store.patience = 0.0
    with here.program.store.begin():
        assert here.client.post(here.vote_path(1, "up")).status_code == 429
    assert here.thumb(1) is None


def test_a_thumb_is_one_transaction_with_its_turn(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, began = Store.begin, []

    def begin_counted(store: Store) -> AbstractContextManager[Connection]:
        began.append(store)
        return begin(store)

    monkeypatch.setattr(Store, "begin", begin_counted)

    assert here.client.post(here.vote_path(1, "up")).status_code == 303
    assert len(began) == 1


def test_a_thumb_beyond_the_measure_is_not_written_though_it_was_let_in(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once may both find the last turn free; the second finds it taken when it writes."""
    monkeypatch.setattr(rate_limits, "allow", lambda *_args, **_options: False)

    assert here.client.post(here.vote_path(1, "up")).status_code == 429
    assert here.thumb(1) is None
