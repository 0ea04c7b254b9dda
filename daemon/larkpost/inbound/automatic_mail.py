"""Recognises mail written by a program: holiday replies, lists, delivery notices (RFC 3834)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message


def is_automatic(message: Message) -> bool:
    """Return whether a program wrote this (RFC 3834 and older conventions)."""
    return (
        is_reply_of_a_program(message)
        or _word(message, "Auto-Submitted") not in ("", "no")
        or _word(message, "Precedence") in ("bulk", "junk", "list")
        or any(mark in message for mark in ("X-Auto-Response-Suppress", "List-Id"))
    )


def is_reply_of_a_program(message: Message) -> bool:
    """Return whether a program replied to a message (RFC 3834, 5), unrequested."""
    return (
        _word(message, "Auto-Submitted") == "auto-replied"
        or _word(message, "Precedence") == "auto_reply"
        or any(mark in message for mark in ("X-Autoreply", "X-Autorespond"))
        or _word(message, "Return-Path") == "<>"
    )


def _word(message: Message, field: str) -> str:
    return str(message.get(field, "")).partition(";")[0].strip().lower()
