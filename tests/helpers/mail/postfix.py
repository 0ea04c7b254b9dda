"""Runs a real Postfix on loopback during a test, with its own settings, queue and ports."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.mail.smtp_server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DAEMONS = Path("/usr/lib/postfix/sbin")

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mx.example.org
mydestination =
alias_maps =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/boxes
virtual_mailbox_maps = texthash:{folder}/etc/boxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 100
default_transport = error:5.1.2 nobody delivers there
# Letters for who does not exist are taken and sent back: what a bounce looks like.
smtpd_reject_unlisted_recipient = no
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_message_rate_limit = 0
in_flow_delay = 0
smtputf8_enable = yes
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
error     unix - - n - - error
retry     unix - - n - - error
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
showq     unix n - n - - showq
smtp      unix - - n - - smtp
postlog   unix-dgram n - n - 1 postlogd
"""


class PostfixMissingError(Exception):
    """Postfix is not installed, or we are not allowed to start it."""


@dataclass(frozen=True)
class Postfix:
    """A running Postfix: accepts SMTP at ``port``, delivers into a Maildir per mailbox."""

    port: int
    boxes: Path

    def mails(self, mailbox: str) -> list[bytes]:
        """The mails in a mailbox."""
        return [mail.read_bytes() for mail in sorted((self.boxes / mailbox / "new").glob("*"))]

    def count(self) -> int:
        """The number of mails in all mailboxes."""
        return sum(1 for _ in self.boxes.glob("*/new/*"))

    def wait_for(self, mails: int, seconds: float = 120) -> None:
        """Wait until so many mails are in the mailboxes, and check that no more come."""
        deadline = time.monotonic() + seconds
        while self.count() < mails and time.monotonic() < deadline:
            time.sleep(0.1)  # polling is the only way: the server informs nobody
        assert self.count() == mails


@contextmanager
def running(folder: Path, mailboxes: list[str]) -> Iterator[Postfix]:
    """Start Postfix under ``folder`` with these mailboxes at example.org; stop it at the end.

    Raises PostfixMissingError if it is not installed or we are not root, as its master must be.
    """
    postfix = shutil.which("postfix", path="/usr/sbin")
    if postfix is None or os.geteuid() != 0:
        raise PostfixMissingError("Postfix is not installed" if postfix is None else "not root")
    port = _set_up(folder, mailboxes)
    config = folder / "etc"
    command = [postfix, "-c", str(config)]
    done = subprocess.run([*command, "start"], capture_output=True, check=False)
    if done.returncode != 0:
        log = folder / "log" / "mail.log"
        told = log.read_text("utf-8") if log.exists() else ""
        raise PostfixMissingError(f"{done.stderr.decode()}{told}")
    try:
        yield Postfix(port, folder / "boxes")
    finally:
        subprocess.run([*command, "stop"], capture_output=True, check=True)


def _set_up(folder: Path, mailboxes: list[str]) -> int:
    import pwd

    owner = pwd.getpwnam("postfix")
    for name in ("etc", "queue", "data", "boxes", "log"):
        (folder / name).mkdir(parents=True)
    os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    os.chown(folder / "boxes", owner.pw_uid, owner.pw_gid)
    lines = "".join(f"{box}@example.org {box}/\n" for box in mailboxes)
    (folder / "etc" / "boxes").write_text(lines, "utf-8")
    port = free_port()
    main = MAIN.format(folder=folder, daemons=DAEMONS, uid=owner.pw_uid, gid=owner.pw_gid)
    (folder / "etc" / "main.cf").write_text(main, "utf-8")
    (folder / "etc" / "master.cf").write_text(MASTER.format(port=port), "utf-8")
    return port
