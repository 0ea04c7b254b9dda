"""Where the signing keys are kept."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from larkpost.errors import SettingsError
from larkpost.tokens import Tokens, make_key, read_keys

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "secret.key"

    make_key(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [len(key) for key in read_keys(path)] == [32]
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_making_a_key_again_keeps_the_first(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    make_key(path)
    before = read_keys(path)

    make_key(path)

    assert read_keys(path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_two_homes_get_different_keys(tmp_path: Path) -> None:
    make_key(tmp_path / "a")
    make_key(tmp_path / "b")

    assert read_keys(tmp_path / "a") != read_keys(tmp_path / "b")


def test_the_newest_key_stands_on_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text("aa" * 32 + "\n" + "bb" * 32 + "\n")
    path.chmod(0o600)

    assert read_keys(path) == [b"\xaa" * 32, b"\xbb" * 32]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        pytest.param("aa" * 32, 0o644, "every user", id="readable by everybody"),
        pytest.param("aa" * 31, 0o600, "64 hexadecimal digits", id="too short"),
        pytest.param("", 0o600, "64 hexadecimal digits", id="empty"),
        pytest.param("password", 0o600, "64 hexadecimal digits", id="not hexadecimal"),
        pytest.param("\n\n", 0o600, "it holds no key of 64", id="two newlines"),
        pytest.param("é" * 64, 0o600, "64 hexadecimal digits", id="not ASCII"),
        pytest.param("aa" * 32 + "a", 0o600, "64 hexadecimal digits", id="half a byte too long"),
        pytest.param("aa" * 32 + "\nbb", 0o600, "64 hexadecimal digits", id="one is cut"),
    ],
)
def test_an_unsafe_key_file_is_refused(
    tmp_path: Path, content: str, mode: int, message: str
) -> None:
    path = tmp_path / "secret.key"
    path.write_text(content)
    path.chmod(mode)

    with pytest.raises(SettingsError, match=message) as refusal:
        read_keys(path)
    assert "fromhex" not in str(refusal.value)


def test_a_missing_key_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_keys(tmp_path / "secret.key")

    assert "secret.key" in str(caught.value)
    assert "larkpost init" in caught.value.hint


@pytest.mark.parametrize("keys", [[], [b"short"], [bytes(32), b"short"]])
def test_weak_keys_are_never_taken(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Tokens(keys)
