"""Turns editions into newsletters and feeds; pure."""

from larkpost.render.email.mime import message_id
from larkpost.render.page_urls import Links
from larkpost.render.renderer import Press

__all__ = ["Links", "Press", "message_id"]
