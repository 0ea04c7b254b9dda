"""Tests that no password in a setting is ever printed or logged, whatever error occurs."""

from __future__ import annotations

import socket
import subprocess
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tests.helpers.cli_helpers import PROGRAM, Shell

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "Kan@rien/vogel?7"
FORMS = (CANARY, quote(CANARY, safe=""), b64encode(CANARY.encode()).decode(), "vogel")
ENCODED = quote(CANARY, safe="")
COMMANDS = (
    ("-vv", "config", "show"),
    ("config", "show", "--json"),
    ("-vv", "doctor", "--json"),
    ("-vv", "tick"),
)


def say_everything(shell: Shell, *commands: tuple[str, ...]) -> str:
    """Call one command after the other; returns all that they printed."""
    said = []
    for command in commands:
        done = subprocess.run(
            [PROGRAM, "--home", str(shell.home), *command],
            cwd=shell.folder, env=shell.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said.append(done.stdout + done.stderr)
    return "\n".join(said)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:{}@127.0.0.1:{port}/db",
        "postgresql://u@127.0.0.1:{port}/db?password={}",
        "postgresql://u@127.0.0.1:{port}/db?sslpassword={}&sslkey={}",
        "postgresql://u:{}@host.invalid/db",
        "postgresql://u@127.0.0.1:{port}/db?no_such_option={}",
        "postgresql://h:{}/db",
        "mysql://u:{}@127.0.0.1/db",
        "postgresql+nodriver://u:{}@127.0.0.1/db",
        "postgresql:/u:{}@127.0.0.1/db",
        "host=127.0.0.1 port={port} password='{}'",
    ],
)
def test_the_password_of_the_database_is_never_told(tmp_path: Path, url: str) -> None:
    url = url.replace("{port}", str(free_port())).replace("{}", ENCODED)
    shell = Shell(tmp_path, {"LARKPOST_DATABASE__URL": url, "LARKPOST_WEB__PORT": "0"})

    said = say_everything(shell, *COMMANDS)

    assert "larkpost" in said
    assert not [form for form in FORMS if form in said]


def test_a_password_that_is_not_encoded_is_not_told_either(tmp_path: Path) -> None:
    url = f"postgresql://u:{CANARY}@127.0.0.1:{free_port()}/db"
    shell = Shell(tmp_path, {"LARKPOST_DATABASE__URL": url, "LARKPOST_WEB__PORT": "0"})

    said = say_everything(shell, *COMMANDS)

    assert not [form for form in FORMS if form in said]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP__HOST", f"u:{CANARY}@127.0.0.1"),
        ("SMTP__HOST", f"u:a {CANARY}@127.0.0.1"),
        ("SMTP__PORT", f"u:{CANARY}@25"),
        ("WEB__TRUSTED_PROXIES", f"http://u:{CANARY}@10.0.0.1"),
        ("WEB__HOST", f"http://u:{CANARY}@10.0.0.1"),
        ("SITE__BASE_URL", f"https://u:{CANARY}@example.org"),
    ],
)
def test_a_password_where_none_belongs_is_not_told(tmp_path: Path, name: str, value: str) -> None:
    shell = Shell(tmp_path, {f"LARKPOST_{name}": value})

    said = say_everything(shell, ("-vv", "config", "show"), ("doctor", "--json"))

    assert name.split("__")[1].lower() in said
    assert not [form for form in FORMS if form in said]


def test_the_password_of_the_mail_server_is_never_told(tmp_path: Path) -> None:
    settings = {
        "MAIL__TRANSPORT": "smtp", "SMTP__HOST": "127.0.0.1", "SMTP__PORT": str(free_port()),
        "SMTP__USERNAME": "u", "SMTP__PASSWORD": CANARY, "WEB__PORT": "0",
    }  # fmt: skip
    shell = Shell(tmp_path, {f"LARKPOST_{name}": value for name, value in settings.items()})

    said = say_everything(shell, *COMMANDS, ("send-test", "ada@example.org"))

    assert "127.0.0.1" in said
    assert not [form for form in FORMS if form in said]


def test_a_password_in_the_settings_file_is_told_to_be_open_to_others(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.home.mkdir()
    file = shell.home / "config.toml"
    file.write_text(f'[database]\nurl = "postgresql://u@h/db?password={ENCODED}"\n')
    file.chmod(0o644)

    said = say_everything(shell, ("config", "check"))

    assert f"others on this machine can read the password in {file}" in said
