"""A digest through a real Postfix into a Maildir, and from there into the store."""

from __future__ import annotations

import os
import smtplib
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.helpers.dump_files import everything
from tests.helpers.factories import NOW
from tests.helpers.mail.digest_mails import DIGEST, LISTING
from tests.helpers.mail.postfix import PostfixMissingError, running

from larkpost.inbound.digest_mail import DigestMail
from larkpost.inbound.digest_senders import DigestSenders
from larkpost.inbound.maildir import collect
from larkpost.inbound.process import InboundKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.mail.postfix import Postfix

    from larkpost.db.engine import Store

pytestmark = pytest.mark.postfix


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    with tempfile.TemporaryDirectory(prefix="larkpost-postfix-") as folder:
        Path(folder).chmod(0o755)
        try:
            with running(Path(folder) / "pf", ["digests"]) as server:
                yield server
        except PostfixMissingError as missing:
            if os.environ.get("LARKPOST_REFUSE_SKIPS"):
                raise
            pytest.skip(f"Postfix is not tested here: {missing}")


def test_mails_by_smtp_are_read_from_the_maildir_and_those_of_others_are_left(
    postfix: Postfix, store: Store
) -> None:
    digests = DigestMail(DigestSenders(("@arxiv.org",)))
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        for sender, mail in (("no-reply@arxiv.org", LISTING), ("x@example.net", DIGEST)):
            client.sendmail(sender, ["digests@example.org"], mail)
    postfix.wait_for(2)

    tally = collect(store, None, postfix.boxes / "digests", now=NOW, digests=digests)

    assert tally == Counter({InboundKind.DIGEST: 1, InboundKind.FOREIGN: 1})
    assert {paper.title for paper in everything(store)} >= {"Tides in Time Series"}
    assert len(everything(store)) == 5
