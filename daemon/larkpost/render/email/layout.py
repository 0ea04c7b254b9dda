"""Lays out an edition as HTML or text, from fragments that readers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from larkpost.domain import Edition
from larkpost.render import wording
from larkpost.render.template_fragments import Fragment, cut, gap, partly
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.render.presenters import Facts, PickView
    from larkpost.render.templates import Form

CACHED_STORIES = 4096
CACHED_PLACES = 4 * CACHED_STORIES
CACHED_TEXTS = 16384


class AbstractLengths(NamedTuple):
    """How many characters of an abstract are shown: of the first paper and of the others."""

    first: int
    others: int


AMPLE = AbstractLengths(first=900, others=560)
TIGHTER = (
    AbstractLengths(700, 350),
    AbstractLengths(450, 199),
    AbstractLengths(250, 110),
    AbstractLengths(90, 50),
    AbstractLengths(0, 0),
)


@dataclass(frozen=True, slots=True)
class EditionText:
    """The texts of one edition, and the targets of its links."""

    edition: Edition
    stories: Sequence[PickView]
    subject: str
    links: dict[str, str]
    ballot: str

    def first(self, count: int) -> EditionText:
        """Keep only so many papers; the page says how many are missing."""
        return replace(self, stories=self.stories[:count])

    def texts(self) -> dict[str, str]:
        """Return the texts around the papers."""
        edition = self.edition
        others = [view.facts.short for view in self.stories[1:4]]
        return {
            "subject": self.subject,
            "preheader": f"Also: {' · '.join(others)}"
            if others
            else wording.describe_selection(edition),
            "greeting": wording.greeting(edition.reader),
            "date": wording.date_in_words(edition.date),
            "chosen": wording.describe_selection(edition),
        }

    def notes(self) -> list[str]:
        """Return the notes of this edition, if any."""
        edition = self.edition
        return [
            wording.catch_up(edition),
            wording.describe_empty_day(edition),
            one_line(edition.note),
        ]

    def rest(self) -> str:
        """Return how many papers are missing, if any."""
        missing = len(self.edition.picks) - len(self.stories)
        return f"{missing} more in this edition: read it in the browser." if missing else ""


class Layout:
    """One form of a message in one encoding; rendered parts are cached for the next reader."""

    def __init__(self, form: Form, encode: Callable[[str], bytes]) -> None:
        self._form = form
        self._encode = encode
        self._pages = {feed: self._cut_page(feed=feed) for feed in (True, False)}
        self._between = encode(form.between)
        self._story = lru_cache(CACHED_STORIES)(self._set_story)
        self._placed = lru_cache(CACHED_PLACES)(self._set_at_place)
        self._text = lru_cache(CACHED_TEXTS)(self._set_text)
        self._note = lru_cache(CACHED_TEXTS)(self._set_note)
        self._clause = lru_cache(CACHED_TEXTS)(encode)

    def page(self, copy: EditionText, measure: AbstractLengths) -> list[bytes]:
        """Render a whole edition, in parts to be joined."""
        said = {name: self._text(text) for name, text in copy.texts().items()}
        for name, link in copy.links.items():
            said[name] = self._set_text(link)
        said["notes"] = b"".join(map(self._note, copy.notes()))
        said["rest"] = self._note(copy.rest())
        above, below = self._pages["feed" in copy.links]
        return [*above.fill(said), *self._stories(copy, measure), *below.fill(said)]

    def _cut_page(self, *, feed: bool) -> tuple[Fragment, Fragment]:
        above, below = self._form.page(feed=feed).split(gap("picks"))
        return cut(above, self._encode), cut(below, self._encode)

    def _stories(self, copy: EditionText, measure: AbstractLengths) -> list[bytes]:
        parts: list[bytes] = []
        ballot = self._set_text(copy.ballot)
        room, lead = measure.first, True
        for pick, facts, reason in copy.stories:
            why = self._between.join(map(self._clause, self._form.why(reason)))
            fragment = self._placed(facts, room, lead, pick.position)
            parts += fragment.fill({"why": why, "ballot": ballot})
            room, lead = measure.others, False
        return parts

    def _set_at_place(self, facts: Facts, room: int, lead: bool, position: int) -> Fragment:
        place = {"position": self._encode(str(position))}
        return partly(self._story(facts, room, lead), place)

    def _set_story(self, facts: Facts, room: int, lead: bool) -> Fragment:
        return cut(self._form.pick(facts, room, lead=lead), self._encode)

    def _set_text(self, text: str) -> bytes:
        return self._encode(self._form.escape(text))

    def _set_note(self, text: str) -> bytes:
        return self._encode(self._form.note(text))
