"""Digest mails, and a Maildir for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.formats.format_reading import sample_dump

if TYPE_CHECKING:
    from pathlib import Path

LISTING = sample_dump("mail/arxiv-listing.eml")
DIGEST = sample_dump("mail/hf-digest.eml")
LUNCH = b"From: no-reply@arxiv.org\nSubject: Lunch\nMIME-Version: 1.0\n\nAt noon?\n"


def make_maildir(folder: Path) -> Path:
    """Make an empty Maildir."""
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True)
    return folder


def put_mail(maildir: Path, name: str, content: bytes) -> None:
    """Put a mail into a Maildir, as a mail server does."""
    (maildir / "new" / name).write_bytes(content)


def mails_in(maildir: Path, part: str = "cur") -> list[str]:
    """List the names of the mails in a part of a Maildir."""
    return sorted(mail.name for mail in (maildir / part).iterdir())
