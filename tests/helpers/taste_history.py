"""A reader who likes birds and dislikes stones, month after month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.helpers.web.site_client import NOW

from larkpost.db import papers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.ranking import TextSpace, TfidfRanker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Paper


BIRDS = ("birdsong", "plumage", "migration", "nests")


STONES = ("granite", "basalt", "magma", "quartz")


def unread() -> Iterator[PaperRecord]:
    """Add many other papers; otherwise every word of the votes would be common."""
    syllables = ("ka", "lo", "mi", "ru", "te", "shi", "no", "va")
    for number in range(80):
        words = [
            "".join(syllables[(number * k + j * j + k) % 8] for j in range(4)) for k in range(1, 9)
        ]
        yield PaperRecord(
            title=f"{words[0]} with {words[1]} and {words[2]} {number}",
            abstract=f"We show {' '.join(words)} by method {number * 31}.",
            identifiers=(Identifier("arxiv", f"2604.{number:05}"),),
            first_seen=NOW - timedelta(days=90),
        )


def live(here: Place, months: int = 3) -> None:
    """Let the reader like birds and dislike stones, on several days of several months."""
    drafts, thumbs, days = [], [], []
    for number in range(months * 8):
        bird = number % 2 == 0
        words = BIRDS if bird else STONES
        day = datetime(2026, 5 + number // 8, 1 + number % 8 // 2, 8, tzinfo=UTC)
        drafts.append(
            PaperRecord(
                title=f"On {words[number % 4]} and {words[(number + 1) % 4]}, part {number}",
                abstract=f"A study of {' '.join(words)} in place {number}{number * 7}.",
                identifiers=(Identifier("arxiv", f"2605.{number:05}"),),
                first_seen=day,
            )
        )
        thumbs.append(Thumb.UP if bird else Thumb.DOWN)
        days.append(day)
    with here.program.store.begin() as connection:
        papers.absorb(connection, list(unread()), now=NOW)
        found = papers.absorb(connection, drafts, now=NOW)
        votes.cast_many(
            connection,
            [
                Vote(here.reader.id, one.paper_id, thumb, day, "test")
                for one, thumb, day in zip(found, thumbs, days, strict=True)
            ],
        )
    here.fit()


class Counting(TfidfRanker):
    """The ranker, which counts the models that it fits."""

    def __init__(self) -> None:
        super().__init__(half_life_days=90)
        self.fits = 0

    def fit(
        self, corpus: Iterable[Paper], *, libraries: Sequence[Collection[int]] = ()
    ) -> TextSpace:
        """Fit as usual, and count."""
        self.fits += 1
        return super().fit(corpus, libraries=libraries)
