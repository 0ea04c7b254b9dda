"""Tests where the daemon listens: addresses as people write them, and Unix sockets."""

from __future__ import annotations

import socket
import stat
from typing import TYPE_CHECKING

import pytest

from larkpost.errors import UsageError
from larkpost.serve.listener import listen, name_listener, open_listener

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose name is short enough for a socket, and the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_unix_socket_answers_has_its_rights_and_is_gone_afterwards(home: Path) -> None:
    with open_listener("unix:lark.sock", 0, mode=0o606, home=home) as listener:
        listener.listen()
        path = home / "lark.sock"

        assert stat.S_IMODE(path.stat().st_mode) == 0o606
        assert name_listener(listener) == f"unix:{path}"
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(path))
    assert not path.exists()


def test_a_socket_that_a_crash_left_is_replaced(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(home / "lark.sock"))

    with open_listener(f"unix:{home}/lark.sock", 0, home=home) as listener:
        listener.listen()


def test_a_socket_that_another_listens_on_is_left_alone(home: Path) -> None:
    with open_listener("unix:lark.sock", 0, home=home) as first:
        first.listen()
        with (
            pytest.raises(UsageError, match="in use"),
            open_listener("unix:lark.sock", 0, home=home),
        ):
            raise AssertionError
        assert (home / "lark.sock").exists()


def test_a_file_in_the_place_of_the_socket_is_kept(home: Path) -> None:
    (home / "lark.sock").write_text("precious")

    with (
        pytest.raises(UsageError, match="another file has that name"),
        open_listener("unix:lark.sock", 0, home=home),
    ):
        raise AssertionError
    assert (home / "lark.sock").read_text() == "precious"


@pytest.mark.parametrize("path", ["no/such/folder/lark.sock", "x" * 200])
def test_a_place_that_no_socket_can_have_is_named(home: Path, path: str) -> None:
    with (
        pytest.raises(UsageError, match="cannot listen on"),
        open_listener(f"unix:{path}", 0, home=home),
    ):
        raise AssertionError


def test_the_socket_of_a_successor_is_not_removed(home: Path) -> None:
    with open_listener("unix:lark.sock", 0, home=home) as first:
        (home / "lark.sock").unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(home / "lark.sock"))
            first.close()
    assert (home / "lark.sock").exists()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "x" * 300, "a..b"])
def test_a_host_that_is_none_is_refused_in_words(host: str) -> None:
    with pytest.raises(UsageError, match="is not an address of this machine"):
        listen(host, 0)
