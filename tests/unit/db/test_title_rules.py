"""Tests titles: edits of one paper, siblings that are two papers, better typeset copies."""

from __future__ import annotations

from itertools import permutations

import pytest

from larkpost.db.matching.comparison.title_rules import TitleRelation, better_set, compare_titles


def relations(first: str, second: str) -> set[TitleRelation]:
    return {compare_titles(first, second), compare_titles(second, first)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("U-Net Strikes Back", "UNet strikes back"),
        ("What GPT-4 Reads", "What GPT4 Reads"),
        ("LLaMA-2 at Sea", "LLaMA 2 at Sea"),
        ("An e-mail Corpus", "An Email Corpus"),
        ("Pre-training on Tides", "Pretraining on Tides"),
        ("State\u2010of\u2011the\u2013art Tides", "State-of-the-art Tides"),
        ("Café Networks", "Cafe Networks"),
        ("Eﬃcient Tides", "Efficient Tides"),
        ("The Øresund Corpus", "The Oresund Corpus"),
        ("\u03b1-Former", r"$\alpha$-Former"),
        ("λ-Tides at ε", r"$\lambda$-Tides at $\varepsilon$"),
        ("Bakers &amp; Bread", "Bakers & Bread"),
        ("Bakers &amp;amp; Bread", "Bakers & Bread"),
        ("The <i>E. coli</i> Atlas", "The E. coli Atlas"),
    ],
)
def test_how_a_title_is_set_makes_no_other_title(first: str, second: str) -> None:
    assert relations(first, second) == {TitleRelation.SAME}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Routing Tokans without an Auxilary Loss", "Routing Tokens without an Auxiliary Loss"),
        ("A Model of Tides", "The Models for Tides"),
        ("Models of Tides", "Models of Tides: Eleven Harbours over Nine Years"),
        ("Models of Tides", "LarkTide: Models of Tides"),
        ("Scaling Behaviour of Tides", "Scaling Behavior of Tides"),
        ("U-Net for Tidse", "UNet for Tides"),
        ("The Law of LLMs", "Law of Language Models"),
        ("Tides with GNNs", "Tides with Graph Neural Networks"),
        ("Welsh and Basque Receipts", "Basque and Welsh Receipts"),
    ],
)
def test_a_slip_an_article_a_subtitle_is_an_edit(first: str, second: str) -> None:
    assert relations(first, second) == {TitleRelation.EDITED}


TEMPLATES = {
    "A Corpus of Receipts in {}": ["Basque", "Welsh", "Scots Gaelic"],
    "A Corpus of Receipts ({})": ["Basque", "Welsh"],
    "{}-English Receipts": ["Basque", "Welsh"],
    "Deep Networks for {} Segmentation": ["Kidney", "Liver", "Prostate"],
    "Air Quality in {}": ["Paris", "Prague", "New York"],
    "Shared {}: Reading Receipts": ["Task 1", "Task 2", "Task One", "Task Two"],
    "The Mathematics of Tides, {}": ["Part I", "Part II", "Part III", "Part B"],
    "Receipts: The {} Edition": ["2024", "2025"],
    "Lark {} Technical Report": ["7B", "70B", "Small", "Large"],
    "What {} Reads": ["GPT-4", "GPT-4o", "GPT-5"],
    "{} Parsing of Receipts": ["Supervised", "Unsupervised"],
    "Reading Receipts {} Labels": ["with", "without"],
    "面向{}的收据语料库": ["德语", "法语", "威尔士语"],
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_titles_of_one_template_are_siblings(template: str) -> None:
    titles = [template.format(word) for word in TEMPLATES[template]]

    for first, second in permutations(titles, 2):
        assert compare_titles(first, second) is TitleRelation.SIBLING, (first, second)


def test_titles_with_little_in_common_are_no_siblings() -> None:
    assert relations("Counting Sheep", "Herds seen from Above") == {TitleRelation.OTHER}


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ("Bakers &amp; Bread", "Bakers & Bread"),
        ("BAKERS AND BREAD", "Bakers and Bread"),
        (r"\emph{Bakers} and Bread", "Bakers and Bread"),
        ("Bakers andBread", "Bakers and Bread"),
        ("BAKERS &amp; BREAD", "BAKERS & BREAD"),
        ("Bakers &lt;i&gt;and&lt;/i&gt; Bread", "Bakers and Bread"),
    ],
)
def test_the_better_set_copy_is_chosen_in_either_order(worse: str, better: str) -> None:
    assert better_set(worse, better) == better_set(better, worse) == better
