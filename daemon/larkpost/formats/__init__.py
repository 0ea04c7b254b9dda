"""The dump formats: one module each, and what they share (lines, dates, kinds of files)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.huggingface_api import HuggingFaceApi
from larkpost.formats.jsonl import Jsonl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.interfaces import Source

__all__ = ["SOURCES", "HuggingFaceApi", "HuggingFacePage", "Jsonl"]

# The most particular first: the first that recognises a file reads it.
SOURCES: Sequence[Source] = (HuggingFaceApi(), Jsonl(), HuggingFacePage())
