"""Lists of titles, without abstracts: the digest mail and the daily list, in every form."""

from __future__ import annotations

import pytest
from tests.helpers.papers_page import drafts
from tests.helpers.sample_pages import EXPECTED, HEAD, PAPERS

MAIL = (
    "Daily Papers\nby AK and the AI research community\nHi Ann, a longer greeting than usual.\n"
    "Here is the selection of papers for today (7 Aug):\n"
)


@pytest.mark.parametrize(
    "line",
    [
        "{title} ({votes} ▲)",
        "{title} [{votes} ▲]",
        "{votes} ▲ {title}",
        "{title} ({votes} ▲)\n<https://huggingface.co/papers/{id}?utm_source=digest>",
        "<https://huggingface.co/papers/{id}>\n{title} ({votes} ▲)",
        "{title} <https://huggingface.co/papers/{id}?utm_source=digest> ({votes} ▲)",
        "[{title}](https://huggingface.co/papers/{id}) ({votes} ▲)",
        "* {title} ({votes} ▲)",
        "> {title} ({votes} ▲)",
    ],
)
def test_the_digest_mail_gives_titles_with_votes_and_no_greeting(line: str) -> None:
    listed = "\n".join(
        line.format(title=title, votes=n, id=paper.id)
        for n, ((title, _), paper) in enumerate(zip(EXPECTED, PAPERS, strict=True), 10)
    )
    mail = f"{MAIL}{listed}\nTo view more checkout today's page.\nOnwards and upwards,\nAK\n"
    if line.startswith("> "):
        mail = "\n".join(
            text if text.startswith("> ") else f"> {text}" for text in mail.splitlines()
        )

    found = drafts(mail)

    assert [draft.title for draft in found] == [title for title, _ in EXPECTED]
    assert [draft.upvotes for draft in found] == list(range(10, 10 + len(PAPERS)))
    if "{id}" in line:
        assert [str(draft.identifiers[0]) for draft in found] == [f"arxiv:{p.id}" for p in PAPERS]


@pytest.mark.parametrize(
    "card",
    [
        "Submitted by\n\nada_l\n\n{votes}\n\n{title}\n\n· 12 authors",
        "Submitted by ada_l\n{votes}\n{title}\n· 12 authors",
        "{votes}\n{title}\nSubmitted by ada_l\n· 12 authors",
        "{title}\n\n▲ {votes}\n\n12 authors\n\nSubmitted by ada_l",
        "- Submitted by ada_l\n- {votes}\n- {title}\n- 12 authors",
        "- {votes} [{title}](https://huggingface.co/papers/{id}) submitted by ada_l · 12 authors",
    ],
)
def test_the_daily_list_gives_titles_with_votes(card: str) -> None:
    listed = "\n\n".join(
        card.format(title=title, votes=n, id=paper.id)
        for n, ((title, _), paper) in enumerate(zip(EXPECTED, PAPERS, strict=True), 10)
    )

    found = drafts(f"{HEAD}{listed}\n")

    assert [(draft.title, draft.abstract) for draft in found] == [
        (title, "") for title, _ in EXPECTED
    ]
    assert [draft.upvotes for draft in found] == list(range(10, 10 + len(PAPERS)))
