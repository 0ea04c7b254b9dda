"""The tick under cron: its output and exit code while the mail server is unavailable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.mail.smtp_server import free_port

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell


def test_a_quiet_tick_tells_once_of_a_dead_mail_server_and_ends_with_75(furnished: Shell) -> None:
    port = free_port()
    furnished.extra.update(
        LARKPOST_MAIL__TRANSPORT="smtp",
        LARKPOST_SMTP__HOST="127.0.0.1",
        LARKPOST_SMTP__PORT=str(port),
        LARKPOST_SMTP__SECURITY="none",
    )
    furnished("publish", "ann@example.org")

    first = furnished("-q", "tick", code=75)
    second = furnished("-q", "tick", code=75)
    spoken = furnished("tick", code=75)
    (record,) = furnished.json("tick", code=75)

    assert first.out == ""
    assert first.err.startswith("larkpost: no emails can be sent: ")
    assert f"127.0.0.1:{port}" in first.err
    assert (second.out, second.err) == ("", "")
    assert "emails: 1 waiting, not tried before " in spoken.out
    assert record["errors"] == {"deliver": record["outage"]["problem"]}
    assert record["outage"]["waiting"] == 1
    assert record["outage"]["problem"] in spoken.out
