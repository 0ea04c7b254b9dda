"""Many excluded terms are looked up at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from tests.helpers.factories import NOW

from larkpost.db import papers
from larkpost.db.search.find import find, parse
from larkpost.domain import PaperRecord

if TYPE_CHECKING:
    from larkpost.db.engine import Store

TITLES = ("Robots on ice", "Robots in kitchens", "Proteins on ice", "A glacier")


def test_excluded_terms_are_looked_up_in_one_query_of_the_index(store: Store) -> None:
    """With a query for each of fifteen, PostgreSQL took five seconds at 10,000 papers."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    with store.begin() as connection:
        papers.absorb(
            connection, [PaperRecord(title=one, first_seen=NOW) for one in TITLES], now=NOW
        )
    event.listen(store.engine, "before_cursor_execute", note)
    words = " ".join(f"-word{number}" for number in range(12))
    with store.read() as connection:
        found = find(connection, parse(f'robots -kitchens -"on fire" {words}'), limit=9)
        without = find(connection, parse('-robots -"on ice"'), limit=9)

    assert [one.title for one in found.papers] == ["Robots on ice"]
    assert [one.title for one in without.papers] == ["A glacier"]
    assert max(one.count(" MATCH ") + one.count(" @@ ") for one in asked) == 2
