"""Reads a reader's list of references in a separate process, for a limited time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from larkpost.child_process import ChildProcess
from larkpost.db.matching.record_content import read_content, write_content
from larkpost.domain import PaperRecord
from larkpost.errors import UsageError
from larkpost.formats.references import read_references

ReadReferences = Callable[[str], list[PaperRecord]]

SMALL = 16_000  # characters, which every parser reads in less time than starting a process takes
LONGEST = 10.0  # seconds, less than others wait for their turn; a list of 2,000 takes one or two
MOST_CPU = 5  # seconds of processor: beside other work a list of 2,000 may need LONGEST
REFERENCES_MODULE = "larkpost.readers.references_process"


@dataclass(frozen=True, slots=True)
class ReadReferencesApart:
    """Reads lists of more than ``small`` characters in a separate process, others here.

    Strangers choose the text, and a thread cannot be ended: however slow a parser is, a list takes
    ``seconds`` at most, and ``cpu_seconds`` of a processor. Raises UsageError for an unsupported
    kind of text and for one that takes longer, RuntimeError if the process fails, and TryAgainLater
    as soon as ``stopped`` says that nobody waits any more.
    """

    stopped: Callable[[], bool] = lambda: False
    seconds: float = LONGEST
    small: int = SMALL
    cpu_seconds: int = MOST_CPU

    def __call__(self, text: str) -> list[PaperRecord]:
        """Read all references, as ``read_references`` does."""
        if len(text) <= self.small:
            return read_references(text)
        child = ChildProcess(
            REFERENCES_MODULE, "reading a list", self.seconds, self.stopped, self.cpu_seconds
        )
        try:
            body = child.run({"store": "", "text": text})
        except TimeoutError as error:
            raise UsageError(
                "this list took too long to read, and nothing of it was imported",
                hint="bring it in parts, or export it in another format, such as BibTeX",
            ) from error
        return references_from_json(body)


def references_to_json(read: Callable[[], list[PaperRecord]]) -> bytes:
    """Return as JSON the references that are read, or the UsageError that reading them raises."""
    try:
        records = read()
    except UsageError as error:
        return json.dumps({"error": str(error), "hint": error.hint}).encode()
    return json.dumps({"references": [write_content(one) for one in records]}).encode()


def references_from_json(body: bytes) -> list[PaperRecord]:
    """Return the references in the JSON, or raise the UsageError in it."""
    answer = json.loads(body)
    if "error" in answer:
        raise UsageError(answer["error"], hint=answer["hint"])
    return [read_content({"title": "", **one}) for one in answer["references"]]
