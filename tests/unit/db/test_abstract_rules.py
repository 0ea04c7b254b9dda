"""Tests texts in place of an abstract, and which of two abstracts is stored."""

from __future__ import annotations

import pytest

from larkpost.db.matching.comparison.abstract_rules import (
    best_abstract,
    is_cut,
    is_withdrawal_notice,
)

WHOLE = (
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. The model reads the moon, the wind "
    "and the captain, of which the captain matters most. Logs and code are public."
)
CUT = WHOLE[:130] + "…"
SUMMARY = "A model of ferries predicts from logs, wind and moon when they leave."
NOTICE = "This paper has been withdrawn by the authors because of an error in Table 2."
ESCAPED = WHOLE.replace("tide, and", "tide &amp;").replace("public", "<b>public</b>")


@pytest.mark.parametrize(
    "notice",
    [
        NOTICE,
        "This paper has been withdrawn by the author(s), due to a crucial sign error in equation 1",
        "This submission has been withdrawn by arXiv administrators due to inappropriate overlap.",
        "arXiv admin note: This submission has been removed by arXiv administrators.",
        "Withdrawn by arXiv admins",
        "Withdrawn.",
        "Paper withdrawn",
        "Withdrawn due to an error in the proof of Lemma 3.",
        "This article has been retracted.",
        "[This manuscript is temporarily withdrawn pending revision.]",
        "Due to a mistake in Lemma 2, this paper has been withdrawn by the authors.",
        "The paper was withdrawn by the author, since its main result was known.",
        "The authors have withdrawn this paper. It will be merged with another one.",
        "We wish to withdraw this preprint: the data set held duplicates.",
        "*** This work has been retracted by the publisher ***",
    ],
)
def test_a_notice_of_withdrawal_is_recognised(notice: str) -> None:
    assert is_withdrawal_notice(notice)
    assert is_withdrawal_notice(notice.upper())


@pytest.mark.parametrize(
    "abstract",
    [
        "",
        WHOLE,
        "We study drugs that were withdrawn from the market. Of forty withdrawn drugs, six return.",
        "Withdrawn users of a social network rarely come back. We ask why.",
        "Retracted articles are cited still. We count how often, and by whom.",
        "Opioids must be withdrawn slowly. This paper has a protocol for it.",
        "In this paper, consent that was withdrawn is followed through nine registers.",
        "The article was withdrawn in 1998. We trace how often it was cited since.",
        "This paper shows when cash is withdrawn from machines.",
        "This paper has not been withdrawn.",
        "The needle is retracted by the robot after each stitch.",
        "Papers withdrawn from arXiv make a test for reasoning models.",
        f"This paper has been withdrawn by the authors. {WHOLE * 3}",
    ],
)
def test_an_abstract_that_tells_of_withdrawals_is_no_notice(abstract: str) -> None:
    assert not is_withdrawal_notice(abstract)


@pytest.mark.parametrize(
    "end", ["…", "...", " …", " [...]", "(…)", "... Read more", "… show more ▽"]
)
def test_an_ellipsis_at_the_end_tells_that_a_text_is_cut(end: str) -> None:
    assert is_cut(WHOLE[:100] + end)
    assert not is_cut(WHOLE[:100] + end + " And so it ends.")


@pytest.mark.parametrize("later", [True, False])
@pytest.mark.parametrize("less", [CUT, WHOLE[:130], SUMMARY, NOTICE, ESCAPED, WHOLE.upper(), ""])
def test_the_whole_clean_abstract_is_kept_whichever_came_first(less: str, later: bool) -> None:
    assert best_abstract(WHOLE, less, later=later) == WHOLE
    assert best_abstract(less, WHOLE, later=later) == WHOLE


def test_of_two_whole_abstracts_the_later_one_is_kept() -> None:
    edited = WHOLE.replace("four minutes", "five minutes")

    assert best_abstract(WHOLE, edited, later=True) == edited
    assert best_abstract(WHOLE, edited, later=False) == WHOLE


@pytest.mark.parametrize("later", [True, False])
def test_an_escaped_edit_never_replaces_a_clean_text(later: bool) -> None:
    edited = WHOLE.replace("tide, and", "tide &lt;").replace("four", "five")

    assert best_abstract(WHOLE, edited, later=later) == WHOLE
    assert best_abstract(edited, WHOLE, later=later) == WHOLE
