"""Tests what a feed claims of papers before an authority lists them: their ids, and their days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers
from larkpost.domain import Identifier, PaperRecord
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
ARXIV, OTHER = Identifier("arxiv", "2608.00001"), Identifier("arxiv", "2608.00002")
DOI = Identifier("doi", "10.1234/glaciers")
FERRIES = PaperRecord(
    "Ferries That Wait: Predicting Departures from Nine Years of Logs",
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. Logs and code are public.",
)
GLACIERS = PaperRecord(
    "Glacier Melt in the Alps since the Little Ice Age",
    "We reconstruct the extent of forty glaciers from moraines and old maps, and find that two "
    "thirds of the ice is gone. Half of the loss came after 1980.",
)


def named(draft: PaperRecord, *names: Identifier) -> PaperRecord:
    """Return a record with these identifiers."""
    return replace(draft, identifiers=names)


def from_feed(draft: PaperRecord) -> PaperRecord:
    """Return a record as of a polled feed."""
    return replace(draft, unverified=Unverified.ALL)


def take(store: Store, *drafts: PaperRecord) -> list[Paper]:
    """Take records in, one an hour; return all papers."""
    for hours, draft in enumerate(drafts):
        with store.begin() as connection:
            papers.absorb(connection, [draft], now=NOW + hours * HOUR)
    return stored(store)


def stored(store: Store) -> list[Paper]:
    """Return all papers in the order of their arrival."""
    with store.read() as connection:
        return list(papers.iterate(connection))


@pytest.mark.parametrize(
    ("planted", "listed"),
    [((OTHER,), ()), ((DOI,), ()), ((DOI,), (ARXIV,))],
)
@pytest.mark.parametrize("is_one_batch", [True, False])
def test_a_paper_put_under_the_id_of_another_is_not_replaced_by_that_one(
    store: Store,
    planted: tuple[Identifier, ...],
    listed: tuple[Identifier, ...],
    is_one_batch: bool,
) -> None:
    records = (
        from_feed(named(FERRIES, *planted)),
        named(FERRIES, *listed),
        named(GLACIERS, *planted),
    )

    if is_one_batch:
        with store.begin() as connection:
            papers.absorb(connection, records, now=NOW)
    else:
        take(store, *records)

    ferries, glaciers = stored(store)
    assert (ferries.title, glaciers.title) == (FERRIES.title, GLACIERS.title)
    assert [glaciers.identifier, *listed] == [planted[0], *(ferries.identifier,) * len(listed)]
    assert take(store, *records) == stored(store)
    assert len(stored(store)) == 2


@pytest.mark.parametrize("is_feed_first", [True, False])
def test_a_paper_joined_with_one_of_a_feed_takes_no_id_from_it(
    store: Store, is_feed_first: bool
) -> None:
    spam = PaperRecord("Casino bonus for everybody", "Jackpots and spins for everybody. " * 9)
    edited = replace(FERRIES, abstract=FERRIES.abstract.replace("Logs and code", "All of it"))
    both = [from_feed(named(spam, DOI)), named(FERRIES, ARXIV)]
    planted = from_feed(named(edited, DOI))

    take(store, *(both if is_feed_first else both[::-1]), planted, named(edited, ARXIV))
    take(store, named(GLACIERS, DOI))

    ferries, glaciers = sorted(stored(store), key=lambda paper: paper.title)
    assert (ferries.title, ferries.identifier) == (FERRIES.title, ARXIV)
    assert (glaciers.title, glaciers.identifier) == (GLACIERS.title, DOI)


def test_the_address_of_an_id_that_only_a_feed_gave_stays_among_the_links(store: Store) -> None:
    (paper,) = take(store, from_feed(named(FERRIES, DOI)), FERRIES)

    assert (paper.identifier.scheme, paper.links) == ("text", ("https://doi.org/10.1234/glaciers",))


def test_a_day_of_long_ago_in_a_feed_does_not_make_an_authoritys_paper_old(store: Store) -> None:
    early = replace(
        from_feed(named(FERRIES, ARXIV)), first_seen=LONG_AGO, published=LONG_AGO.date()
    )

    (paper,) = take(store, early, replace(named(FERRIES, ARXIV), published=NOW.date()))

    assert (paper.first_seen, paper.ingested_at, paper.published) == (NOW, NOW, NOW.date())


def test_a_feed_leaves_room_for_the_categories_links_and_keywords_of_an_authority(
    store: Store,
) -> None:
    early = replace(
        from_feed(named(FERRIES, ARXIV)),
        categories=("q-bio.PE", "econ.EM"),
        links=tuple(f"https://blog.example/{n}" for n in range(50)),
        keywords=tuple(f"bonus {n}" for n in range(50)),
    )
    code = "https://code.example/ferries"
    listed = replace(
        named(FERRIES, ARXIV), categories=("cs.LG",), links=(code,), keywords=("ferries",)
    )

    (paper,) = take(store, early, listed)

    assert (paper.categories, paper.links[0], paper.keywords[0]) == (("cs.LG",), code, "ferries")


def test_only_an_old_id_of_arxiv_shows_that_a_feeds_paper_is_not_new(store: Store) -> None:
    day = date(2020, 1, 1)
    old = replace(from_feed(named(FERRIES, Identifier("arxiv", "2001.00001"))), came_out=day)

    ferries, glaciers = take(store, old, replace(from_feed(GLACIERS), came_out=day))

    assert (ferries.ingested_at.date(), glaciers.ingested_at) == (day, NOW + HOUR)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_feed_dates_no_paper_of_an_authority(store: Store, is_first: bool) -> None:
    dated = replace(from_feed(named(FERRIES, ARXIV)), published=LONG_AGO.date())

    (paper,) = take(store, *([dated] if is_first else []), named(FERRIES, ARXIV), dated)

    assert paper.published is None


def test_the_address_of_another_text_under_its_identifier_is_no_link_of_a_paper(
    store: Store,
) -> None:
    number = Identifier("pmid", "12345678")
    planted = replace(from_feed(named(FERRIES, number)), url="https://evil.example/casino")

    (paper,) = take(store, planted, named(GLACIERS, number))

    assert (paper.title, paper.url, paper.links) == (GLACIERS.title, None, ())


TRAFFIC = PaperRecord(
    f"{FERRIES.title} of Traffic Jams",
    "A city lends us the loops under its streets; a year of counts of cars shows at which "
    "crossings jams begin, and a model of the streets foretells them by half an hour.",
    (Identifier("url", "https://journal.example/jams"),),
)


@pytest.mark.parametrize("end", ["", " Read more."])
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("is_listed", [True, False])
def test_a_feed_cannot_join_two_papers_by_the_address_of_one_and_the_text_of_the_other(
    store: Store, *, is_first: bool, is_listed: bool, end: str
) -> None:
    listed = named(FERRIES, ARXIV)
    text = replace(FERRIES, abstract=f"{FERRIES.abstract}{end}")
    glue = from_feed(named(text, *TRAFFIC.identifiers))
    other = TRAFFIC if is_listed else replace(from_feed(TRAFFIC), text_source="source journal")

    found = take(store, *((glue, listed) if is_first else (listed, glue)), other)

    assert [(one.title, one.abstract) for one in found] == [
        (one.title, one.abstract) for one in (FERRIES, TRAFFIC)
    ]


def test_an_authority_does_not_replace_the_text_of_a_feed_under_an_address_by_a_longer_title(
    store: Store,
) -> None:
    found = take(store, from_feed(named(FERRIES, *TRAFFIC.identifiers)), TRAFFIC)

    assert [one.title for one in found] == [FERRIES.title, TRAFFIC.title]


def test_a_paper_with_the_former_text_of_a_feeds_paper_gets_the_identifier_of_its_text(
    store: Store,
) -> None:
    traffic = replace(TRAFFIC, abstract=f"{TRAFFIC.abstract} {TRAFFIC.abstract[::-1]}")
    early = [from_feed(named(draft, DOI)) for draft in (FERRIES, traffic)]

    feeds, listed = take(store, *early, FERRIES)

    assert (feeds.title, listed.title) == (TRAFFIC.title, FERRIES.title)
    with store.read() as connection:
        names = dict(papers.names(connection, [feeds.id, listed.id]))
    assert (names[feeds.identifier], names[listed.identifier]) == (feeds.id, listed.id)
