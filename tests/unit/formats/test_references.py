"""Tests references in the forms of many programs."""

from __future__ import annotations

import codecs
import json
import tracemalloc
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.domain import Identifier, PaperRecord
from larkpost.errors import UsageError
from larkpost.formats import zotero_rdf
from larkpost.formats.decoding import decode
from larkpost.formats.references import MOST, read_references

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


RDF = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:z="http://www.zotero.org/namespaces/export#" xmlns:dcterms="http://purl.org/dc/terms/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:foaf="http://xmlns.com/foaf/0.1/"
 xmlns:bib="http://purl.org/net/biblio#" xmlns:link="http://purl.org/rss/1.0/modules/link/">
    <!-- a comment -->
    <bib:Article rdf:about="http://arxiv.org/abs/2106.09685">
        <z:itemType>journalArticle</z:itemType>
        <dcterms:isPartOf rdf:resource="urn:issn:1234-5678"/>
        <bib:authors><rdf:Seq>
            <rdf:li><foaf:Person><foaf:surname>Hu</foaf:surname><foaf:givenName>Edward</foaf:givenName></foaf:Person></rdf:li>
            <rdf:li><foaf:Person><foaf:surname>Müller</foaf:surname></foaf:Person></rdf:li>
        </rdf:Seq></bib:authors>
        <link:link rdf:resource="#item_2"/>
        <dc:title>LoRA: Low-Rank Adaptation</dc:title>
        <dcterms:abstract>An important paradigm.</dcterms:abstract>
        <dc:date>2021-06-17</dc:date>
        <dc:identifier>DOI 10.1000/182</dc:identifier>
        <dc:description>arXiv:2106.09685 [cs]</dc:description>
    </bib:Article>
    <z:Attachment rdf:about="#item_2">
        <z:itemType>attachment</z:itemType><dc:title>Full Text PDF</dc:title>
    </z:Attachment>
    <bib:Journal rdf:about="urn:issn:1234-5678"><dc:title>A journal</dc:title></bib:Journal>
    <bib:Memo rdf:about="#item_3"><rdf:value>a note</rdf:value></bib:Memo>
    <bib:Document rdf:about="#item_4">
        <z:itemType>preprint</z:itemType><dc:title>A &lt;b&gt;second&lt;/b&gt; one</dc:title>
        <dc:identifier><dcterms:URI><rdf:value>https://arxiv.org/abs/2508.13426</rdf:value></dcterms:URI></dc:identifier>
    </bib:Document>
</rdf:RDF>
"""
RDF_HEAD = RDF[: RDF.index("    <!--")]


def test_bibtex_is_read_with_accents_braces_and_odd_ends() -> None:
    first, second = read_references(BIBTEX)

    assert first.title == "LoRA: Low-Rank Adaptation of Large Language Models"
    assert first.abstract == ('An important paradigm & 5% of it, with a "quote" and nested braces.')
    assert first.authors == ("Hu, Edward J.", "Müller, Józef")
    assert first.identifiers == (ARXIV,)
    assert first.published == date(2021, 1, 1)
    assert second.title == 'A "quoted" title'
    assert second.identifiers == (Identifier("doi", "10.1000/182"),)


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("@article{title = {One}, doi = {10.1000/182}}", ["One"]),
        ("@article{, title = {One}}", ["One"]),
        ("@article{a, title = {One}, year = 2020\n@article{b, title = {Two}}", ["One", "Two"]),
        ("@article{a, title = {One\n@article{b, title = {Two}}", ["One", "Two"]),
        ("@article{a, title = {One}, abstract = {half of", ["One"]),
        ("@article{a,\n title = {One}\n year = {2020}\n}", ["One"]),
        ("@article{a, title = {One},, year = 2020}", ["One"]),
        ('@article{a, journal = jmlr # " of things", title = {One}}', ["One"]),
        ("@ article {a, title = {One}}", ["One"]),
        ("see @article{a, title = {One}} and @misc{a, title = {Two}}}", ["One", "Two"]),
    ],
)
def test_what_is_no_proper_bibtex_loses_no_paper(text: str, titles: list[str]) -> None:
    """Forms that people paste: bibtexparser 2.1 gives up the entry in most of them."""
    assert [draft.title for draft in read_references(text)] == titles


@pytest.mark.parametrize("text", [RIS, CSL, ZOTERO_CSV, RDF], ids=["ris", "csl", "csv", "rdf"])
def test_other_programs_say_the_same(text: str) -> None:
    first = read_references(text)[0]

    assert first.title == "LoRA: Low-Rank Adaptation"
    assert first.abstract == "An important paradigm."
    assert first.authors[0].replace("Hu, Edward", "Edward Hu") == "Edward Hu"
    assert ARXIV in first.identifiers
    assert first.published == date(2021, 1, 1)


def test_zoteros_rdf_is_read_without_what_hangs_on_its_items() -> None:
    first, second = read_references(RDF)

    assert first.authors == ("Edward Hu", "Müller")
    assert first.identifiers == (Identifier("doi", "10.1000/182"), ARXIV)
    assert second.title == "A second one"
    assert second.identifiers == (Identifier("arxiv", "2508.13426"),)


def test_of_rdf_that_is_cut_off_the_items_before_are_read() -> None:
    cut = RDF[: RDF.index("<z:Attachment") + 20]

    assert read_references(cut) == read_references(RDF)[:1]


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE rdf:RDF SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]>',
        "<!DOCTYPE r [<!ENTITY a 'ha'>"
        + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))
        + "]>",
        "<!doctype html>",
    ],
    ids=["dtd", "xxe", "parameter", "laughs", "html"],
)
def test_a_document_type_is_refused_before_it_is_parsed(
    prologue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, body = RDF.split("\n", 1)
    monkeypatch.setattr(zotero_rdf, "_children", parsed)

    for text in (f"{head}\n{prologue}\n{body}", RDF.replace("<dc:date>", f"{prologue}<dc:date>")):
        with pytest.raises(UsageError, match="document type"):
            read_references(text.replace("An important", "&j;"))


def parsed(_text: str) -> None:
    raise AssertionError("it was parsed")


@pytest.mark.parametrize("body", ["", "<a>" * 300_000, "<a" * 300_000, "&j;", "</rdf:RDF>" * 2])
def test_rdf_that_is_none_is_refused(body: str) -> None:
    with pytest.raises(UsageError, match="not read"):
        read_references(RDF_HEAD + body)


def test_rdf_that_never_ends_takes_little_memory() -> None:
    tracemalloc.start()
    with suppress(UsageError):
        read_references(RDF_HEAD + "<a/>" * 150_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 7_000_000  # as a tree, it takes twice that


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

    assert read_references(decode(text.encode(encoding))) == read_references(text)


@pytest.mark.parametrize("codec", [codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE])
def test_utf_16_is_known_by_its_mark_whatever_it_says(codec: bytes) -> None:
    encoding = "utf-16-be" if codec == codecs.BOM_UTF16_BE else "utf-16-le"

    assert decode(codec + "量子".encode(encoding)) == "量子"


def test_a_reference_named_twice_is_one() -> None:
    assert len(read_references("2106.09685 2106.09685v3 https://arxiv.org/pdf/2106.09685")) == 1


def test_zoteros_own_json_is_read() -> None:
    item = {"title": "LoRA", "abstractNote": "Text.", "creators": [{"name": "A Group"}]}

    (draft,) = read_references(json.dumps({"items": [item, "odd", None]}))

    assert draft == PaperRecord(title="LoRA", abstract="Text.", authors=("A Group",))


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
    with pytest.raises(UsageError, match=r"is not supported|is not valid|is none|not read"):
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
        (RDF_HEAD, "<a>"),
        (RDF_HEAD, "<a/>"),
        (RDF_HEAD, "<!--"),
    ],
)
def test_hostile_text_takes_time_linear_in_its_length(start: str, again: str) -> None:
    def seconds(length: int) -> float:
        text = start + again * (length // len(again))
        return cpu_seconds(lambda: read(text), rounds=2)

    # 16 times the text: what is not linear takes 256 times as long.
    assert_grows_less_than(lambda: seconds(960_000) / max(seconds(60_000), 0.001), 100)


def read(text: str) -> None:
    with suppress(UsageError):  # damaged: told after reading it
        read_references(text)


def test_a_list_is_cut_where_nobody_has_read_so_much() -> None:
    text = "\n".join(f"{1501 + n // 5000}.{n % 5000:05}" for n in range(MOST + 10))

    assert len(read_references(text)) == MOST


def test_of_a_table_of_ratings_only_what_was_rated_up_is_liked() -> None:
    table = (
        "arxiv_id,user_id,rating,time\n2608.00001,7,1,2026-08-10\n2608.00002,7,-1,2026-08-10\n"
        "2608.00003,7,0,2026-08-10\n2608.00004,7,,2026-08-10\n2608.00005,7,2.5,\nnone,7,1,\n"
    )

    names = [str(name) for one in read_references(table) for name in one.identifiers]

    assert names == ["arxiv:2608.00001", "arxiv:2608.00005"]
