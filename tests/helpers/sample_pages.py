"""Makes the papers page with nine of the sample papers, in the layout of a test."""

from __future__ import annotations

from tests.captures.samples import sample_papers

HEAD = (
    "new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\nDaily Papers\n\n"
    "byAK and the research community\n\nAug 7\n\n"
)
# Two of the sample's papers have lists and marks in their text, and have separate tests.
PAPERS = [p for p in sample_papers() if p.title != "Marginalia" and "`" not in p.abstract][:9]


def one_line(text: str) -> str:
    return " ".join(text.split())


EXPECTED = [(one_line(paper.title), one_line(paper.abstract)) for paper in PAPERS]
PLAIN = "{t}\n\n{a}\n"


def page(layout: str, head: str = HEAD) -> str:
    """Write a page; a paper has its number, title, abstract, id, link and a letter."""
    papers = (
        layout.format(
            n=n,
            t=t,
            a=a,
            id=p.id,
            link=f"https://huggingface.co/papers/{p.id}",
            letter="ABCDEFGHI"[n - 1],
        )
        for n, ((t, a), p) in enumerate(zip(EXPECTED, PAPERS, strict=True), 1)
    )
    return head + "\n".join(papers)
