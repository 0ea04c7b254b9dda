"""Tests markup in titles and abstracts: HTML and LaTeX are removed, similar text stays."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.domain import Identifier
from larkpost.text.markup import clean_markup, cut_preamble, plain_latex
from larkpost.text.normalize import squash

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("Bakers &amp; Bread", "Bakers & Bread"),
        ("p &lt; 0.05 &#38; more &#x26; Oven&#39;s", "p < 0.05 & more & Oven's"),
        ("A &lt;Fast&gt; Oven", "A <Fast> Oven"),
        ("the &lt;b&gt; tag", "the <b> tag"),
        ("escaped &amp;amp;amp; thrice", "escaped & thrice"),
        ("escaped &amp;amp;amp;amp; more", "escaped &amp; more"),
        ("caf&eacute;&nbsp;au lait", "café au lait"),
        (
            "R&D at AT&T; https://x.org/?a=1&copy=2&lt=3",
            "R&D at AT&T; https://x.org/?a=1&copy=2&lt=3",
        ),
        ("&#99999999999999; &#; &unheard;", "&#99999999999999; &#; &unheard;"),
    ],
)
def test_entities_become_characters(given: str, text: str) -> None:
    assert squash(clean_markup(given)) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("A <b>bold</b> <I>claim</I>", "A bold claim"),
        ("H<sub>2</sub>O", "H2O"),
        ("one<br>two<br/>three<p class='x'>four</p>five", "one two three four five"),
        ('<a href="https://x.org/?a=1&b=2" title="x > y">link</a>', "link"),
        ("<span\n class=katex>x</span>", "x"),
        ("seen<!-- a <b> comment --> again", "seen again"),
        ("seen<script async>var x = '<p>';</script > again", "seen again"),
        ("seen<STYLE>p { color: red }</STYLE> again", "seen again"),
        (
            "<jats:title>A</jats:title><jats:p>In <jats:italic>vivo</jats:italic></jats:p>",
            "A In vivo",
        ),
        ('<mml:math xmlns:mml="http://x"><mml:mi>k</mml:mi></mml:math>-means', "k-means"),
        ('<img src="x.png" alt="">picture', "picture"),
    ],
)
def test_tags_go_and_their_text_stays(given: str, text: str) -> None:
    assert squash(clean_markup(given)) == text


@pytest.mark.parametrize(
    "text",
    [
        "x < y and y > z",
        "if a <b and c> d",
        "the <SEP>, <eos>, <s> and <img> tokens",
        "<Fast> ovens",
        "seen <!-- never closed",
        "seen <script> never closed",
        "List<String> and vector<int>",
        "<think>step by step</think>",
        "3 <p< 4",
    ],
)
def test_what_is_no_tag_stays(text: str) -> None:
    assert clean_markup(text) == text


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"Schr\"odinger", "Schrödinger"),
        (r"Erd{\H o}s and \v{S}id\'ak", "Erdős and Šidák"),
        (r"na\"{\i}ve", "naïve"),
        (r"{\'e}t{\'e} {\'a la carte}", "été {á la carte}"),
        (
            r"Nguy\~{\^e}n, Nguy{\~{\^e}}n, Nguy\~{\^{e}}n, Nguy\~\^en",
            "Nguyễn, Nguyễn, Nguyễn, Nguyễn",
        ),
        (r"Nguy\~{ê}n, Nguy\^{\~e}n, Tr\`{\^a}n, Tr{\`\^{a}}n", "Nguyễn, Nguyễn, Trần, Trần"),
        (
            r"Ph\d{\u{a}}m V\u{a}n Th\h{a}o, L\^e D\~{u}ng, Ph\'{\uhorn}",
            "Phặm Văn Thảo, Lê Dũng, Phứ",
        ),
        (r"\v{\i}, \'{\i}, \'\i, \'{ \i }, \c{c}, {\ss}, \'{\ae}, \'\o", "ǐ, í, í, í, ç, ß, ǽ, ǿ"),
        (r"\'{\alpha} and \'\alpha", r"\'{\alpha} and \'\alpha"),
        (r"Doe et al.\ 2020", "Doe et al. 2020"),
        (
            r"1.6\% of $\alpha \times \beta$ {\scriptsize X",
            r"1.6% of $\alpha \times \beta$ {\scriptsize X",
        ),
        (r"\input{/etc/passwd}", r"\input{/etc/passwd}"),
    ],
)
def test_latex_accents_become_letters_and_other_commands_stay_text(latex: str, plain: str) -> None:
    assert plain_latex(latex) == plain


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"Stra{\ss}e, Stra\ss{}e, Stra\ss e", "Straße, Straße, Straße"),
        (r"\O ystein {\O}rsted, {\L}ukasz, K{\o}benhavn", "Øystein Ørsted, Łukasz, København"),
        (r"\AA ngstr\"om measured 5 \AA resolution", "Ångström measured 5 Å resolution"),
        (r"\AE sir, {\ae}ra, {\OE}uvre", "Æsir, æra, Œuvre"),
        (r"R\&D, 5\%, a\_b, \#1, \$5, \{x\}", "R&D, 5%, a_b, #1, $5, {x}"),
        (r"Sec.~2, Dr.~Smith, 10~GHz", "Sec.\u00a02, Dr.\u00a0Smith, 10\u00a0GHz"),
        ("``quoted'' words", "\u201cquoted\u201d words"),
        ("laws---the", "laws\u2014the"),
        (r"\textbf{SAP$^{2}$} and \emph{two {nested} words}", "SAP$^{2}$ and two {nested} words"),
        (r"{\bf Bold} and \texttt{code}", "Bold and code"),
        (
            r"\url{https://x.org/a\_b} and \href{https://x.org}{there}",
            "https://x.org/a_b and there",
        ),
    ],
)
def test_latex_letters_escapes_and_formats_become_characters(latex: str, plain: str) -> None:
    assert clean_markup(latex) == plain


@pytest.mark.parametrize(
    "text",
    [
        r"$5\%$ of $\O(n)$ and \O(n)",
        r"$x\_y$ costs",
        "$5 or $6",
        "40--80%",
        "https://x.org/~me/a---b",
        "~5x, 10~20, y~x",
        "``open only",
        "don''t",
        r"\textbf{open only",
        "{BERT} and } and {",
        r"C:\new",
        "-----",
        "```code```",
    ],
)
def test_formulas_addresses_and_what_is_not_closed_stay_text(text: str) -> None:
    assert clean_markup(text) == text


@pytest.mark.parametrize(
    ("given", "abstract", "name"),
    [
        ("arXiv:2508.13426v1 Announce Type: new \nAbstract: We light.", "We light.", "2508.13426"),
        ("arXiv:2508.13426v12 Announce Type: replace-cross We light.", "We light.", "2508.13426"),
        ("arXiv:math/0309136v1 Announce Type: cross\nAbstract: We.", "We.", "math/0309136"),
        ("Abstract: We light.", "We light.", None),
        ("ABSTRACT\u2014We light.", "We light.", None),
        ("Abstract\n\nMany light.", "Many light.", None),
        ("Abstract. Many light.", "Many light.", None),
        ("Abstract We light.", "We light.", None),
        ("Abstract: Abstract reasoning is hard.", "Abstract reasoning is hard.", None),
        ("Abstract reasoning is hard.", "Abstract reasoning is hard.", None),
        ("Abstract-level reasoning", "Abstract-level reasoning", None),
        ("Abstracts are short.", "Abstracts are short.", None),
        ("arXiv:nothing Announce Type: new", "arXiv:nothing Announce Type: new", None),
        ("arXiv:2613.00001v1 Announce Type: new We light.", "We light.", None),
    ],
)
def test_an_announcement_and_a_label_are_cut(given: str, abstract: str, name: str | None) -> None:
    identifier = Identifier("arxiv", name) if name else None

    assert cut_preamble(given) == (abstract, identifier)


UNITS = [
    "<", "&", "\\", "{", "$", "~", "`", "'", "-", "}", "<a ", "<!--", "<script>", "<b>", '<a b="',
    "<a b='c' ", "&amp;", "&#", "amp;", "\\'", "\\'{", "{\\'", "\\textbf{", "{\\bf ",
    "\\href{", "\\url{", "$a", "$a\\$", "``", "``a", "``$a", "https://", "\\\\", "\\ ", "\\ss ",
    "Abstract ", "-- ", "a~", "<!-- -->",
]  # fmt: skip  # a list of short marks reads better in rows


@pytest.mark.timeout(300)
@pytest.mark.parametrize("unit", UNITS)
def test_hostile_repetition_of_markup_takes_linear_time(unit: str) -> None:
    short, long = (unit * (size // len(unit)) for size in (50_000, 400_000))

    def ratio(work: Callable[[str], object]) -> float:
        taken = [cpu_seconds(partial(work, text)) for text in (short, long)]
        return taken[1] / max(taken[0], 0.02)  # the floor is for noise

    for work in (clean_markup, cut_preamble):
        # A quadratic step takes 64 times as long on eight times the text.
        assert_grows_less_than(partial(ratio, work), 24)


def test_a_megabyte_of_escapes_of_escapes_ends() -> None:
    assert clean_markup("&" + "amp;" * 250_000).startswith("&amp;")
