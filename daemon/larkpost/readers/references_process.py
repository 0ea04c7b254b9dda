"""The process that reads a list of references: ``python -m larkpost.readers.references_process``.

It reads one line of JSON (see ``ReadReferencesApart``), and writes the references as JSON.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from larkpost.child_process import answer_request


def main() -> None:
    """Read the list on standard input; on an error ends with 1 and an explanation."""
    answer_request(_read)


def _read(wanted: dict[str, Any]) -> bytes:
    from larkpost.formats.references import read_references
    from larkpost.readers.references_apart import references_to_json

    return references_to_json(partial(read_references, str(wanted["text"])))


if __name__ == "__main__":
    main()
