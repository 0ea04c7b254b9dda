"""Lists that readers import, and their results: for tests of private papers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from tests.helpers.web.site_client import NOW

from larkpost.db import editions, papers, readers, votes
from larkpost.db.private import private_papers
from larkpost.domain import Identifier, Pick
from larkpost.readers import onboarding

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader, Thumb

NAME = Identifier("arxiv", "2401.00001")
OTHER = Identifier("doi", "10.1000/other")
# The uid of a public paper with this name, which anybody can compute.
GUESSED = uuid5(uuid5(NAMESPACE_URL, "https://larkpost.invalid/paper"), str(NAME))
BROUGHT = """
@article{one, title={Cheap pills across an ocean of noise}, eprint={2401.00001}, year=2024,
  doi={10.1000/other}, abstract={Buy whale pills at https://spam.example/buy now.}}
"""


def bring(here: Place, reader: Reader, text: str = BROUGHT) -> onboarding.OnboardingResult:
    """Import a list for a reader."""
    return onboarding.from_references(here.program.store, reader.id, text, now=NOW)


def read_private(store: Store, reader: Reader) -> list[Paper]:
    """Read the private papers of a reader."""
    with store.read() as connection:
        return private_papers.of(connection, reader.id)


def find_public(store: Store, name: Identifier = NAME) -> Paper | None:
    """Find a public paper by its identifier."""
    with store.read() as connection:
        return papers.by_identifier(connection, name)


def read_thumbs(store: Store, reader: Reader) -> dict[str, Thumb]:
    """Read a reader's thumbs by the titles of the papers."""
    with store.read() as connection:
        cast = votes.of(connection, reader.id)
        found = papers.get(connection, {one.paper_id for one in cast})
    return {found[one.paper_id].title: one.thumb for one in cast}


def edition_like_it(here: Place) -> str:
    """Publish an edition whose only pick is like the private paper; returns its path."""
    (private,) = read_private(here.program.store, here.reader)
    day = NOW.date() + timedelta(days=1)
    pick = Pick(
        paper=here.papers[0], position=1, score=1.0, probability=0.5, similar_paper=private,
    )  # fmt: skip
    with here.program.store.begin() as connection:
        edition = editions.publish(
            connection, reader=readers.get(connection, here.reader.id), date=day, picks=[pick],
            now=NOW, next_slot=None, message_id="<like@example.org>",
        )  # fmt: skip
    assert edition
    return here.path(here.program.links.edition(edition))
