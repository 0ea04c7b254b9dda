"""Names the days, weeks and months of the archive in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.editions.archive import SpanKind
from larkpost.render.wording import date_in_words, day_and_month

if TYPE_CHECKING:
    from larkpost.editions.archive import DateSpan


def span_name(span: DateSpan) -> str:
    """Name a span in words: ``Friday, 7 August 2026``, ``Week 32 of 2026``, ``August 2026``."""
    match span.kind:
        case SpanKind.DAY:
            return date_in_words(span.first)
        case SpanKind.WEEK:
            year, week, _ = span.first.isocalendar()
            return f"Week {week} of {year}"
        case SpanKind.MONTH:
            return f"{day_and_month(span.first).partition(' ')[2]} {span.first.year}"
