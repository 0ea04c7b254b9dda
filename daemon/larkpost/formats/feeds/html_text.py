"""Converts the HTML of a feed's entry to text: separate paragraphs, no scripts or pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from larkpost.text.markup import plain_html
from larkpost.text.normalize import clean

if TYPE_CHECKING:
    from lxml.etree import _Element

LONGEST_HTML = 400_000  # characters that are read
_TAGS = re.compile(
    r"</?(?:a|abbr|article|b|blockquote|body|br|code|div|em|figure|font|h[1-6]|hr|html|i|iframe|img"
    r"|li|ol|p|pre|section|small|span|strong|su[bp]|table|td|tr|u|ul|video|audio)(?=[\s/>])",
    re.IGNORECASE,
)
BLOCK_ELEMENTS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd",
     "details", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1",
     "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "li", "main", "nav", "ol",
     "option", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead",
     "tr", "ul")
)  # fmt: skip  # one name per line would be longer than the module
_UNSEEN = frozenset(
    ("script", "style", "template", "noscript", "iframe", "object", "svg", "audio", "video",
     "select")
)  # fmt: skip  # as above
_LOCAL = re.compile(r"^(?:\{[^}]*\}|\w+:)")


def html_text(text: str) -> str:
    """Return the text of HTML; in a text without HTML tags, only entities are decoded."""
    text = text[:LONGEST_HTML]
    if not _TAGS.search(text):
        return plain_html(text)
    from lxml.etree import HTMLParser, ParserError, XMLSyntaxError, fromstring

    parser = HTMLParser(no_network=True, recover=True, huge_tree=False, remove_comments=True)
    try:
        root = fromstring(f"<div>{clean(text)}</div>", parser)
    except (ParserError, XMLSyntaxError, ValueError):
        root = None
    plain = "" if root is None else element_text(root)
    return plain or plain_html(text)


def element_text(element: _Element) -> str:
    """Return the text of an element and everything in it, with blocks on separate lines."""
    return re.sub(r"[ \t]*\n\s*", "\n", "".join(_pieces(element))).strip()


def _pieces(root: _Element) -> Iterator[str]:
    """Yield the texts in order, without recursion, because elements may be deeply nested."""
    from lxml.etree import iterwalk

    walk = iterwalk(root, events=("start", "end"))
    for event, element in walk:
        name = _LOCAL.sub("", element.tag.lower()) if isinstance(element.tag, str) else ""
        block = "\n" if name in BLOCK_ELEMENTS else ""
        if event == "start":
            yield block
            if name in _UNSEEN:
                walk.skip_subtree()
            else:
                yield element.text or ""
        else:
            yield block
            yield (element.tail or "") if element is not root else ""
