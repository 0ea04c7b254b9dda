"""Measures how fast newsletters are rendered, against EmailMessage for every reader.

    python -m bench.newsletters [--readers 500] [--rounds 7] [--json FILE]

Both sides get the same words. "EmailMessage" builds and serialises a message from finished text and
HTML; "renderer" is ours, which also words the reasons, renders both parts and writes headers.
It measures the CPU time of this process, sides interleaved, and the median of the rounds' ratios. A
message with different decoded content stops the run.
"""

from __future__ import annotations

import argparse
import email
import json
import statistics
import time
from collections import deque
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from bench.editions import FixedLinks, editions

from larkpost.render import EditionRenderer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from larkpost.domain import Edition, Message

WIRE = policy.SMTP.clone(max_line_length=998)


def by_email_message(newsletter: Message, text: str, html: str) -> bytes:
    """Build the same message as the standard library's documentation shows."""
    message = EmailMessage()
    message["From"] = newsletter.sender
    message["To"] = newsletter.recipient
    message["Subject"] = "Todyformer and 9 more"
    message["Message-ID"] = newsletter.message_id
    message["List-Unsubscribe"] = "<https://larkpost.example.org/leave/token>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message.as_bytes(policy=WIRE)


def seconds(work: Iterable[object]) -> float:
    """Return the CPU seconds to make every message and drop it, as if each were sent at once."""
    start = time.process_time()
    deque(work, maxlen=0)
    return time.process_time() - start


def check(renderer: EditionRenderer, edition: Edition, newsletter: Message) -> tuple[str, str]:
    """Return text and HTML of a message, after checking that the renderer makes the same."""
    message = email.message_from_bytes(newsletter.content, policy=policy.default)
    text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    if (text, html) != (renderer.text(edition), renderer.html(edition)):
        raise SystemExit(f"the newsletter of edition {edition.id} differs from its page")
    return text, html


def measure(chosen: Sequence[Edition], rounds: int) -> dict[str, float]:
    """Microseconds per message on each side, and the ratios."""
    renderer = EditionRenderer(
        FixedLinks(), sender="Larkpost <larkpost@example.org>", title="Larkpost"
    )
    newsletters = list(renderer.newsletter(chosen))
    parts = [check(renderer, *pair) for pair in zip(chosen, newsletters, strict=True)]
    sample = list(zip(newsletters, parts, strict=True))[:: max(1, len(newsletters) // 50)]
    ours, theirs, copies = [], [], []
    for _ in range(rounds):
        ours.append(seconds(renderer.newsletter(chosen)) / len(chosen))
        built = (by_email_message(one, *both) for one, both in sample)
        theirs.append(seconds(built) / len(sample))
        copies.append(seconds(one.content[1:] for one in newsletters) / len(newsletters))
    return {
        "bytes": statistics.mean(len(newsletter.content) for newsletter in newsletters),
        "renderer_us": statistics.median(ours) * 1e6,
        "email_message_us": statistics.median(theirs) * 1e6,
        "memcpy_us": statistics.median(copies) * 1e6,
        "times_email_message": statistics.median(b / a for a, b in zip(ours, theirs, strict=True)),
        "times_memcpy": statistics.median(a / b for a, b in zip(ours, copies, strict=True)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = measure(editions(asked.readers), asked.rounds)
    for name, value in found.items():
        print(f"{name:>22} {value:12,.1f}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
