"""Tests titles as search words: no character in them is parsed as syntax."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.settings.paper_search_links import FIND_LINKS
from larkpost.text.search_phrase import LONGEST_ENCODED, search_url, search_words


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("MoE-Lens: Towards the Hardware Limit", "MoE-Lens Towards the Hardware Limit"),
        ('What is "attention"?', "What is attention"),
        ("“Curly” «quotes» `ticks`", "Curly quotes ticks"),
        ("A* search* or (not) [this] ~ that!", "A search or not this that"),
        ("Sort - a survey -- of -sorting+", "Sort a survey of sorting+"),
        ("author:Knuth AND site:arxiv.org OR NOT me", "author Knuth and site arxiv.org or not me"),
        ("C# and C++ for R&D at 99% & more", "C# and C++ for R&D at 99% more"),
        ("Rates of $\\mathcal{O}(n^2)$ for $L_2$-norms", "Rates of O n2 for L2-norms"),
        ("\\textbf{Bold} snake_case \\alpha", "Bold snake_case alpha"),
        (r"$\frac{1}{2}$ of $\sqrt{2}$-MoE via $\ell_0$", "1 2 of 2-MoE via \u21130"),
        (r"$\infty$-Bench and $\beta$-VAE, $\varepsilon$", "∞-Bench and beta-VAE epsilon"),
        (r"Schr\"odinger and Erd\H{o}s, Nguy\~{\^e}n", "Schrödinger and Erdős Nguyễn"),
        (r"$O(n\log n)$ is $3\times3$, $\hat{x} \to \mathbb{R}$", "O n log n is 3 3 x R"),
        (r"SAP$^{\mathrm{2}}$ by \unknown{rules}\thanks{Us.} at 5\%", "SAP2 by rules at 5%"),
        ("What’s in a name's end?", "What’s in a name's end"),  # noqa: RUF001 - as it is printed
        ("大型语言模型:综述", "大型语言模型 综述"),
        ("???", ""),
        ("", ""),
    ],
)
def test_a_title_becomes_words_without_syntax(title: str, words: str) -> None:
    assert search_words(title) == words


def test_a_long_title_is_cut_at_the_end_of_a_word() -> None:
    words = search_words("entropy " * 60)

    assert words == " ".join(["entropy"] * 25)
    assert search_words("漢" * 300) == "漢" * (LONGEST_ENCODED // 9)


def test_what_a_template_says_around_the_title_stays() -> None:
    url = search_url("https://example.org/find/{title}?a=%22{title}%22&b=1#c", "A & B/C #1")

    assert url == "https://example.org/find/A%20B%20C%20%231?a=%22A%20B%20C%20%231%22&b=1#c"


@given(st.text(max_size=400))
def test_any_title_is_one_value_of_the_query_and_nothing_else(title: str) -> None:
    for site in FIND_LINKS:
        url = search_url(site.url, title)
        if not url:
            assert not search_words(title)
            continue
        assert url.isascii()
        assert len(url) <= len(site.url) + LONGEST_ENCODED
        blank, filled = parse_qs(site.url.partition("?")[2]), parse_qs(urlsplit(url).query)
        assert filled.keys() == blank.keys()
        (value,) = filled["query" if "query" in filled else "q"]
        assert value.strip('"') == search_words(title)
        assert value.count('"') in (0, 2)
        assert not set('"*?:()[]{}^~\\|<>!') & set(value.strip('"'))
