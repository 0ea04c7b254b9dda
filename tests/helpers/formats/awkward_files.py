"""The awkward inputs: files with a table of their results, and files generated here.

``python -m tests.helpers.formats.awkward_files`` rewrites the table after messages changed.
"""

from __future__ import annotations

import gzip
import io
import json
import tomllib
import zipfile
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.helpers.dump_files import ABSTRACT, NOW, everything, page, read, write

from larkpost.db import migrations, papers
from larkpost.db.engine import Store
from larkpost.errors import UnreadableDump

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


AWKWARD = Path(__file__).parents[2] / "awkward"
TABLE = AWKWARD / "expected.toml"
AS_PAPERS = " --as-papers"
_MEGABYTE = 1_000_000
_WEEK = timedelta(days=7)


def _zip_bomb() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("bomb.txt"), bytes(30 * _MEGABYTE), zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo("page.txt"), page(), zipfile.ZIP_DEFLATED)
    return body.getvalue()


def _long_line() -> bytes:
    return page("Aug 7", "One", "Two").encode() + b"x" * (10 * _MEGABYTE) + b"\n"


def _large_list() -> bytes:
    item = json.dumps({"title": "A Title", "abstract": ABSTRACT})
    return f"[{','.join([item] * (17 * _MEGABYTE // len(item)))}]".encode()


# Too large to be stored as files; each is generated when its test begins.
MADE: Mapping[str, Callable[[], bytes]] = {
    "made-bomb.txt.gz": lambda: gzip.compress(bytes(30 * _MEGABYTE)),
    "made-bomb.zip": _zip_bomb,
    "made-one-line-of-10-mb.txt": lambda: b"word " * (2 * _MEGABYTE),
    "made-page-with-a-line-of-10-mb.txt": _long_line,
    "made-json-list-of-17-mb.json": _large_list,
    "made-nested-too-deep.html": lambda: b"<html><body>" + b"<div>" * 5_000 + b"deep",
}


def expected() -> dict[str, dict[str, Any]]:
    """Read the table: the result of each file, by name."""
    return tomllib.loads(TABLE.read_text("utf-8"))


def file_names() -> set[str]:
    """List the names of all awkward files."""
    return {file.name for file in AWKWARD.iterdir() if file != TABLE} | set(MADE)


def result_of(store: Store, folder: Path, row: str) -> dict[str, Any]:
    """Read an awkward file into an empty store; returns the result as in the table."""
    name = row.removesuffix(AS_PAPERS)
    content = MADE[name]() if name in MADE else (AWKWARD / name).read_bytes()
    file = write(folder, content, name)
    try:
        report = read(store, file, as_papers=row.endswith(AS_PAPERS))
    except UnreadableDump as refusal:
        return {"refused": str(refusal), "try": refusal.hint}
    stored = everything(store)
    with store.read() as connection:
        fresh = papers.candidates(connection, at=NOW, window=_WEEK)
    told: dict[str, Any] = {
        "format": report.format,
        "day": report.captured,
        "papers": [
            one.title
            if one.identifier.scheme in ("text", "url")
            else f"{one.identifier} {one.title}"
            for one in stored
        ],
        "records": report.papers if report.papers != len(stored) else None,
        "candidates": len(fresh) if len(fresh) != len(stored) else None,
        "withdrawn": [str(one.identifier) for one in stored if one.withdrawn],
        "warnings": list(report.warnings),
        "rejected": [one.reason for one in report.rejects],
        "cut": report.cut,
    }
    return {key: value for key, value in told.items() if value or key == "papers"}


def write_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Format results as TOML, for people to compare with the documents."""
    return "\n".join(
        f"[{json.dumps(name)}]\n"
        + "".join(f"{key} = {_toml(value)}\n" for key, value in rows[name].items())
        for name in sorted(rows)
    )


def rewrite_table() -> None:
    """Rewrite the table below its first comment; a person has to check the difference."""
    comment = TABLE.read_text("utf-8").partition("\n\n")[0]
    rows: dict[str, dict[str, Any]] = {}
    for row in expected():
        with TemporaryDirectory() as made:
            file = Path(made) / "papers.db"
            migrations.make_file(file)
            store = Store(f"sqlite:///{file}")
            migrations.upgrade(store)
            rows[row] = result_of(store, Path(made), row)
            store.close()
    TABLE.write_text(f"{comment}\n\n{write_table(rows)}", "utf-8")


def _toml(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list) and value:
        return "[\n" + "".join(f"  {_toml(one)},\n" for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    rewrite_table()
