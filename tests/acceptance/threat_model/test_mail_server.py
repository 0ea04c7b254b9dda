"""Tests what a mail server can do to us, whatever it replies."""

from __future__ import annotations

import email
from email import policy
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.every_kind import KINDS, queue, send
from tests.helpers.mail.outbox_helpers import MINUTE, Mailbag, outbox, run, smtp, states
from tests.helpers.mail.smtp_server import Fault, SmtpServer, always
from tests.helpers.web.site_client import place
from tests.unit.inbound.test_bounce_parser import dsn, fields

from larkpost.domain import MessageKind, Status
from larkpost.inbound.process import receive
from larkpost.inbound.return_address import ReturnAddresses
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.mail.smtp_server import Script
    from tests.helpers.web.site_client import Place

HOSTILE = "550 5.1.1 <script>alert(1)</script> \x1b[31m\r550 more"
VERBS = ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
LATER = NOW + 6 * MINUTE


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    """Open a site with one message to send, and an address for returned mail."""
    flags = {"web.admin_link_version": 7, "inbound.address": "post@example.org"}
    with place(tmp_path, sqlite_url, flags) as opened:
        yield opened


class TestMailServer:
    """The server that gets our messages, and the sender of returned mail."""

    @pytest.mark.parametrize("verb", ["RCPT", "DOT"])
    def test_its_words_are_text_on_the_operators_page(self, here: Place, verb: str) -> None:
        with SmtpServer({verb: always(HOSTILE)}) as server:
            run(here.program.store, smtp(server))

        page = here.client.get(here.path(here.program.links.admin(7))).text
        assert states(here.program.store) == ["failed"]
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "\x1b" not in page

    def test_its_words_make_no_command_of_ours(self, here: Place) -> None:
        answer = "250 ok\r\nRCPT TO:<evil@example.org>\r\nDATA"
        with SmtpServer({"EHLO": always(answer), "MAIL": always(answer)}) as server:
            run(here.program.store, smtp(server))

        assert {verb for verb in server.verbs() if verb} <= {*VERBS, "RSET", "NOOP", "HELO"}
        assert "evil" not in "".join(server.commands)
        assert server.arrived == []

    def test_a_yes_before_its_turn_is_believed_by_nobody(self, here: Place) -> None:
        early = b"250 ok\r\n250 taken\r\n250 taken\r\n"
        with SmtpServer({"MAIL": [early], "DOT": [Fault.CUT]}) as server:
            run(here.program.store, smtp(server, timeout=1))

        # It may go out at once on another connection, and is sent only if it arrived there.
        assert server.arrived or states(here.program.store) != ["sent"]

    @pytest.mark.parametrize("fault", [Fault.HANG, Fault.TRICKLE])
    @pytest.mark.parametrize("verb", ["BANNER", "EHLO", "MAIL", "RCPT", "DATA"])
    def test_it_holds_up_no_round_for_ever(self, here: Place, verb: str, fault: Fault) -> None:
        with SmtpServer({verb: always(fault)}) as server:
            ledger = run(here.program.store, smtp(server, timeout=0.3))

        assert ledger.sent == 0
        assert states(here.program.store) == ["deferred"]

    def test_an_answer_without_end_is_left(self, here: Place) -> None:
        endless = b"250-" + b"more " * 200_000
        with SmtpServer({"EHLO": always(endless)}) as server:
            ledger = run(here.program.store, smtp(server, timeout=1))

        assert ledger.sent == 0
        assert server.arrived == []

    @pytest.mark.parametrize("fault", [Fault.CUT, b"25", b"rubbish\r\n"])
    def test_it_gets_no_message_twice_by_saying_nothing_after_the_dot(
        self, here: Place, fault: Fault | bytes
    ) -> None:
        store = here.program.store
        with SmtpServer({"DOT": [fault], "QUIT": [Fault.CUT]}) as server:
            run(store, smtp(server, timeout=0.5))
            for minutes in (6, 60, 600):
                run(store, smtp(server, timeout=0.5), NOW + minutes * MINUTE)

            assert len(server.arrived) <= 2  # once more where it may be lost, and never again
            names = {_name(newsletter.content) for newsletter in server.arrived}

        assert len(names) == 1  # by which a mailbox knows the second one
        (delivery,) = outbox(store)
        assert delivery.attempts <= 2

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_message_it_took_goes_out_once_however_often_rounds_come(
        self, here: Place, kind: MessageKind
    ) -> None:
        store = here.program.store
        send(store, Mailbag().open_transport)  # the edition of the place
        to = queue(store, kind, 2)
        with SmtpServer() as server:
            first = send(store, smtp(server))
            again = [send(store, smtp(server), LATER) for _ in range(3)]

            assert sorted(one.recipient for one in server.taken) == sorted(to)
        assert first == DeliveryCounts(sent=len(to))
        assert again == [DeliveryCounts()] * 3

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("fault", [Fault.HANG, Fault.CUT])
    def test_it_gets_no_message_of_any_kind_thrice(
        self, here: Place, kind: MessageKind, fault: Fault
    ) -> None:
        store = here.program.store
        send(store, Mailbag().open_transport)
        queue(store, kind)
        with SmtpServer({"DOT": [fault] * 9, "QUIT": [Fault.CUT] * 9}) as server:
            for minutes in (0, 6, 60, 600, 6_000):
                send(store, smtp(server, timeout=0.5), NOW + minutes * MINUTE)

            assert 1 <= len(server.arrived) <= 2
            assert len({newsletter.content for newsletter in server.arrived}) == 1

    @pytest.mark.parametrize("kind", KINDS)
    def test_it_loses_no_message_of_any_kind_by_putting_it_off_or_closing(
        self, here: Place, kind: MessageKind
    ) -> None:
        store = here.program.store
        send(store, Mailbag().open_transport)
        to = queue(store, kind, 2)
        script: Script = {
            "BANNER": ["554 go away"], "MAIL": ["421 4.3.2 closing"], "RCPT": ["450 4.2.0 later"],
            "DATA": [Fault.CUT], "BODY": [Fault.CUT],
        }  # fmt: skip
        with SmtpServer(script) as server:
            for hours in range(12):
                send(store, smtp(server), NOW + hours * 60 * MINUTE)

            assert sorted(one.recipient for one in server.taken) == sorted(to)

    def test_no_name_of_a_reader_makes_a_header(self, here: Place) -> None:
        from larkpost.readers import subscriptions

        name = "Eve\r\nBcc: evil@example.org\r\n\r\nBody"
        store = here.program.store
        subscriptions.change(store, here.reader.id, now=NOW, name=name)
        with SmtpServer() as server:
            deliver(store, here.program.renderer, smtp(server), now=NOW, holder="test")

        (newsletter,) = server.taken
        message = email.message_from_bytes(newsletter.content, policy=policy.default)
        assert message["Bcc"] is None
        assert [newsletter.recipient] == ["ada@example.org"]
        assert [one for one in server.commands if one.startswith("RCPT")] == [
            "RCPT TO:<ada@example.org>"
        ]

    def test_a_bounce_that_was_not_signed_here_suspends_nobody(self, here: Place) -> None:
        report = dsn(fields("failed", "5.1.1", "550 5.1.1 no such user"))
        strange = ReturnAddresses("post@example.org", Tokens([b"x" * 32]))
        ours = here.program.mailboxes
        assert ours

        for address in ("post@example.org", "ada@example.org", strange.bounces(here.edition)):
            mail = f"Delivered-To: {address}\n".encode() + report
            receive(here.program.store, ours, mail, now=NOW)

        assert here.current().status is Status.ACTIVE

    def test_mail_to_one_signed_address_does_what_it_is_for_and_no_more(self, here: Place) -> None:
        ours = here.program.mailboxes
        assert ours
        report = dsn(fields("failed", "5.1.1", "550 5.1.1 no such user"))

        for address in (ours.answers(here.edition), ours.unsubscribes(here.reader)):
            mail = f"Delivered-To: {address}\n".encode() + report
            receive(here.program.store, ours, mail, now=NOW)

        assert here.current().status is Status.ACTIVE


def _name(content: bytes) -> str:
    return str(email.message_from_bytes(content, policy=policy.default)["Message-ID"])
