"""Parses untrusted mail within limits that real mail programs respect."""

from __future__ import annotations

from email.feedparser import BytesFeedParser
from email.message import Message
from email.policy import Policy, compat32
from encodings.aliases import aliases
from typing import Any

from larkpost.errors import Failure

MOST_READ = 64 * 1024  # bytes of a mail that are parsed; after them comes the returned message
LARGEST = 1_000_000  # bytes of a whole mail; our largest message has a tenth of that
MOST_PARTS = 100
MOST_PAGE_PARTS = 5_000  # of a saved web page (MHTML), which includes its pictures
MOST_LEVELS = 12  # a returned message has six
MOST_FIELDS = 500  # of one part
LONGEST_FIELD = 16_000  # characters
# Of a field whose parameters the library parses, several times per part, in time that grows with
# the square of the number of semicolons (RFC 2045, 5.1). Long names of files are in pieces of 78.
LONGEST_PARAMETERS = 2_000  # characters
MOST_PARAMETERS = 50
_PARAMETER_FIELDS = frozenset({"content-type", "content-disposition", "content-transfer-encoding"})

# Character sets of mail (RFC 2046, 4.1.2; WHATWG Encoding). Python has many other codecs: some
# are not for text, and some take quadratic time.
_CODECS = frozenset(
    {"ascii", "utf_8", "utf_8_sig", "latin_1", "koi8_r", "koi8_u", "mac_roman", "tis_620", "hz",
     "big5", "big5hkscs", "gb2312", "gbk", "gb18030", "euc_jp", "shift_jis", "cp932", "euc_kr",
     "cp949", "iso2022_jp", "iso2022_kr", "cp437", "cp850", "cp852", "cp866", "cp874"}
    | {f"iso8859_{number}" for number in range(2, 17)}
    | {f"cp125{number}" for number in range(9)}
)  # fmt: skip
_CHARSETS = {name: codec for name, codec in aliases.items() if codec in _CODECS} | {
    codec: codec for codec in _CODECS
}


class OutsizedMail(Failure):
    """A mail is larger, longer or deeper than any mail program sends; the message says which."""


class MailPart(Message):
    """A mail, or a part of one, that counts its parts and fields while it is parsed."""

    most_parts = MOST_PARTS

    def __init__(self, policy: Policy[Any] = compat32) -> None:
        super().__init__(policy)
        self._level = 0
        self._parts = [1]  # in the whole mail, shared by all parts

    def attach(self, payload: Message) -> None:  # type: ignore[override]  # parts are mails here
        """Add a part; raises OutsizedMail if there are too many, or they are nested too deeply."""
        if isinstance(payload, MailPart):
            payload._level = self._level + 1
            payload._parts = self._parts
            self._parts[0] += 1
            if self._parts[0] > self.most_parts:
                raise OutsizedMail(f"it has more than {self.most_parts} parts")
            if payload._level > MOST_LEVELS:
                raise OutsizedMail(f"its parts are nested more than {MOST_LEVELS} deep")
        super().attach(payload)

    def set_raw(self, name: str, value: Any) -> None:
        """Add a field of the header; raises OutsizedMail if it is too long or one too many."""
        if len(self) >= MOST_FIELDS:
            raise OutsizedMail(f"its header has more than {MOST_FIELDS} fields")
        if len(value) > LONGEST_FIELD:
            raise OutsizedMail(f"a field of its header has more than {LONGEST_FIELD} characters")
        if name.lower() in _PARAMETER_FIELDS:
            _check_parameters(name, value)
        super().set_raw(name, value)

    def get_param(self, *args: Any, **named: Any) -> Any:
        """Return a parameter of a field; character sets are replaced by those of mail."""
        value = super().get_param(*args, **named)
        if isinstance(value, tuple):  # RFC 2231
            value = (_codec(value[0] or "us-ascii"), *value[1:])
        param = str(args[0] if args else named.get("param")).lower()
        return _codec(value) if param == "charset" and isinstance(value, str) else value


def _check_parameters(name: str, value: str) -> None:
    if len(value) > LONGEST_PARAMETERS:
        raise OutsizedMail(f"{name.title()} has more than {LONGEST_PARAMETERS} characters")
    if value.count(";") > MOST_PARAMETERS:
        raise OutsizedMail(f"{name.title()} has more than {MOST_PARAMETERS} parameters")


class PagePart(MailPart):
    """A saved web page (MHTML, RFC 2557), or a part of one."""

    most_parts = MOST_PAGE_PARTS


def parse(content: bytes, *, most: int = MOST_READ, factory: type[MailPart] = MailPart) -> MailPart:
    """Read the first ``most`` bytes of a mail as leniently as possible: errors are ignored.

    The older policy of ``email`` fails on no input. Raises OutsizedMail.
    """
    parser = BytesFeedParser(factory)  # with the policy compat32
    parser.feed(content[:most])
    return parser.close()


def decode(content: bytes, charset: str) -> str:
    """Decode a text by a character set of mail; by UTF-8 if the name is not one."""
    return content.decode(_codec(charset), "replace")


def _codec(charset: str) -> str:
    return _CHARSETS.get(charset.strip().lower().replace("-", "_"), "utf_8")
