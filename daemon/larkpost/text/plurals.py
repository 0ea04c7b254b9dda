"""Writes counts with singular or plural, and sentences with one mark at the end."""

from __future__ import annotations

# Marks that end a sentence, also before a closing quotation mark or bracket.
_ENDS = (".", "!", "?", "…", "。", "！", "？", ":")  # noqa: RUF001 - full-width on purpose
_CLOSING = "\"')]”’»›"  # noqa: RUF001 - quotation marks of all kinds


def quantity(count: int, noun: str, plural: str = "") -> str:
    """Write ``1 paper``, ``2 papers``, ``1,234 papers``; ``plural`` is an irregular plural."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def thumbs(count: int, direction: str) -> str:
    """Write ``1 thumb up``, ``2 thumbs up``."""
    return quantity(count, f"thumb {direction}", f"thumbs {direction}")


def tally(ups: int, downs: int, step: int = 1) -> str:
    """Write ``2 thumbs up, 0 down``; for counts in larger steps ``at least 5 thumbs up``."""
    if step == 1:
        return f"{thumbs(ups, 'up')}, {downs} down"
    told = [f"at least {ups:,} thumbs up"] if ups else []
    if downs:
        told.append(f"at least {downs:,} {'' if ups else 'thumbs '}down")
    return ", ".join(told)


def capitalise(text: str) -> str:
    """Begin a text with a capital letter."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """End a text as a sentence: with a full stop, unless it already ends with a mark."""
    text = text.strip()
    if not text or text.rstrip(_CLOSING).endswith(_ENDS):
        return text
    return f"{text}."
