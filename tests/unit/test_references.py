"""References as people have them, in whatever form their program writes."""

from __future__ import annotations

import codecs
import json
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.domain import Draft, Identifier
from larkpost.errors import UsageError
from larkpost.sources.lines import decoded
from larkpost.sources.references import MOST, read_references

ARXIV = Identifier("arxiv", "2106.09685")

BIBTEX = r"""
% a comment
@string{jmlr = "Journal"}
@article{hu2021lora,
  title = {{LoRA}: Low-Rank Adaptation of {Large} Language Models},
  author = {Hu, Edward J. and M{\"u}ller, J{\'o}zef},
  abstract = {An important paradigm \& 5\% of it, with a "quote" and {nested {braces}}.},
  eprint = {2106.09685}, archivePrefix = "arXiv",
  journal = jmlr # " of things",
  year = 2021
}
@inproceedings(key2, title = "A {"}quoted{"} title", doi = {10.1000/182})
"""

RIS = """TY  - JOUR
TI  - LoRA: Low-Rank Adaptation
AU  - Hu, Edward
AU  - Shen, Yelong
AB  - An important paradigm.
DO  - 10.48550/arXiv.2106.09685
PY  - 2021/06/17
ER  -
TY  - JOUR
T1  - Without an end
UR  - https://example.org/paper
"""

CSL = json.dumps(
    [
        {
            "id": "http://zotero.org/users/1/items/A",
            "title": "LoRA: <i>Low-Rank</i> Adaptation",
            "abstract": "An important paradigm.",
            "DOI": "10.48550/arXiv.2106.09685",
            "author": [{"family": "Hu", "given": "Edward"}, {"literal": "A Group"}],
            "issued": {"date-parts": [["2021", 6]]},
        }
    ]
)

ZOTERO_CSV = (
    '"Key","Item Type","Publication Year","Author","Title","DOI","Url","Abstract Note","Date"\r\n'
    '"A","journalArticle","2021","Hu, Edward; Shen, Yelong","LoRA: Low-Rank Adaptation",'
    '"10.48550/arXiv.2106.09685","","An important\nparadigm.","2021-06-17"\r\n'
)


def test_bibtex_is_read_with_accents_braces_and_odd_ends() -> None:
    first, second = read_references(BIBTEX)

    assert first.title == "LoRA: Low-Rank Adaptation of Large Language Models"
    assert first.abstract == ('An important paradigm & 5% of it, with a "quote" and nested braces.')
    assert first.authors == ("Hu, Edward J.", "Müller, Józef")
    assert first.identifiers == (ARXIV,)
    assert first.published == date(2021, 1, 1)
    assert second.title == 'A "quoted" title'
    assert second.identifiers == (Identifier("doi", "10.1000/182"),)


@pytest.mark.parametrize("text", [RIS, CSL, ZOTERO_CSV], ids=["ris", "csl", "csv"])
def test_other_programs_say_the_same(text: str) -> None:
    first = read_references(text)[0]

    assert first.title == "LoRA: Low-Rank Adaptation"
    assert first.abstract == "An important paradigm."
    assert first.authors[0].replace("Hu, Edward", "Edward Hu") == "Edward Hu"
    assert ARXIV in first.identifiers
    assert first.published == date(2021, 1, 1)


def test_a_record_without_its_end_is_read() -> None:
    assert read_references(RIS)[1].title == "Without an end"


def test_names_are_found_among_other_words() -> None:
    text = "see arXiv:2106.09685v2, (https://arxiv.org/abs/2508.13426) and 10.1000/182. Also: you"

    assert [str(one.identifiers[0]) for one in read_references(text)] == [
        "arxiv:2106.09685",
        "arxiv:2508.13426",
        "doi:10.1000/182",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[1] 2106.09685",
        "[1] Hu et al., LoRA. arXiv:2106.09685\n[2] ibid.",
        "[arXiv](https://arxiv.org/abs/2106.09685)",
        "{2106.09685}",
        "[2106.09685]",
        '["https://arxiv.org/pdf/2106.09685v2", 7, null]',
        '[{"title": "LoRA", "URL": "https://arxiv.org/abs/2106.09685", "abs',
        "[my papers]\n@misc{a, eprint = {2106.09685}}",
    ],
)
def test_names_are_found_in_brackets_that_are_no_json(text: str) -> None:
    assert [one.identifiers for one in read_references(text)] == [(ARXIV,)]


@pytest.mark.parametrize("text", ["[]", "{}", '{"items": []}', "[1, 2]", '["odd", null]'])
def test_json_without_references_brings_nothing(text: str) -> None:
    assert read_references(text) == []


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("text", [BIBTEX, RIS, ZOTERO_CSV], ids=["bibtex", "ris", "csv"])
def test_a_file_says_the_same_in_every_encoding(text: str, encoding: str) -> None:
    text = text.replace('M{\\"u}ller', "Müller").replace("paradigm", "paradigme épatant")

    assert read_references(decoded(text.encode(encoding))) == read_references(text)


@pytest.mark.parametrize("codec", [codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE])
def test_utf_16_is_known_by_its_mark_whatever_it_says(codec: bytes) -> None:
    encoding = "utf-16-be" if codec == codecs.BOM_UTF16_BE else "utf-16-le"

    assert decoded(codec + "量子".encode(encoding)) == "量子"


def test_a_reference_named_twice_is_one() -> None:
    assert len(read_references("2106.09685 2106.09685v3 https://arxiv.org/pdf/2106.09685")) == 1


def test_zoteros_own_json_is_read() -> None:
    item = {"title": "LoRA", "abstractNote": "Text.", "creators": [{"name": "A Group"}]}

    (draft,) = read_references(json.dumps({"items": [item, "odd", None]}))

    assert draft == Draft(title="LoRA", abstract="Text.", authors=("A Group",))


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]>',
        "<rdf:RDF/>",
        "PK\x03\x04",
        "{\\rtf1}",
        "[{",
        "{" * 100_000,
        '[{"title": "LoRA", "abs',
    ],
)
def test_what_is_not_read_is_said(text: str) -> None:
    with pytest.raises(UsageError, match=r"not read|is none"):
        read_references(text)


@given(st.text() | st.text(alphabet='@{}"=,\\ abTYER-\n'))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        drafts = read_references(text)
    except UsageError:
        return

    assert all(draft.title or draft.identifiers for draft in drafts)


@pytest.mark.parametrize(
    ("start", "again"),
    [
        ("@article{a, title = {", "{"),
        ("@article{a, ", "a"),
        ("@article{a, ", " "),
        ("@article{a, ", "a = {b}, "),
        ("", "@a{"),
        ("@", " "),
        ("TY  - JOUR\n", "TI  - a\n"),
        ("", "<a "),
        ('"Key",', '"'),
        ("", "("),
        ("", "1706."),
    ],
)
def test_hostile_text_takes_time_linear_in_its_length(start: str, again: str) -> None:
    once = min(seconds(start + again * (60_000 // len(again))) for _ in range(3))
    longer = seconds(start + again * (960_000 // len(again)))

    # 16 times the text: what is not linear takes 256 times as long.
    assert longer < 100 * max(once, 0.001)


def seconds(text: str) -> float:
    """Measure the processor time of reading a text."""
    begun = time.process_time()
    read_references(text)
    return time.process_time() - begun


def test_a_list_is_cut_where_nobody_has_read_so_much() -> None:
    text = "\n".join(f"{1000 + n // 5000}.{n % 5000:05}" for n in range(MOST + 10))

    assert len(read_references(text)) == MOST
