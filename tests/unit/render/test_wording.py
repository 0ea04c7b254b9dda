"""The words of dates, counts and reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.helpers.edition_factories import edition, paper, pick, reader

from larkpost.domain import Identifier, TermWeight
from larkpost.render import wording


def test_a_date_is_written_out_in_english() -> None:
    assert wording.date_in_words(date(2026, 8, 7)) == "Friday, 7 August 2026"


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("MoE-Lens: Towards the Hardware Limit", "MoE-Lens"),
        ("Routing – a survey", "Routing"),  # noqa: RUF001 - a dash as titles have it
        ("A lattice proof of four squares", "A lattice proof of four squares"),
        ("x: y", "x: y"),  # one letter is no name
        ("", "Untitled"),
        ("word " * 30, "word " * 11 + "word…"),
    ],
)  # fmt: skip
def test_a_paper_is_known_by_its_main_title(title: str, short: str) -> None:
    assert wording.short_title(title) == short


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("One. Two. Three.", 99, "One. Two. Three."),
        ("One two. Three four.", 12, "One two."),
        ("One. Two three four five.", 20, "One. Two three four…"),  # a short sentence
        ("E.g. a dot within 3.14 ends nothing", 20, "E.g. a dot within…"),
        ("longwordwithoutanyend", 10, "longwordw…"),
        ("gone", 0, ""),
    ],
)  # fmt: skip
def test_an_abstract_is_cut_where_a_sentence_ends(text: str, room: int, shown: str) -> None:
    assert wording.sentences(text, room) == shown


def test_many_authors_are_counted() -> None:
    first = [f"Author {n}" for n in range(50)]  # of the authors, no more are passed on

    shown = wording.byline_text(first, ["cs.CL"], 2955)

    assert shown == "Author 0, Author 1, Author 2, Author 3, Author 4, and 2,950 more · cs.CL"


@pytest.mark.parametrize(
    ("url", "identifier", "link"),
    [
        (None, Identifier("arxiv", "2608.00001"), "https://arxiv.org/abs/2608.00001"),
        (None, Identifier("doi", "10.1/x"), "https://doi.org/10.1/x"),
        (None, Identifier("url", "https://e.org/p"), "https://e.org/p"),
        (None, Identifier("text", "0123456789abcdef"), ""),
        ("https://e.org/p", Identifier("arxiv", "2608.00001"), "https://e.org/p"),
        ("javascript:alert(1)", Identifier("text", "0"), ""),
        ("javascript:alert(1)", Identifier("arxiv", "1"), "https://arxiv.org/abs/1"),
        ("https://e.org/\r\n\"><b>", Identifier("text", "0"), ""),
        ("https://e.org/\"><b>", Identifier("text", "0"), "https://e.org/%22%3E%3Cb%3E"),
        ("https://[::1", Identifier("doi", "10.1/<x>"), "https://doi.org/10.1/%3Cx%3E"),
        ("https://e.org/" + "x" * 500, Identifier("text", "0"), ""),
    ],
)  # fmt: skip
def test_a_paper_is_linked_by_http_only(url: str | None, identifier: Identifier, link: str) -> None:
    assert wording.link_of(paper(url=url, identifier=identifier)) == link


def test_a_reason_names_terms_the_liked_paper_and_the_chance() -> None:
    reason = wording.reason(pick(paper(1), like=paper(4), probability=0.824))

    assert reason.terms == ("routing", "mixture of experts")
    assert reason.like == "MoE-Lens"
    assert reason.match == "82\u00a0% match"


@pytest.mark.parametrize(("probability", "percent"), [(0.0, "1"), (1.0, "99"), (0.5, "50")])
def test_nothing_is_told_to_be_certain(probability: float, percent: str) -> None:
    reason = wording.reason(pick(paper(), probability=probability, like=paper(2)))

    assert reason.match.startswith(percent + "\u00a0%")


def test_without_a_liked_paper_no_chance_is_told() -> None:
    assert wording.reason(pick(paper(), like=None)).match == ""


@pytest.mark.parametrize(
    ("title", "terms", "told"),
    [
        ("A Mixture of Experts", "experts routing mixture", "mixture of experts|routing"),
        ("Test-Time Compute: Scaling", "time test compute scaling", "test-time compute|scaling"),
        ("Routing; experts", "experts routing", "experts|routing"),
        ("Experts of the routing", "experts routing", "experts|routing"),
        ("Experts of", "experts", "experts"),
        ("Of experts", "experts", "experts"),
        ("Sparse experts and sparse routing", "sparse routing", "sparse routing"),
        ("Experts, expert by expert", "experts expert", "experts"),
        ("", "experts routing", "experts|routing"),
    ],
)
def test_terms_that_stand_together_in_the_title_are_reported_together(
    title: str, terms: str, told: str
) -> None:
    chosen = pick(paper(title=title), terms=tuple(terms.split()))

    assert "|".join(wording.reason(chosen).terms) == told


@given(title=st.text(alphabet="ab -of.", max_size=40))
@example(title="a  a")
def test_a_phrase_is_a_part_of_the_title_as_shown(title: str) -> None:
    chosen = pick(paper(title=title), terms=("a", "b"))

    for term in wording.reason(chosen).terms:
        assert term in {"a", "b"} or term in wording.title_text(title)


def test_terms_that_lowered_the_score_are_no_reason() -> None:
    chosen = replace(
        pick(paper()), positive_terms=(TermWeight("good", 1.0), TermWeight("bad", -1.0))
    )

    assert wording.reason(chosen).terms == ("good",)


@pytest.mark.parametrize(
    ("terms", "against", "told"),
    [
        (("graphs",), {"paper": -0.4, "diffusion": -0.3}, ("diffusion",)),  # no general word
        (("graphs",), {"diffusion": -0.01}, ()),  # next to nothing
        ((), {"diffusion": -0.3}, ()),  # nothing in favour
    ],
)
def test_what_speaks_against_a_paper_tells_a_topic_and_stands_beside_what_speaks_for_it(
    terms: tuple[str, ...], against: dict[str, float], told: tuple[str, ...]
) -> None:
    lowered = tuple(TermWeight(term, weight) for term, weight in against.items())
    chosen = replace(
        pick(paper(), like=None), positive_terms=(), shown_terms=terms, negative_terms=lowered
    )

    assert wording.reason(chosen).against == told


def test_the_interest_is_named_where_the_reader_has_several() -> None:
    chosen = pick(paper(), interest="graphs")

    assert wording.reason(chosen, interests=1).interest == ""
    assert wording.reason(chosen, interests=2).interest == "graphs"


@pytest.mark.parametrize(
    ("picks", "said"),
    [
        ((), "No papers chosen from 108"),
        ((pick(paper(), terms=()),), "1 paper chosen from 108 · the newest first"),
        ((pick(paper()),), "1 paper chosen from 108 · ordered by your words"),
        ((pick(paper(), like=paper(2)),), "1 paper chosen from 108 · ordered by your thumbs"),
    ],
)
def test_the_edition_says_what_it_was_chosen_from_and_by(picks: tuple, said: str) -> None:  # type: ignore[type-arg]  # picks of any number
    assert wording.describe_selection(edition(picks=picks)) == said


def test_a_catch_up_says_since_when() -> None:
    assert wording.catch_up(edition(since=date(2026, 8, 4))) == (
        "A catch-up edition: the best papers since Tuesday, 4 August."
    )
    assert wording.catch_up(edition()) == ""


def test_a_newsletter_is_named_after_its_first_paper() -> None:
    day = date(2026, 8, 7)

    assert wording.subject(["One"], "Larkpost", day) == "One"
    assert wording.subject(["One", "Two", "Three"], "Larkpost", day) == "One – and 2 more"  # noqa: RUF001 - an en dash
    assert wording.subject([], "Larkpost", day) == "Larkpost: a day without papers, 7 August"


def test_the_greeting_cannot_be_broken_by_a_name() -> None:
    assert wording.greeting(reader(name="Ada\r\nBcc: x")) == "Edition for Ada Bcc: x"
    assert wording.greeting(reader(name="")) == "Your edition"
