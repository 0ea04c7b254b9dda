"""The process that packs an export: ``python -m larkpost.portability.export_process``.

It reads one line of JSON (see ``PackExportApart``), and writes the packed export.
"""

from __future__ import annotations

from typing import Any

from larkpost.child_process import answer_request


def main() -> None:
    """Pack the reader's data on request; on an error ends with 1 and an explanation."""
    answer_request(_pack)


def _pack(wanted: dict[str, Any]) -> bytes:
    from larkpost.db import readers
    from larkpost.db.engine import Store
    from larkpost.portability.pack_export import export_to_bytes, pack_here

    store = Store(str(wanted["store"]))
    with store.read() as connection:
        reader = readers.get(connection, wanted["reader"])
    return export_to_bytes(pack_here(store, reader))


if __name__ == "__main__":
    main()
