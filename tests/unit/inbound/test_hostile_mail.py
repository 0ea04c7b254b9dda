"""Tests hostile mail: only a bounded part is read, and larger mail is refused."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.cli.commands.mail import _read_mail
from larkpost.formats.mail import mail_parser
from larkpost.formats.mail.mail_parser import OutsizedMail, decode
from larkpost.inbound.automatic_mail import is_automatic
from larkpost.inbound.bounce_parser import parse, parse_bounce, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable

KB = 1024
_A_MOMENT = 0.005  # seconds, so that the ratio of two short moments is no accident
_MULTIPART = b"Content-Type: multipart/mixed; boundary=b\n\n"
_NETSCAPE = (
    b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
    b"This Message was undeliverable due to the following reason:\n\n"
)


def _folded(name: bytes, value: bytes) -> bytes:
    lines = (value[start : start + 900] for start in range(0, len(value), 900))
    return name + b": x" + b"\n ".join(lines) + b"\n\nhello\n"


def _nested(size: int) -> bytes:
    levels = (
        b"Content-Type: multipart/x; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(size // 48)
    )
    return b"".join(levels)


def _shallow(size: int) -> bytes:
    return _nested(11 * 48) + b"\n" * size


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "parts": lambda size: _MULTIPART + b"--b\n\n" * (size // 5),
    "nested": _nested,
    "lines within eleven levels": _shallow,
    "mails in mails": lambda size: b"Content-Type: message/rfc822\n\n" * (size // 30),
    "an endless field": lambda size: b"Subject: " + b"x" * size,
    "an endless header": lambda size: b"A: b\n" * (size // 5),
    "no line end": lambda size: b"x" * size,
    "NULs": lambda size: b"Subject: \0\n\n" + b"\0" * size,
    "bare CR": lambda size: b"Subject: x\r\r" + b"\r" * size,
    "empty lines": lambda size: b"Subject: x\n\n" + b"\n" * size,
    "encoded words": lambda size: _folded(b"Subject", b" =?utf-8?q?=41?=" * (size // 16)),
    "continuations": lambda size: _folded(
        b"Content-Type", b"".join(b"; a*%d=x" % n for n in range(size // 9))
    ),
    "quotation marks": lambda size: _folded(b"Content-Type", b';"' * (size // 2)),
    "comments": lambda size: _folded(b"X-Failed-Recipients", b"(" * size),
    "brackets": lambda size: _folded(b"From", b"<" * size),
    "a boundary in punycode": lambda size: (
        b"Content-Type: multipart/x; boundary*=punycode''-" + b"b" * size + b"\n\nx"
    ),
    "text in punycode": lambda size: (
        b"Content-Type: text/plain; charset=punycode\n\n-" + b"b" * size
    ),
    "tags": lambda size: b"Content-Type: text/html\n\n" + b"<p" * (size // 2),
    "an old bounce in long lines": lambda size: _NETSCAPE + b"<" * size,
    "an old bounce in base64": lambda size: (
        _NETSCAPE.replace(b"plain\n", b"plain\nContent-Transfer-Encoding: base64\n")
        + b"PDw8" * (size // 4)
    ),
    "spaces of an old bounce": lambda size: (
        b"Subject: x\n\nnot yet been delivered\n" + (b" " * 5000 + b"\n") * (size // 5000)
    ),
    "addresses of ours": lambda size: b"To: " + b"+b" + b"a" * size + b"@\n\nx",
}  # fmt: skip


def handle(mail: bytes) -> None:
    """Do with a mail what can be done with any."""
    try:
        message = parse(mail)
    except OutsizedMail:
        return
    is_automatic(message)
    parse_bounce(message)
    plain_text(message)


def growth(mail: Callable[[int], bytes], small: int, large: int) -> float:
    before, after = mail(small), mail(large)
    lower = cpu_seconds(lambda: handle(before), 3)
    return cpu_seconds(lambda: handle(after), 3) / (lower + _A_MOMENT)


@pytest.mark.parametrize("kind", HOSTILE)
def test_sixteen_times_as_large_costs_no_more_once_it_is_beyond_what_is_read(kind: str) -> None:
    assert_grows_less_than(lambda: growth(HOSTILE[kind], 64 * KB, 1024 * KB), 3)


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_read_costs_time_in_proportion_to_its_length(kind: str) -> None:
    assert_grows_less_than(lambda: growth(HOSTILE[kind], 8 * KB, 64 * KB), 20)


@pytest.mark.parametrize(
    ("mail", "why"),
    [
        (_MULTIPART + b"--b\n\nx\n" * 100_000, "more than 100 parts"),
        (_nested(48 * 10_000), "nested more than 12 deep"),
        (b"Content-Type: message/rfc822\n\n" * 10_000, "nested more than 12 deep"),
        (b"A: b\n" * 100_000, "more than 500 fields"),
        (_folded(b"Subject", b" =?utf-8?q?=41?=" * KB * KB), "more than 16000 characters"),
    ],
    ids=["parts", "levels", "mails in mails", "fields", "field"],
)
def test_what_no_mail_program_sends_is_refused_with_the_reason(mail: bytes, why: str) -> None:
    with pytest.raises(OutsizedMail, match=why):
        parse(mail)


def test_a_hundred_parts_and_twelve_levels_are_taken() -> None:
    many = parse(_MULTIPART + b"--b\n\nx\n" * 99)
    deep = parse(_nested(48 * 12))

    assert len(list(many.walk())) == 100
    assert len(list(deep.walk())) == 13


@pytest.mark.parametrize(
    "codec",
    ["zlib", "bz2", "hex", "rot13", "idna", "punycode", "unicode_escape", "raw_unicode_escape",
     "utf-7", "utf-16", "base64", "uu", "quopri", "undefined", "mbcs", "string-escape"],
)  # fmt: skip
def test_what_is_no_character_set_of_mail_is_read_as_utf_8(codec: str) -> None:
    mail = f"Content-Type: text/plain; charset={codec}\n\nIt is +AGE- \\x41 ü\n".encode()
    extended = f"Content-Type: text/plain; charset*={codec}''utf-8\n\nü\n".encode()

    assert plain_text(parse(mail)) == "It is +AGE- \\x41 ü\n"
    assert plain_text(parse(extended)) == "ü\n"
    assert decode("ü".encode(), codec) == "ü"


@pytest.mark.parametrize(
    "charset",
    ["utf-8", "ISO-8859-1", "latin1", "windows-1252", "KOI8-R", "iso-8859-15", "gb18030", "big5",
     "Shift_JIS", "iso-2022-jp", "euc-kr"],
)  # fmt: skip
def test_the_character_sets_of_mail_are_read(charset: str) -> None:
    word = {"KOI8-R": "да", "gb18030": "中", "big5": "中", "euc-kr": "한"}.get(charset, "é")
    word = "あ" if charset in ("Shift_JIS", "iso-2022-jp") else word
    head = f"Content-Type: text/plain; charset={charset}\n\n".encode()

    assert plain_text(parse(head + word.encode(charset))) == word


def test_names_of_codecs_that_nobody_knows_are_not_remembered() -> None:
    """Python remembers each name that was asked for, for ever."""
    from encodings import _cache

    before = len(_cache)
    for number in range(100):
        plain_text(parse(f"Content-Type: text/plain; charset=x{number}\n\nx\n".encode()))

    assert len(_cache) - before < 5


def test_an_old_bounce_over_which_its_readers_stumble_leaves_no_trace_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    parse_bounce(parse(b"From: " + b"<" * 100 + b"\n\nhello\n"))

    assert caplog.records == []


def test_a_mail_on_standard_input_is_taken_whole_and_its_beginning_kept() -> None:
    content, size = _read_mail(io.BytesIO(b"x" * 3_000_000), mail_parser.MOST_READ)

    assert (len(content), size) == (mail_parser.MOST_READ, 3_000_000)
