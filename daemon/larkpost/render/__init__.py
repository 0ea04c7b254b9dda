"""Turns editions into newsletters and feeds; pure."""

from larkpost.render.links import Links
from larkpost.render.message import message_id
from larkpost.render.press import Press

__all__ = ["Links", "Press", "message_id"]
