"""Tests that the doctor finds every fault that stops the daemon or its messages."""

from __future__ import annotations

import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.helpers.cli_helpers import SAMPLE, Shell

QUICK = {"LARKPOST_WEB__PORT": "0"}
BEHIND_PROXY = {"LARKPOST_SITE__BASE_URL": "https://paper.example.org"}


def faults(shell: Shell, code: int = 1) -> dict[str, str]:
    """Return what the doctor finds wrong, by what it looked at."""
    found = shell.json("doctor", code=code)
    return {one["what"]: one["detail"] for one in found if one["state"] == "fault"}


def test_a_dkim_key_that_serve_refuses_is_a_fault(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_DKIM__SELECTOR": "lark", **QUICK})

    missing = faults(shell)
    (shell.home / "dkim.pem").write_text("no key at all")
    readable = faults(shell)
    (shell.home / "dkim.pem").chmod(0o600)
    damaged = faults(shell)
    refused = shell("serve", "--port", 0, code=2).err

    assert "dkim.pem cannot be read" in missing["signing"]
    assert "others can read the DKIM key" in readable["signing"]
    assert damaged["signing"] in refused


def test_an_address_that_serve_cannot_listen_on_is_a_fault(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        found = faults(Shell(tmp_path, {"LARKPOST_WEB__PORT": port}))
    elsewhere = faults(Shell(tmp_path, {"LARKPOST_WEB__HOST": "192.0.2.7"} | QUICK))

    assert f"cannot listen on 127.0.0.1 port {port}" in found["web"]
    assert "192.0.2.7" in elsewhere["web"]


def test_a_unix_socket_is_tried_as_serve_does_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    with TemporaryDirectory(prefix="lark") as short:  # a socket's path has room for 100 characters
        path = Path(short, "lark.sock")
        shell = Shell(tmp_path, BEHIND_PROXY | {"LARKPOST_WEB__HOST": f"unix:{path}"})
        (web,) = (one for one in shell.json("doctor") if one["what"] == "web")
        assert (web["state"], web["detail"]) == (
            "ok",
            f"`larkpost serve` can listen on unix:{path}",
        )
        assert not path.exists()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            shell("doctor")  # nobody listens yet: a daemon that starts, or what a crash has left
            made = path.stat().st_ino
            other.listen()
            assert faults(shell)["web"] == f"cannot listen on {path}: Address already in use"
            assert path.stat().st_ino == made


def test_a_unix_socket_whose_folder_is_missing_gets_the_reason_of_serve(tmp_path: Path) -> None:
    shell = Shell(tmp_path, BEHIND_PROXY | {"LARKPOST_WEB__HOST": "unix:run/lark.sock"})

    found = faults(shell)["web"]
    refused = shell("serve", code=2).err

    assert f"cannot listen on {shell.home}/run/lark.sock: No such file or directory" in found
    assert found in refused


def test_a_mail_folder_that_deliver_cannot_use_is_a_fault(tmp_path: Path) -> None:
    shell = Shell(tmp_path, QUICK)
    shell("init")
    (shell.home / "mail").write_text("a file where the folder should be")

    assert "emails cannot be written to" in faults(shell)["mail"]


def test_a_mail_server_that_speaks_no_smtp_is_a_fault(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        smtp = {
            "LARKPOST_MAIL__TRANSPORT": "smtp",
            "LARKPOST_SMTP__HOST": "127.0.0.1",
            "LARKPOST_SMTP__PORT": str(silent.getsockname()[1]),
            "LARKPOST_SMTP__TIMEOUT": "0.5",
        }
        assert "did not answer in time" in faults(Shell(tmp_path, smtp | QUICK))["mail"]


def test_a_key_of_links_that_is_damaged_is_a_fault(tmp_path: Path) -> None:
    shell = Shell(tmp_path, QUICK)
    shell("init")
    (shell.home / "secret.key").write_text("abc\n")

    assert "secret.key" in faults(shell)["key"]


@pytest.mark.parametrize("words", [("reader", "add", "a@example.org"), ("ingest", str(SAMPLE))])
def test_a_key_that_is_lost_is_refused_by_every_command_but_one(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    shell = Shell(tmp_path, QUICK)
    shell(*words)
    key = shell.home / "secret.key"
    kept = key.read_bytes()
    key.unlink()

    for command in (("status",), ("init",), ("tick",), ("serve", "--port", 0)):
        refused = shell(*command, code=2).err
        assert f"the key file {key} is missing" in refused
        assert "larkpost init --new-key" in refused
        assert not key.exists()
    assert "is missing" in faults(shell)["home"]
    key.write_bytes(kept)
    key.chmod(0o600)
    shell("status")
    key.unlink()
    shell("init", "--new-key")
    assert key.read_bytes() != kept
    assert "there is a key already" in shell("init", "--new-key", code=2).err


def test_a_home_with_nothing_in_it_gets_a_key_without_a_question(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init")
    (shell.home / "secret.key").unlink()

    shell("init")

    assert (shell.home / "secret.key").exists()


@pytest.mark.parametrize(
    "content", ["", "\n\n", "short", None], ids=["empty", "lines", "short", "folder"]
)
@pytest.mark.parametrize("words", [("reader", "add", "a@example.org"), ()])
def test_a_damaged_key_is_refused_by_every_command_but_the_one_that_the_hint_names(
    tmp_path: Path, words: tuple[str, ...], content: str | None
) -> None:
    shell = Shell(tmp_path, QUICK | BEHIND_PROXY)
    shell(*(words or ("init",)))
    key = shell.home / "secret.key"
    key.unlink()
    if content is None:
        key.mkdir()
    else:
        key.write_text(content)
        key.chmod(0o600)

    for command in (("reader", "list"), ("init",), ("tick",), ("serve", "--port", 0)):
        refused = shell(*command, code=2).err
        assert f"the key file {key} is damaged" in refused
        assert "run larkpost init --new-key, which renames the damaged file" in refused
        assert "fromhex" not in refused
    assert "is damaged" in faults(shell)["home"]
    (made,) = shell.json("init", "--new-key")

    assert made["new"]
    (aside,) = shell.home.glob("secret.key.damaged-*")
    assert aside.is_dir() if content is None else aside.read_text() == content
    assert key.stat().st_mode & 0o777 == 0o600
    shell("tick")
    assert "there is a key already" in shell("init", "--new-key", code=2).err


def test_a_damaged_key_may_be_put_back_from_a_backup(tmp_path: Path) -> None:
    shell = Shell(tmp_path, QUICK | BEHIND_PROXY)
    shell("reader", "add", "a@example.org")
    key = shell.home / "secret.key"
    shown = shell("reader", "show", "a@example.org").out
    backup = key.rename(tmp_path / "backup.key")
    key.mkdir()

    shell("reader", "list", code=2)
    key.rename(tmp_path / "away")
    backup.rename(key)

    assert shell("reader", "show", "a@example.org").out == shown
