"""Text in its clean, comparable and printable forms: papers, identifiers, addresses, log lines."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from heapq import nsmallest
from urllib.parse import SplitResult, urlsplit
from zlib import crc32

import idna
from rapidfuzz import fuzz

from larkpost.domain import Identifier
from larkpost.errors import UsageError

# What neither XML 1.0 nor PostgreSQL takes, or nobody sees: controls, the byte order mark, lone
# surrogates, the non-characters of every plane.
_NONCHARACTERS = "".join(
    f"{chr(p * 0x10000 + 0xFFFE)}{chr(p * 0x10000 + 0xFFFF)}" for p in range(17)
)
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff\ufdd0-\ufdef" + _NONCHARACTERS + "]"
)
# White space that some programs take for the end of a line; only CR and LF are.
_SOFT_BREAKS = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_SOFT_HYPHEN = "\u00ad"
_HYPHENATED = re.compile(r"(?<=[^\W\d_])-[^\S\n]*\n\s*(?!(?:and|or|und|et|to)\b(?!-))(?=[^\W\d_])")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MOST_MARKS = 4  # combining marks on one letter; Vietnamese needs two, vocalised Hebrew three

_SHINGLE = 12  # squeezed characters: about two words
_SKETCH = 8
_ANCHORS = (re.compile(b"y"), re.compile(b"g"), re.compile(b"d"), re.compile(b"[^ygd]"))
_MOST_COMPARED = 20_000  # characters; a longer text is judged by its beginning

_NOT_ALPHANUMERIC = bytes(code for code in range(128) if not chr(code).isalnum())
_FORMATTING = re.compile(
    r"\\(?:text(?:bf|it|tt|sc|rm|sf|normal)?|emph|math(?:rm|bf|it|cal|bb|sf|tt|frak)"
    r"|boldsymbol|left|right|mbox|operatorname)(?![A-Za-z])"
)
_ACCENT = re.compile(
    r"""\{?\\(?P<mark>["'`^~=.]|[Hckruv](?![A-Za-z]))\s*"""
    r"""(?:\{(?P<braced>\\?[A-Za-z])\}|(?P<bare>\\?[A-Za-z]))(?P<end>\}?)"""
)
_LATEX_SPACE = re.compile(r"(?<!\\)\\{1,2}(?=\s)")
_MARKS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304",
    ".": "\u0307", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "u": "\u0306",
    "v": "\u030c",
}  # fmt: skip  # one line a row of the LaTeX accents reads better than one a mark

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9_.+-]{0,19}):(?P<value>\S(?:.*\S)?)", re.DOTALL)
_ARXIV_NEW = r"\d{4}\.\d{4,5}"
_ARXIV_OLD = r"[a-z-]+(?:\.[a-z]{2})?/\d{7}"
_ARXIV = re.compile(rf"(?:arxiv:)?(?P<id>{_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?", re.IGNORECASE)
_ARXIV_PATH = re.compile(
    rf"/(?:abs|pdf|html|format|papers|paper|overview|forum|src|e-print)/"
    rf"(?P<id>{_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?(?:\.pdf)?/?",
    re.IGNORECASE,
)
_ARXIV_HOSTS = ("arxiv.org", "huggingface.co", "alphaxiv.org", "ar5iv.org", "hf.co")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_LONGEST_VALUE = 400

_LOCAL_PART = re.compile(r"""[^\s<>()\[\],;:\\"@]{1,64}""")
_ADDRESS_LITERAL = re.compile(r"\[(?:IPv6:)?[0-9A-Fa-f:.]+\]", re.IGNORECASE)


def clean(text: str) -> str:
    r"""NFC without control characters (but ``\n`` and ``\t``), lone surrogates, non-characters.

    CR LF and CR become LF; NEL, U+2028, U+2029, form feed and vertical tab become a space.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _SOFT_BREAKS.sub(" ", text)
    text = _UNWANTED.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text)


def unwanted(text: str) -> int:
    """Count the characters that ``clean`` leaves out."""
    return len(_UNWANTED.findall(text))


def squash(text: str) -> str:
    """One line: wrapped lines joined, white space collapsed, soft hyphens gone.

    A hyphen at the end of a line stays and joins the words, as in ``state-of-`` / ``the-art``,
    but not before a conjunction that stands alone (``short-`` / ``and long-term``).
    """
    text = clean(text)
    if _SOFT_HYPHEN in text:
        text = text.replace(_SOFT_HYPHEN + "\n", "").replace(_SOFT_HYPHEN, "")
    if "-" in text and "\n" in text:
        text = _HYPHENATED.sub("-", text)
    return " ".join(text.split())


def plain_latex(text: str) -> str:
    r"""Turn LaTeX accents into letters and its spaces into spaces; the rest stays as it is.

    ``Schr\"odinger``, ``Erd{\H o}s``, ``et al.\ 2020``, and a backslash before a line end.
    """
    if "\\" not in text:
        return text
    return _ACCENT.sub(_accented, _LATEX_SPACE.sub("", text))


def _accented(match: re.Match[str]) -> str:
    letter = (match["braced"] or match["bare"]).removeprefix("\\")
    opened = match[0].startswith("{")
    if match["end"] and not opened:
        return _compose(letter, match["mark"]) + "}"
    return ("{" if opened and not match["end"] else "") + _compose(letter, match["mark"])


def _compose(letter: str, mark: str) -> str:
    return unicodedata.normalize("NFC", letter + _MARKS[mark])


def squeeze(text: str) -> str:
    """Keep letters and digits only, case-folded, without accents: what near-duplicates share."""
    if "\\" in text:
        text = _FORMATTING.sub("", text)
    if text.isascii():
        return text.lower().encode().translate(None, _NOT_ALPHANUMERIC).decode()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


def title_key(title: str) -> str:
    """Make a key, at most 64 characters, that titles share where only case or marks differ."""
    squeezed = squeeze(title) or title.strip()
    if len(squeezed) <= 64 and squeezed.isprintable():
        return squeezed
    return f"{squeezed[:43] if squeezed.isprintable() else ''}-{_digest(squeezed)[:20]}"


def text_identifier(title: str, abstract: str) -> Identifier:
    """Name a paper that has no other name: 16 hex digits of its squeezed title and abstract."""
    squeezed = squeeze(title) or title.strip()
    return Identifier("text", _digest(f"{squeezed}\n{squeeze(abstract)}")[:16])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def sketch(title: str, abstract: str) -> frozenset[int]:
    """Draw the bottom-k sketch of a paper: at most 8 signed 64-bit numbers.

    Two texts share about as large a part of their sketches as of their character shingles
    (Broder, "On the resemblance and containment of documents", 1997). The order in which the
    lowest are taken is: shingles that begin with ``y``, with ``g``, with ``d``, then the others,
    by CRC within each; so a long text is sampled without looking at every shingle of it.
    """
    text = (squeeze(title) + squeeze(abstract))[:_MOST_COMPARED].encode("utf-8", "replace")
    chosen: set[bytes] = set()
    for anchor in _ANCHORS:
        starts = (match.start() for match in anchor.finditer(text))
        shingles = {text[at : at + _SHINGLE] for at in starts if at + _SHINGLE <= len(text)}
        chosen.update(nsmallest(_SKETCH - len(chosen), shingles, key=crc32))
        if len(chosen) == _SKETCH:
            break
    return frozenset(_number(shingle) for shingle in chosen or {text})


def _number(shingle: bytes) -> int:
    # The CRC is only an order; 64 bits keep unrelated papers from meeting.
    return int.from_bytes(hashlib.blake2b(shingle, digest_size=8).digest(), "big", signed=True)


def resemblance(a: str, b: str) -> float:
    """Say how alike two texts are once squeezed, 0 to 1: two thirds kept in order is about 0.8.

    It is the normalised Indel similarity; unrelated English texts reach about 0.45.
    """
    return fuzz.ratio(squeeze(a)[:_MOST_COMPARED], squeeze(b)[:_MOST_COMPARED]) / 100


def one_line(text: str) -> str:
    """Text from outside for a header, a log or a terminal: no line end, control or bidi override.

    At most four combining marks stay on one letter.
    """
    return _cap_marks(squash(_BIDI.sub("", text.replace("\t", " "))))


def _cap_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def address_key(address: str) -> str:
    """Spell a mail address in the one way that compares: NFC, the domain lower case and IDNA.

    Raises UsageError when it is no address that mail can be sent to (RFC 5321, 4.1.2).
    """
    local, at, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    if not at or dotted or not _LOCAL_PART.fullmatch(local) or clean(local) != local:
        raise _no_address(address)
    key = f"{local}@{_domain(domain, address)}"
    if len(key.encode()) > 254:  # RFC 5321, 4.5.3.1.3, less the angle brackets
        raise _no_address(address)
    return key


def _domain(domain: str, address: str) -> str:
    if _ADDRESS_LITERAL.fullmatch(domain):
        return domain.lower()
    try:
        return idna.encode(domain.rstrip("."), uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise _no_address(address) from error


def _no_address(address: str) -> UsageError:
    return UsageError(
        f"“{one_line(address)}” is not a mail address", hint="write it like anna@example.org"
    )


def parse_identifier(text: str) -> Identifier:
    """Read ``scheme:value``, a bare arXiv id or DOI, or a URL (of arXiv, of a DOI, or any other).

    Versions of arXiv papers are dropped, arXiv ids and DOIs are in lower case, URLs without
    what does not name the page. Raises UsageError.
    """
    given = clean(text).strip()
    found = _read_identifier(given)
    if found is None or len(found.value) > _LONGEST_VALUE or re.search(r"\s", found.value):
        raise UsageError(
            f"“{one_line(given)[:120]}” is not the name of a paper",
            hint="write it like arxiv:2508.13426, doi:10.1000/182 or https://…",
        )
    return found


def _read_identifier(given: str) -> Identifier | None:
    if given.lower().startswith("oai:arxiv.org:"):
        given = "arxiv:" + given[len("oai:arxiv.org:") :]
    if match := _ARXIV.fullmatch(given):
        return Identifier("arxiv", _arxiv(match["id"]))
    if _DOI.fullmatch(given):
        return _doi(given)
    if given.lower().startswith(("http://", "https://")):
        return _from_url(given)
    match = _SCHEME.fullmatch(given)
    return _from_scheme(match["scheme"].lower(), match["value"]) if match else None


def _from_scheme(scheme: str, value: str) -> Identifier | None:
    if scheme == "url":
        return _from_url(value)
    if scheme == "doi":
        return _doi(re.sub(r"^(?:https?://)?(?:dx\.)?doi\.org/", "", value, flags=re.IGNORECASE))
    if scheme == "arxiv":
        return Identifier("arxiv", re.sub(r"(?<=\d)v\d+$", "", value.lower()))
    return Identifier(scheme, value)


def _arxiv(value: str) -> str:
    # math.GT/0309136 and math/0309136 are the same paper: the class after the dot is decoration.
    return re.sub(r"^([a-z-]+)\.[a-z]{2}/", r"\1/", value.lower())


def _doi(value: str) -> Identifier:
    value = value.lower()
    # arXiv's own DOIs (10.48550/arXiv.2508.13426) name the same paper as the arXiv id.
    inner = _ARXIV.fullmatch(value.removeprefix("10.48550/arxiv."))
    return Identifier("arxiv", _arxiv(inner["id"])) if inner else Identifier("doi", value)


def _from_url(url: str) -> Identifier | None:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    site = host.removeprefix("www.").removeprefix("export.")
    if site in _ARXIV_HOSTS and (match := _ARXIV_PATH.fullmatch(parts.path)):
        return Identifier("arxiv", _arxiv(match["id"]))
    if site in {"doi.org", "dx.doi.org"} and _DOI.fullmatch(parts.path[1:]):
        return _doi(parts.path[1:])
    return Identifier("url", _plain_url(parts, host, port))


def _plain_url(parts: SplitResult, host: str, port: int | None) -> str:
    authority = f"[{host}]" if ":" in host else host
    if port not in {None, 80, 443}:
        authority += f":{port}"
    kept = [pair for pair in parts.query.split("&") if pair and not pair.startswith("utm_")]
    query = "?" + "&".join(kept) if kept else ""
    return f"https://{authority}{parts.path.rstrip('/')}{query}"
