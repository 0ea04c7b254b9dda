"""The list of dump formats, in the order in which they are asked whether they recognise a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.huggingface_api import HuggingFaceApi
from larkpost.formats.jsonl import Jsonl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.interfaces import DumpFormat

# The most particular first: the first that recognises a file reads it.
DUMP_FORMATS: Sequence[DumpFormat] = (HuggingFaceApi(), Jsonl(), HuggingFacePage())
