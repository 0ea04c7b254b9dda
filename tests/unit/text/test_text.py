"""Text in its clean, comparable and printable forms."""

from __future__ import annotations

import pytest

from larkpost.errors import UsageError
from larkpost.text.email_address import address_key, spell_address
from larkpost.text.identifiers import parse_identifier
from larkpost.text.markup import plain_latex
from larkpost.text.minhash import resemblance, sketch, squeeze, text_marks, title_key
from larkpost.text.normalize import clean, one_line, squash

ABSTRACT = (
    "Large models route tokens to experts. We propose a cheaper router. It needs no extra loss. "
    "On eight benchmarks it beats every dense model of its size. We also study how experts differ. "
    "Code and weights are public. The gains grow with the number of experts that are trained."
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\x85b\u2028c\u2029d\x0ce\x0bf", "a b c d e f"),  # these end no line
        ("a\x00b\x1bc\x7fd\x9fe", "abcde"),
        ("\ufefftitle\ufffe\uffff\U0001ffff\ufdd0", "title"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("e\u0301", "\u00e9"),
        ("tab\tand 😀", "tab\tand 😀"),
        ("zero\u200bwidth\u2060and\u00adhyphen", "zerowidthandhyphen"),
        ("\u200eleft\u061c \u202eright\u2069", "left right"),
        ("Aug\u00a07,\u202f2026\u2007a\u3000b\u2800c", "Aug 7, 2026 a b c"),
        ("a\u034fb\u180ec\u115fd\u3164e\uffa0f\ufffcg\U000e0041h", "abcdefgh"),
        ("a\ufe0fb\ufe00c\U000e0100", "abc"),
        ("repre\u00ad\n  sentation\u00ad\n\nof", "representation\n\nof"),
        ("con\u200dsi\u200cders", "considers"),
        ("\u200d\ufe0f\u200c", ""),
        ("z" + "\u0301" * 50, "\u017a" + "\u0301" * 4),
        ("x" + "\u0301\u0323" * 50, "x" + "\u0323" * 4),
    ],
)
def test_clean_keeps_text_and_drops_what_no_feed_may_carry(given: str, kept: str) -> None:
    assert clean(given) == kept


@pytest.mark.parametrize(
    "text",
    [
        "نمی\u200cروم",  # Persian, "I do not go": without the non-joiner it is misspelt
        "ක්\u200dෂ",  # Sinhala
        "അവന്\u200d",  # Malayalam, at the end of a word
        "👩🏽\u200d💻 ❤\ufe0f\u200d🔥 ☎\ufe0e",
    ],
)
def test_clean_keeps_what_shapes_letters_and_emoji(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("wrapped", "joined"),
    [
        ("Architecture,\n  Training and Dataset", "Architecture, Training and Dataset"),
        ("state-of-\nthe-art", "state-of-the-art"),
        ("short-\nand long-term", "short- and long-term"),
        ("retrieve-\nand-rank", "retrieve-and-rank"),
        ("sequence-\n  to-sequence", "sequence-to-sequence"),
        ("pages 3-\n5", "pages 3- 5"),
        ("seg\u00ad\nment", "segment"),
        ("  two   spaces ", "two spaces"),
    ],
)
def test_squash_joins_wrapped_lines(wrapped: str, joined: str) -> None:
    assert squash(wrapped) == joined


def test_titles_that_differ_in_case_latex_and_space_share_a_key() -> None:
    assert title_key(r"The \textbf{SAP$^{2}$} Methöd") == title_key("the sap2  method")


def test_long_titles_with_one_prefix_have_keys_of_their_own() -> None:
    first, second = title_key("x" * 80 + "a"), title_key("x" * 80 + "b")

    assert first != second
    assert len(first) <= 64


@pytest.mark.parametrize("title", ["!!!", "…", "\u200b\n"])
def test_a_title_without_letters_still_has_a_key(title: str) -> None:
    assert 0 < len(title_key(title)) <= 64


def test_the_name_of_a_text_ignores_how_it_is_set() -> None:
    name = text_marks("A Title", ABSTRACT).name

    assert name == text_marks("A\n title", ABSTRACT.upper()).name
    assert name != text_marks("A Title", ABSTRACT + " More.").name


def test_one_edited_sentence_leaves_most_of_the_sketch() -> None:
    edited = ABSTRACT.replace("It needs no extra loss.", "It adds one small auxiliary loss.")

    assert len(sketch("A title", ABSTRACT) & sketch("A title", edited)) >= 4


def test_a_sketch_has_the_numbers_that_databases_store() -> None:
    assert sorted(sketch("Yoghurt in the gut of gulls", "They ate yoghurt daily.")) == [
        -8348618733430912035,
        -6817114388858437188,
        -4830576758581881227,
        35620461078038050,
        83250532116775257,
        434976849035497224,
        1477227531701738982,
        8355476805654770522,
    ]


@pytest.mark.parametrize("title", ["", "?", "短い題", "x"])
def test_the_shortest_texts_have_a_sketch(title: str) -> None:
    assert 1 <= len(sketch(title, "")) <= 8


def test_resemblance_tells_edited_from_other() -> None:
    edited = ABSTRACT.replace("It needs no extra loss.", "It adds one small auxiliary loss.")
    other = "We present a corpus of birdsong recorded at dawn, with a transcript for each bird."

    whole, changed, apart = map(squeeze, (ABSTRACT, edited, other))

    assert resemblance(whole, squeeze(ABSTRACT.upper())) == 1
    assert resemblance(whole, changed) > 0.85
    assert resemblance(whole, changed, least=0.99) == 0
    assert resemblance(whole, apart) < 0.5
    assert resemblance("", "") == 1
    assert resemblance("", apart) == 0


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred", "[31mred"),
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("\u2067a\u2069", "a"),
        ("z" + "\u0301" * 50, "ź" + "\u0301" * 4),
    ],
)
def test_one_line_is_safe_to_print(given: str, printed: str) -> None:
    assert one_line(given) == printed


@pytest.mark.parametrize(
    ("given", "spelt"),
    [
        (" Anna@Example.ORG ", "Anna@example.org"),
        ("a@Exämple.org", "a@xn--exmple-cua.org"),
        ("a@localhost", "a@localhost"),
        ("a+b@x.org.", "a+b@x.org"),
        ("u\u0308@x.org", "ü@x.org"),
        ("a@[127.0.0.1]", "a@[127.0.0.1]"),
    ],
)
def test_an_address_has_one_spelling(given: str, spelt: str) -> None:
    assert spell_address(given) == spelt
    assert address_key(given) == spelt.lower()


@pytest.mark.parametrize(
    "given",
    ["", "a", "a@", "@b", "a b@c", "a@b@c", "a@b..c", ".a@b", "a..b@c", "A <a@b>", "a@b\nBcc: c@d",
     "a\x00@b", "a@" + "b" * 64, "a" * 65 + "@b", "a,b@c",
     "a@" + "b" * 1_000_000, "a" * 1_000_000 + "@b"],
)  # fmt: skip  # a list of words reads better in rows
def test_what_is_no_address_is_refused_by_name(given: str) -> None:
    with pytest.raises(UsageError, match="is not an email address"):
        address_key(given)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("arxiv:2508.13426v2", "arxiv:2508.13426"),
        ("2508.13426", "arxiv:2508.13426"),
        ("arXiv:math.GT/0309136", "arxiv:math/0309136"),
        ("oai:arXiv.org:2508.13426v1", "arxiv:2508.13426"),
        ("http://arxiv.org/abs/2508.13426v3", "arxiv:2508.13426"),
        ("https://arxiv.org/pdf/2508.13426.pdf", "arxiv:2508.13426"),
        ("https://huggingface.co/papers/2508.13426?utm_source=mail", "arxiv:2508.13426"),
        ("https://doi.org/10.1000/ABC", "doi:10.1000/abc"),
        ("10.48550/arXiv.2508.13426", "arxiv:2508.13426"),
        ("doi:https://doi.org/10.1000/182", "doi:10.1000/182"),
        ("http://Example.org./a/?utm_x=1&b=2#c", "url:https://example.org/a?b=2"),
        ("url:https://example.org:8080/a", "url:https://example.org:8080/a"),
        ("citeulike:42", "citeulike:42"),
        ("0704.0001", "arxiv:0704.0001"),
        ("1412.9999v12", "arxiv:1412.9999"),
        ("1501.00001", "arxiv:1501.00001"),
        ("hep-th/9901001v3", "arxiv:hep-th/9901001"),
        ("https://arxiv.org/abs/2613.00001", "url:https://arxiv.org/abs/2613.00001"),
        ("10.1000/182.", "doi:10.1000/182"),
        ("10.1000/(a)182).", "doi:10.1000/(a)182"),
        ("doi:10.1000/182>,", "doi:10.1000/182"),
        ("https://doi.org/10.1000/182/", "doi:10.1000/182"),
        ("10.1000.10/123", "doi:10.1000.10/123"),
        ("https://bücher.example/ü", "url:https://xn--bcher-kva.example/%C3%BC"),
        ("https://[::1]:8080/a", "url:https://[::1]:8080/a"),
        ("text:00ff", "text:00ff"),
    ],
)
def test_a_paper_is_named_one_way(given: str, name: str) -> None:
    assert str(parse_identifier(given)) == name
    assert str(parse_identifier(name)) == name


@pytest.mark.parametrize(
    "host",
    ["arxiv.org", "www.arxiv.org", "rss.arxiv.org", "browse.arxiv.org", "export.arxiv.org",
     "xxx.arxiv.org", "lanl.arxiv.org", "cn.arxiv.org", "xxx.lanl.gov", "ar5iv.labs.arxiv.org",
     "ar5iv.org", "www.arxiv-vanity.com", "alphaxiv.org", "www.alphaxiv.org", "huggingface.co",
     "hf-mirror.com", "hf.co", "ArXiv.ORG.", "arxiv.org:443"],
)  # fmt: skip  # a list of words reads better in rows
@pytest.mark.parametrize(
    "path",
    ["abs/2608.01001", "pdf/2608.01001v2.pdf", "html/2608.01001v1/", "format/2608.01001",
     "e-print/2608.01001", "src/2608.01001v3", "ps/2608.01001", "papers/2608.01001?utm_source=a",
     "overview/2608.01001#community", "abs/arXiv:2608.01001"],
)  # fmt: skip  # a list of words reads better in rows
def test_every_host_and_mirror_of_arxiv_names_the_same_paper(host: str, path: str) -> None:
    assert parse_identifier(f"http://{host}/{path}") == parse_identifier("arxiv:2608.01001")


@pytest.mark.parametrize(
    "given",
    ["https://notarxiv.org/abs/2608.01001", "https://arxiv.org.example.com/abs/2608.01001",
     "https://arxiv.org/list/cs.CL/2608", "https://huggingface.co/papers/submit"],
)  # fmt: skip  # a list of words reads better in rows
def test_other_hosts_and_pages_are_plain_addresses(given: str) -> None:
    assert parse_identifier(given).scheme == "url"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "word",
        "two words",
        "a b:c",
        "x:",
        "http://",
        "http://[::1",
        "x:" + "y" * 401,
        "url:word",
        "arxiv:notanid",
        "arxiv:2613.00001",
        "arxiv:2600.00001",
        "2608.1001",
        "1412.10001",
        "0703.0001",
        "math/0313136",
        "notanarchive/0309136",
        "doi:notadoi",
        "10.1000/.",
        "https://user:pass@example.org/a",
        "https://example.org:99999/",
        "javascript:alert(1)",
        "mailto:ada@example.org",
    ],
)
def test_what_names_no_paper_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="is not an identifier of a paper"):
        parse_identifier(given)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "unit", ["-", "(", " ", "\\", "$", "\\'", "- \n", "{\\", "\\ ", "a-", "10.1"]
)
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    text = unit * 200_000

    squash(plain_latex(text))
    one_line(text)
    sketch(text, text)
    with pytest.raises(UsageError):
        parse_identifier(text)
