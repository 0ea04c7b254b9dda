"""Reads BibTeX leniently: the fields of each entry, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Each piece is limited, or a long run of letters or spaces would be read many times.
ENTRY = re.compile(r"@\s{0,9}([A-Za-z]{1,30})\s{0,9}[{(]")
_FIELD = re.compile(r"\b([A-Za-z][\w-]{0,40})\s{0,40}=\s*")
_BARE = re.compile(r"[^\s,{}()#\"]+")
_MARK = re.compile(r"\\.|[{}\"]", re.DOTALL)
_NOT_PAPERS = {"comment", "string", "preamble"}


def entries(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each entry, names in lower case, values without delimiters.

    An unterminated entry ends where the next one begins; an entry without fields is skipped. A
    value is left out if the end of the text cuts it off: half a title or half a DOI would be wrong.
    """
    heads = list(ENTRY.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=True):
        if head[1].lower() not in _NOT_PAPERS and (
            fields := _fields(text[head.end() : end], cut=end == len(text))
        ):
            yield fields


def _fields(body: str, *, cut: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0  # the key of the entry is skipped: no equals sign follows it
    while match := _FIELD.search(body, at):
        value, at = _value(body, match.end())
        if cut and at > len(body):
            break
        found.setdefault(match[1].lower(), value)
    return found


def _value(body: str, at: int) -> tuple[str, int]:
    """Read the value that begins at ``at``: in braces, in quotes, or a bare word or number."""
    if body[at : at + 1] in {"{", '"'}:
        end = _end(body, at)
        return body[at + 1 : end], end + 1
    match = _BARE.match(body, at)
    return (match[0], match.end()) if match else ("", at + 1)


def _end(body: str, at: int) -> int:
    """Find the brace, or the quote outside braces, that closes the value that begins at ``at``."""
    quoted, depth = body[at] == '"', 0
    for mark in _MARK.finditer(body, at + 1):
        if mark[0] == "{":
            depth += 1
        elif depth == 0 and mark[0] == ('"' if quoted else "}"):
            return mark.start()
        elif mark[0] == "}":
            depth = max(0, depth - 1)
    return len(body)
