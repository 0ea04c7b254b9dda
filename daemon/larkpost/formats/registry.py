"""The list of dump formats, in the order in which they are asked whether they recognise a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.huggingface_api import HuggingFaceApi
from larkpost.formats.jsonl import Jsonl
from larkpost.formats.mail.arxiv_listing import ArxivListing
from larkpost.formats.mail.mail_dump import MailDump
from larkpost.formats.paper_lists.html_page import HtmlPage
from larkpost.formats.paper_lists.link_list import LinkList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.interfaces import DumpFormat

# The most particular first: the first that recognises a file reads it.
DUMP_FORMATS: Sequence[DumpFormat] = (
    HuggingFaceApi(),
    Jsonl(),
    MailDump(),
    ArxivListing(),
    HtmlPage(),
    HuggingFacePage(),
    LinkList(),
)
