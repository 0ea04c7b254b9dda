"""The thirty sample papers of every capture of the replica and of every hand-made shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DAY = date(2026, 8, 7)  # the day on which all captures were made
QUERY = "language model"  # the query of the search page


@dataclass(frozen=True)
class Organisation:
    """A laboratory or company: its account and the name that the page shows."""

    handle: str
    name: str


@dataclass(frozen=True)
class Github:
    """The code of a paper, with the number of stars as the page writes it (``1.3k``)."""

    repository: str
    stars: str


@dataclass(frozen=True)
class SamplePaper:
    """One invented paper, with its text as in the page's source: with arXiv's line ends.

    ``summary`` is the sentence that the page of trending papers shows instead of the abstract;
    ``authors`` and ``comments`` are numbers, because the page shows no names.
    """

    id: str
    title: str
    abstract: str
    summary: str
    votes: int | None
    published: date
    authors: int
    organisation: Organisation | None
    comments: int
    github: Github | None
    submitter: str


def _sample(fields: dict[str, Any]) -> SamplePaper:
    organisation, github = fields.pop("organisation"), fields.pop("github")
    return SamplePaper(
        **fields | {"published": date.fromisoformat(fields["published"])},
        organisation=Organisation(**organisation) if organisation else None,
        github=Github(**github) if github else None,
    )


def sample_papers() -> list[SamplePaper]:
    """The papers of ``papers.json``, in the order of the page."""
    return [_sample(fields) for fields in json.loads((FOLDER / "papers.json").read_bytes())]
