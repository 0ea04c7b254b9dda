"""The list of dump formats, in the order in which they are tested on a file."""

from __future__ import annotations

from collections.abc import Sequence

from larkpost.formats.feeds.any_feed import AnyFeed
from larkpost.formats.feeds.arxiv_announcements import ArxivAnnouncements
from larkpost.formats.feeds.arxiv_api import ArxivApi
from larkpost.formats.feeds.json_feed import JsonFeed
from larkpost.formats.feeds.oai_pmh import OaiPmh
from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.huggingface_api import HuggingFaceApi
from larkpost.formats.jsonl import Jsonl
from larkpost.formats.mail.arxiv_listing import ArxivListing
from larkpost.formats.mail.mail_dump import MailDump
from larkpost.formats.paper_lists.html_page import HtmlPage
from larkpost.formats.paper_lists.link_list import LinkList
from larkpost.formats.tables.table import Table
from larkpost.interfaces import DumpFormat

# The most specific first: the first format that recognises a file reads it.
DUMP_FORMATS: Sequence[DumpFormat] = (
    JsonFeed(),
    HuggingFaceApi(),
    Jsonl(),
    MailDump(),
    ArxivAnnouncements(),
    ArxivApi(),
    OaiPmh(),
    AnyFeed(),
    ArxivListing(),
    HtmlPage(),
    Table(),
    HuggingFacePage(),
    LinkList(),
)
