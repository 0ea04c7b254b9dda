"""Recognises the type of files that are not dumps by their first bytes, to refuse them."""

from __future__ import annotations

import re
from collections.abc import Callable

from larkpost.errors import UnreadableDump
from larkpost.formats.bibtex import ENTRY
from larkpost.formats.references import RIS, TABLE
from larkpost.formats.tables.table import is_table
from larkpost.text.normalize import one_line

Test = Callable[[str], re.Match[str] | None]

_TEXT = "dumps are text: the page as text, or JSON Lines"
_UNPACK = "unpack it and ingest what is inside"
_AS_TEXT = "save it as text and ingest that"
_AGAIN = "fetch it again, later; what came is not the papers"
_TASTE = "it begins a reader's taste: `larkpost reader import-library EMAIL FILE`"
_START = f"{_TASTE}; only `larkpost ingest --as-papers FILE` makes its papers candidates"
_EXPORT = (
    "export it as BibTeX or RIS; that begins a reader's taste:"
    " `larkpost reader import-library EMAIL FILE`"
)
_SOURCES = "its feeds are polled after `larkpost source add FILE`"

_MAGIC = (
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"PK\x03\x04", "a zip archive (or a Word, Excel or OpenDocument file)", _UNPACK),
    (b"PK\x05\x06", "an empty zip archive", _TEXT),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (b"%PDF-", "a PDF document", "save the page as text and ingest that"),
    (b"%!PS", "a PostScript document", "save the page as text and ingest that"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _TEXT),
    (b"\xff\xd8\xff", "a JPEG picture", _TEXT),
    (b"GIF8", "a GIF picture", _TEXT),
    (b"\x7fELF", "a program", _TEXT),
    (b"SQLite format 3\x00", "an SQLite database", _TEXT),
    (b"PAR1", "a Parquet table", "write it as JSON Lines and ingest that"),
    (b"bplist00", "a Safari web archive or another property list", _AS_TEXT),
    (b"WARC/", "a web archive (WARC)", "save the page in it as text and ingest that"),
    (b"\xd0\xcf\x11\xe0", "a Word, Excel or OpenDocument file", _TEXT),
    (b"{\\rtf", "an RTF document", "save it as plain text and ingest that"),
)

_DOCTYPE = r"<!DOCTYPE(?!\s+(?:html|NETSCAPE))[^>\[]*+(?:\[[^\]]*+\]\s*+)?>"
_LEAD = rf"\A(?:\s|<!--(?s:.*?)-->|<\?(?s:.*?)\?>|{_DOCTYPE})*+"
_FAILURES = (
    r"rate (?:limit )?exceeded|(?:HTTP/\S+ |HTTP )?error(?: code)?:? [45]\d\d"
    r"|(?:HTTP/\S+ |HTTP |error:? )*(?:[45]\d\d\b[ :-]*)?(?:too many requests|access denied"
    r"|forbidden|unauthori[sz]ed|bad (?:request|gateway)|service (?:temporarily )?unavailable"
    r"|gateway time-?out|(?:page )?not found|internal server error|just a moment"
    r"|attention required)"
)
_CITATION_KEY = re.compile(r"\s*[^\s,={}()\"]{0,200},")


def _test(pattern: str) -> Test:
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE).search


def _bibtex(start: str) -> re.Match[str] | None:
    """Recognise BibTeX by an entry at the start of the file, after comments, or by two entries."""
    entries = [found for found in ENTRY.finditer(start) if _is_entry(start, found)]
    before = start[: entries[0].start()].splitlines() if entries else []
    opens = all(line.lstrip().startswith("%") or not line.strip() for line in before)
    return entries[0] if entries and (opens or len(entries) > 1) else None


def _is_entry(text: str, entry: re.Match[str]) -> bool:
    """Return whether an entry begins a line and has a key; a decorator of Python has none."""
    begins_line = not text[text.rfind("\n", 0, entry.start()) + 1 : entry.start()].strip()
    special = entry[1].lower() in {"comment", "string", "preamble"}
    return begins_line and (special or bool(_CITATION_KEY.match(text, entry.end())))


# The first matching test names the type of a file; its groups fill the text.
_KINDS: tuple[tuple[Test, str, str], ...] = (
    # JSON
    (
        _test(r"\A(?:\[\s*\]|\{\s*\}|null)\s*\Z"),
        "an empty answer",
        "there may be no papers of that day (yet): ask for another one",
    ),
    (
        _test(
            r'\A\{\s*"(?:errors?|message|detail|status(?:Code)?)"\s*:(?!(?s:.*)"(?:title|paper)"\s*:)'
            r'[\s{\["]*([^"\n{}\[\]]{0,100})'
        ),
        r"an error that an API answered with (\1)",
        _AGAIN,
    ),
    (
        _test(
            r'\A[\[{](?s:.*?)(?<!\\)"(?:issued|itemType|container-title|citation-key|family)"\s*:'
        ),
        "a list of references (CSL JSON or Zotero's JSON)",
        _START,
    ),
    (_test(r'\A\{\s*"(?:cells|nbformat)"\s*:'), "a Jupyter notebook", _TEXT),
    # Error pages of servers
    (
        _test(r"\AHTTP/\d\S* ([23]\d\d)"),
        r"an HTTP answer with its headers (\1)",
        "save its body alone",
    ),
    (
        _test(rf"\A\W*({_FAILURES})[.!]?\s*$(?=(?s:.{{0,3000}})\Z)"),
        r"an error of the server (\1)",
        _AGAIN,
    ),
    (
        _test(rf"\A(?=<)(?s:.*?)<title[^>]*>\s*({_FAILURES})"),
        r"an error page of the server (\1)",
        _AGAIN,
    ),
    # XML and HTML
    (_test(r"\A\s*<!DOCTYPE\s+NETSCAPE-Bookmark"), "a list of bookmarks", _AS_TEXT),
    (_test(rf"{_LEAD}<rdf:RDF\b"), "a list of references (RDF)", _START),
    (_test(rf"{_LEAD}<opml\b"), "a list of subscriptions (OPML)", _SOURCES),
    (
        _test(r"\A\s*<\?xml(?![^<]*(?:<!--(?s:.*?)-->\s*)?<(?:!DOCTYPE\s+html|html)\b)"),
        "an XML file",
        _TEXT,
    ),
    # References
    (_bibtex, "a list of references (BibTeX)", _START),
    (RIS.search, "a list of references (RIS)", _START),
    (_test(r"\A\s*%0 [A-Z]|\A\s*PMID- ?\d"), "a list of references (EndNote or PubMed)", _EXPORT),
    (TABLE.match, "a list of references (Zotero's CSV)", _START),
    (
        _test(r"\A(?![^\n]*\btitle\b)(?=[^\n]*\brating\b)(?:\"?\w+\"?,)*\"?arxiv_?id\b"),
        "a list of rated papers (CSV)",
        f"{_TASTE}, of the papers that were rated up",
    ),
    (
        _test(
            r"\A(?:\s*+(?:https?://\S*(?:arxiv|doi|hugging)\S*+|(?:arxiv:)?\d{4}\.\d{4,5}(?:v\d+)?"
            r"|(?:doi:)?10\.\d{4,9}/\S++)[ \t,;]*+(?:\n|\Z))++\s*\Z"
        ),
        "a list of references (identifiers or links)",
        _TASTE,
    ),
    (
        _test(r"^[ \t]*\\(?:documentclass|usepackage|begin\{(?:document|abstract)\})"),
        "LaTeX source",
        _TEXT,
    ),
)
_FEED = _test(
    rf"{_LEAD}<(?:(?:\w+:)?(?:rss|feed|entry|channel|OAI-PMH|ListRecords|GetRecord)\b"
    r"|(?:\w+:)?RDF\b[^>]*(?:purl\.org/(?:net/)?rss|my\.netscape\.com/rdf))"
)
_JSON_FEED = _test(r'\A\{(?s:.*?)"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\b')
_BEFORE_TEXT = "\ufeff\u200b\u200e\u00a0 \t\r\n"  # byte order mark, white space, invisible marks
_BEGINNING = 16 * 1024  # bytes
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b\x00"))
_MOST_CONTROLS, _SOME_CONTROLS, _MOST_INVALID = 0.1, 0.02, 0.2  # of all bytes
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def refuse_what_is_no_dump(head: bytes, name: str, *, as_papers: bool = False) -> None:
    """Raise UnreadableDump with the file's type, unless ``head`` may be the start of a dump.

    A list of references is accepted if it is to be read ``as_papers``.
    """
    if not head:
        raise UnreadableDump(f"{name} is empty", hint="was it cut off? save it again")
    for magic, what, hint in _MAGIC:
        if head.startswith(magic):
            raise UnreadableDump(f"{name} is {what}, not a dump", hint=hint)
    start = _start(head)
    if not start and len(head) < _BEGINNING:
        raise UnreadableDump(f"{name} holds nothing but white space", hint="save it again")
    if what_is_for_ingest(start, name):
        return
    for test, what, hint in _KINDS:
        if match := test(start):
            if as_papers and hint.startswith(_START):
                return
            words = one_line(match.expand(what)).replace(" ()", "")
            raise UnreadableDump(f"{name} is {words}, not a dump", hint=hint)
    if head[257:262] == b"ustar":
        raise UnreadableDump(f"{name} is a tar archive, not a dump", hint=_UNPACK)
    if _is_binary(head):
        raise UnreadableDump(f"{name} is binary, not text", hint=_TEXT)


def _is_binary(head: bytes) -> bool:
    """Return whether bytes are not text: many control characters, or some and invalid UTF-8."""
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > _MOST_CONTROLS * len(head):
        return True
    if controls <= _SOME_CONTROLS * len(head) or head.startswith(_UTF_16):
        return False
    return head.decode("utf-8", "replace").count("\ufffd") > _MOST_INVALID * len(head)


def is_reference_list(head: bytes) -> bool:
    """Return whether a file is a list of references of a supported kind."""
    start = _start(head)
    hint = next((hint for test, _, hint in _KINDS if test(start)), "")
    return hint.startswith(_START)


def refuse_what_is_no_metadata(head: bytes, name: str) -> None:
    """Raise UnreadableDump with the file's type, unless ``head`` may be the start of JSON."""
    refuse_what_is_no_dump(head, name)
    if what := what_is_for_ingest(_start(head), name) or _what_is_read_as_text(head, name):
        hint = "`larkpost ingest FILE` reads it"
        raise UnreadableDump(f"{name} is {what}, not metadata as JSON", hint=hint)


def _what_is_read_as_text(head: bytes, name: str) -> str:
    from larkpost.formats.mail.arxiv_listing import ArxivListing  # late: they read HTML
    from larkpost.formats.mail.mail_dump import MailDump
    from larkpost.formats.paper_lists.html_page import HtmlPage

    known = ((MailDump(), "a mail"), (ArxivListing(), "a listing of arXiv"), (HtmlPage(), "a page"))
    return next((what for one, what in known if one.recognises(head, name)), "")


def what_is_for_ingest(start: str, name: str) -> str:
    """Return the type of a dump whose beginning may look like other types; empty for others.

    No other test applies to these, because an entry may contain the text of an error page.
    """
    if _FEED(start):
        return "a feed, or an answer in XML,"
    if _JSON_FEED(start):
        return "a JSON feed"
    return "a table" if not TABLE.match(start) and is_table(start, name) else ""


def _start(head: bytes) -> str:
    """Decode the beginning of a file roughly, from its first visible character."""
    text = head[:_BEGINNING].lstrip(b"\xff\xfe").translate(None, b"\x00").decode("utf-8", "replace")
    if len(head) > _BEGINNING:
        text = text.rpartition("\n")[0] or text
    return text.replace("\r\n", "\n").replace("\r", "\n").lstrip(_BEFORE_TEXT)
