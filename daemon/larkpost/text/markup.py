"""Removes markup from titles and abstracts: HTML, LaTeX commands, announcements."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

from larkpost.domain import Identifier
from larkpost.text.identifiers import find_identifier

# Quantifiers are possessive or bounded throughout: hostile text must take time linear in its size.
_ATTRIBUTES = r"""(?:\s++[\w:.-]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s"'<>=`]++))"""
# A tag with one of these names separates words; the others are inline.
_BLOCKS = (
    r"article|blockquote|br|center|d[dlt]|div|figcaption|figure|h[1-6r]|li|ol|p|pre|section|t[dhr]"
    r"|table|tbody|thead|ul|(?:jats|x?html):(?:break|list|list-item|p|sec|title)"
)
_INLINE = (
    r"a|abbr|b|big|cite|code|del|em|font|i|ins|kbd|mark|math|q|samp|scp|small|span|strike|strong"
    r"|su[bp]|tt|u|var|(?:jats|mml|x?html):[\w-]++"
)
# Words in angle brackets that are no tags stay: ``<SEP>``, ``<eos>``, ``x <b and c> y``. ``<img>``
# without attributes is a token of a model.
_TAG = re.compile(
    rf"</?(?:(?P<block>{_BLOCKS})|{_INLINE})(?=[\s/>]){_ATTRIBUTES}*+\s*+/?>"
    rf"|<img(?=\s){_ATTRIBUTES}++\s*+/?>",
    re.IGNORECASE,
)
_UNSEEN = (
    (re.compile(r"<!--"), re.compile(r"-->")),
    (
        re.compile(r"<script(?:\s[^<>]*+)?>", re.IGNORECASE),
        re.compile(r"</script\s*+>", re.IGNORECASE),
    ),
    (
        re.compile(r"<style(?:\s[^<>]*+)?>", re.IGNORECASE),
        re.compile(r"</style\s*+>", re.IGNORECASE),
    ),
)
# The semicolon is required, because a web address may contain ``&copy``; numbers are short.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MOST_ESCAPES = 3  # how often a text may have been escaped

_ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304",
    ".": "\u0307", "H": "\u030b", "c": "\u0327", "d": "\u0323", "h": "\u0309", "k": "\u0328",
    "r": "\u030a", "u": "\u0306", "v": "\u030c",
}  # fmt: skip  # one line a row of the LaTeX accents reads better than one a mark
_LETTERS = {
    "AA": "Å", "aa": "å", "AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ", "O": "Ø", "o": "ø",
    "L": "Ł", "l": "ł", "ss": "ß", "i": "\u0131", "j": "ȷ", "DH": "Ð", "dh": "ð", "TH": "Þ",
    "th": "þ", "DJ": "Đ", "dj": "đ", "NG": "Ŋ", "ng": "ŋ", "OHORN": "Ơ", "ohorn": "ơ",
    "UHORN": "Ư", "uhorn": "ư",
}  # fmt: skip  # as above
_SYMBOLS = {
    "S": "§", "LaTeX": "LaTeX", "TeX": "TeX", "dots": "…", "ldots": "…", "textendash": "\u2013",
    "textemdash": "\u2014", "textasciitilde": "~",
}  # fmt: skip  # as above
_MARK = r"""(?:["'`^~=.]|[Hcdhkruv](?![A-Za-z]))\s{0,9}"""
_LETTER = rf"(?:[A-Za-z\u00c0-\u024f\u1e00-\u1eff]|\\(?:{'|'.join(_LETTERS)})(?![A-Za-z]))"


def _accent_pattern(letter: str) -> str:
    """Return the pattern of an accent over a match of ``letter``, with or without braces."""
    return rf"{_MARK}(?:\{{\s?{letter}\s?\}}|{letter})"


# One accent, or two of which one is above the other, as in Vietnamese: ``\~{\^e}``.
_ACCENT = (
    rf"(?:{_accent_pattern(_LETTER)}|{_accent_pattern(chr(92) * 2 + _accent_pattern(_LETTER))})"
)
_EDGES = re.compile(r"^[{\s]+|[}\s]+$")
_LATEX = re.compile(
    rf"""
    (?P<verbatim>
        https?://[^\s\\{{}}<>$]++                                      # a web address
      | \$\$?(?=[^\s$])(?:[^$\\]|\\.)*+(?<=\S)\$\$?(?!\d)              # maths; no prices: $5 or $6
      | \\\\(?!\s))
  | (?P<space>\\\\?(?=\s))
  | \{{\\(?P<braced_accent>{_ACCENT})\}}
  | \\(?P<accent>{_ACCENT})
  | \{{\\(?P<braced_letter>{"|".join(_LETTERS)})\s?\}}
  | (?P<unit>(?<=\d\ )\\AA(?=\s))                                      # 5 Å, no word goes on
  | \\(?P<letter>{"|".join(_LETTERS)})(?![A-Za-z(^_\d])(?:\{{\}}|\s{{0,9}})
  | \\(?P<symbol>{"|".join(_SYMBOLS)})(?![A-Za-z])(?:\{{\}})?
  | \\(?P<escaped>[&%_\#${{}}])
  | \\(?:url|path)\s?\{{(?P<address>[^{{}}\s]{{1,2000}}+)\}}
  | (?P<dash>(?<!-)---(?!-))
  | (?P<tie>(?:(?<=[A-Za-z\u00c0-\u024f]{{2}})|(?<=[.,)]))~(?=[^\W_]|[\\(\[$])|(?<=\d)~(?=[A-Za-z]))
  | (?P<format>
        \\(?:text(?:bf|it|tt|sc|rm|sf|sl|up|normal|super|sub)?|emph|underline|mbox)\s?\{{
      | \\href\s?\{{[^{{}}]{{0,2000}}+\}}\s?\{{
      | \{{\\(?:bf|em|it|rm|sc|sf|sl|tt)(?![A-Za-z])\s{{0,9}})
  | (?P<open>\{{)
  | (?P<close>\}})
    """,
    re.VERBOSE | re.DOTALL,
)
# The beginnings of tokens: searching for these first is ten times as fast as trying each place.
_TOKEN_START = re.compile(r"\\|\$|\{|\}|~|https?://|---")
_QUOTED = re.compile(r"``((?:\$[^$`]{1,500}+\$|'(?!')|[^`'])++)''")

_ANNOUNCED = re.compile(
    r"\s*+arXiv:\s?(?P<id>\d{4}\.\d{4,5}|[a-z-]{2,20}(?:\.[a-z]{2})?/\d{7})(?:v\d{1,3})?"
    r"\s++Announce\s++Type:\s*+(?:replace-cross|replace|cross|new|absonly)?(?![\w-])\s*+",
    re.IGNORECASE,
)
# "Abstract reasoning is hard" and "Abstract-level" begin sentences, "Abstract—We" does not.
_LABEL = re.compile(
    r"\s*Abstract(?:[^\S\n]*(?:[:\u2014\u2013]|\n)|\.(?=\s)| -+ | (?=(?:We|This|In this)\b))\s*",
    re.IGNORECASE,
)


def clean_markup(text: str) -> str:
    """Remove HTML and LaTeX from a title or an abstract; other text stays unchanged.

    Tags of HTML and JATS are removed, with the contents of scripts and comments; then entities
    become characters, then LaTeX letters. Text that only then looks like a tag (``&lt;b&gt;``)
    stays. Formulas (``$x$``) and line breaks stay as they are.
    """
    return plain_latex(plain_html(text))


def cut_preamble(text: str) -> tuple[str, Identifier | None]:
    """Remove a prefix of an abstract: arXiv's announcement and the label ``Abstract:``.

    Returns the abstract and the paper's identifier from ``arXiv:2508.13426v1 Announce Type: new``,
    the beginning of an abstract in arXiv's feeds. ``text`` may still be wrapped: the word
    ``Abstract`` alone on a line is a label.
    """
    name = None
    if announced := _ANNOUNCED.match(text):
        name = find_identifier(f"arxiv:{announced['id']}")  # None: digits that arXiv never used
        text = text[announced.end() :]
    label = _LABEL.match(text)
    return (text[label.end() :] if label else text), name


def plain_html(text: str) -> str:
    """Remove the tags of a text and turn its entities into characters."""
    if "<" in text:
        for opening, closing in _UNSEEN:
            text = "".join(_outside(text, opening, closing))
        text = _TAG.sub(lambda tag: "\n" if tag["block"] else "", text)
    if "&" in text:
        for _ in range(_MOST_ESCAPES):
            text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def has_html(text: str) -> bool:
    """Return whether a text contains HTML tags or entities."""
    return plain_html(text) != text


def _outside(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> Iterator[str]:
    """Yield the text outside marks and their ends; a mark without an end is text."""
    at = 0
    ends = (match.span() for match in closing.finditer(text))
    end = next(ends, None)
    for start in opening.finditer(text):
        while end and end[0] < start.end():
            end = next(ends, None)
        if end is None:
            break
        if start.start() >= at:
            yield text[at : start.start()]
            at = end[1]
    yield text[at:]


def plain_latex(text: str) -> str:
    r"""Turn LaTeX letters, accents, escapes, ties and quotes into characters.

    ``Schr\"odinger``, ``Erd{\H o}s``, ``Stra{\ss}e``, ``5\%``, ``Fig.~2``, ``\emph{x}``, and a
    backslash before a line end. Formulas, web addresses, all other commands, and unclosed groups
    stay as they are.
    """
    if not ("\\" in text or "~" in text or "---" in text or "``" in text):
        return text
    parts: list[str] = []
    groups: list[tuple[int, bool]] = []  # the position of each open brace, and whether it goes
    at = 0
    for token in _latex_tokens(text):
        parts.append(text[at : token.start()])
        at = token.end()
        parts.append(_characters(token))
        if token["open"] or token["format"]:
            groups.append((len(parts) - 1, token["format"] is not None))
        elif token["close"] and groups:
            opened, goes = groups.pop()
            if goes:
                parts[opened] = parts[-1] = ""
    plain = "".join(parts) + text[at:]
    return _QUOTED.sub("\u201c\\1\u201d", plain) if "``" in plain else plain


def _latex_tokens(text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of ``_LATEX``, in order."""
    at = 0
    while start := _TOKEN_START.search(text, at):
        token = _LATEX.match(text, start.start())
        if token:
            yield token
        at = token.end() if token else start.start() + 1


def _characters(token: re.Match[str]) -> str:
    """Convert a LaTeX token to plain characters; braces stay until they are closed."""
    kind, value = token.lastgroup, token[token.lastgroup or 0]
    match kind:
        case "accent" | "braced_accent":
            return _compose(value)
        case "letter" | "braced_letter":
            return _LETTERS[value]
        case "symbol":
            return _SYMBOLS[value]
        case "address":
            return re.sub(r"\\([&%_#~])", r"\1", value)
        case "space":
            return ""
        case "unit" | "dash" | "tie":
            return {"unit": "Å", "dash": "\u2014", "tie": "\u00a0"}[kind]
        case _:
            return value


def _compose(accent: str) -> str:
    r"""Compose ``^e``, ``"{\i}`` or ``~{\^e}`` to one letter if there is one."""
    mark, letter = _ACCENTS[accent[0]], _EDGES.sub("", accent[1:])
    if letter.startswith("\\"):
        name = letter[1:]  # i and j are dotless only because of the accent
        letter = name if name in ("i", "j") else _LETTERS.get(name) or _compose(name)
    composed = unicodedata.normalize("NFC", letter + mark)
    if len(composed) > 1:  # the accents of one letter are typed in either order
        parts = unicodedata.normalize("NFD", letter)
        turned = unicodedata.normalize("NFC", parts[0] + mark + parts[1:])
        return min(composed, turned, key=len)
    return composed
