"""Tests that rendered editions are cached, and take a limited amount of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from larkpost.render.feeds.edition_cache import COPIES, OVERHEAD, EditionCache
from larkpost.render.feeds.entries import FeedEdition

if TYPE_CHECKING:
    from larkpost.domain import Edition
    from larkpost.interfaces import FeedFormat

LONG = 50_000  # bytes of an entry


class Renderer:
    """Renders editions of one long entry, and notes which."""

    def __init__(self) -> None:
        self.made: list[object] = []

    def __call__(self, issue: FeedEdition, form: FeedFormat) -> list[tuple[str, bytes]]:
        """Return the entries of an edition."""
        self.made.append(issue.stamp[0])
        return [(f"{issue.stamp[0]} {form}", b"x" * LONG)]


def edition(number: int) -> FeedEdition:
    return FeedEdition((number,), cast("Edition", None))


def test_an_edition_is_rendered_once_in_each_format() -> None:
    renderer = Renderer()
    cache = EditionCache(renderer)

    first = [cache.entries(edition(1), form) for form in ("rss", "atom", "rss", "atom")]

    assert renderer.made == [1, 1]
    assert [entries[0][0] for entries in first] == ["1 rss", "1 atom", "1 rss", "1 atom"]


def test_long_editions_leave_the_memory_once_others_need_it() -> None:
    renderer = Renderer()
    cache = EditionCache(renderer, most_bytes=3 * (COPIES * LONG + 2 * OVERHEAD))

    for number in (1, 2, 3, 1, 4, 1, 3, 2):  # there is room for three; 2 was used longest ago
        cache.entries(edition(number), "rss")

    assert renderer.made == [1, 2, 3, 4, 2]


def test_an_edition_larger_than_the_memory_for_all_is_rendered_and_not_kept() -> None:
    renderer = Renderer()
    cache = EditionCache(renderer, most_bytes=LONG)

    for _ in range(2):
        assert cache.entries(edition(1), "json")[0][0] == "1 json"

    assert renderer.made == [1, 1]
