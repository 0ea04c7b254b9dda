"""Tests the default folder of the home, and the error if there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from larkpost.errors import SettingsError
from larkpost.settings import load


@pytest.mark.parametrize("home", [None, ""])
def test_without_a_home_folder_it_says_how_to_name_a_place(
    monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    def nobody(_uid: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    environ = {} if home is None else {"HOME": home}

    with pytest.raises(SettingsError) as refused:
        load(environ=environ)

    assert refused.value.hint == "set one with --home DIR or LARKPOST_HOME"


def test_a_home_of_a_user_that_nobody_knows_is_refused_in_words() -> None:
    with pytest.raises(SettingsError, match="no home folder for ~nobody-of-that-name"):
        load(home=Path("~nobody-of-that-name/papers"), environ={})


def test_a_relative_home_in_a_folder_that_is_gone_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(SettingsError, match="does not exist any more"):
        load(home=Path("papers"), environ={})
