"""Turns editions into newsletters and feeds; pure."""

from larkpost.render.email.mime import message_id
from larkpost.render.page_urls import PageUrls
from larkpost.render.renderer import EditionRenderer

__all__ = ["EditionRenderer", "PageUrls", "message_id"]
