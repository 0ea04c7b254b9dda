"""Tests renamed settings: the old name is refused, and the hint has the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from larkpost.errors import SettingsError
from larkpost.settings import Settings, keys, load
from larkpost.settings.renamed_settings import NEW_NAMES

if TYPE_CHECKING:
    from pathlib import Path

OLD = [old for old in NEW_NAMES if "." in old]


def refusal(home: Path, environ: dict[str, str] | None = None) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(home=home, environ=environ or {})
    return caught.value


@pytest.mark.parametrize("old", OLD)
def test_an_old_name_in_the_file_is_refused_and_the_hint_names_the_new_one(
    tmp_path: Path, old: str
) -> None:
    section, _, name = old.partition(".")
    (tmp_path / "config.toml").write_text(f'[{section}]\n{name} = "1"\n', encoding="utf-8")

    error = refusal(tmp_path)

    assert str(error).startswith(f"there is no such setting: {old} (in ")
    assert error.hint == f"{old} is now {NEW_NAMES[old]}"


@pytest.mark.parametrize("old", OLD)
def test_an_old_name_in_the_environment_gets_the_same_hint(tmp_path: Path, old: str) -> None:
    name = "LARKPOST_" + old.replace(".", "__").upper()

    error = refusal(tmp_path, {name: "1"})

    assert name in str(error)
    assert error.hint == f"{old} is now {NEW_NAMES[old]}"


def test_an_old_name_of_a_secret_file_gets_the_same_hint(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mail__operator").write_text("me@example.org", encoding="utf-8")

    assert refusal(tmp_path).hint == "mail.operator is now mail.admin_address"


@pytest.mark.parametrize("old", ["returns", "tick"])
def test_an_old_section_that_is_empty_gets_the_hint_too(tmp_path: Path, old: str) -> None:
    (tmp_path / "config.toml").write_text(f"[{old}]\n", encoding="utf-8")

    assert refusal(tmp_path).hint == f"{old} is now {NEW_NAMES[old]}"


def test_old_names_are_none_that_is_possible_and_new_ones_are() -> None:
    names = {*keys(), *Settings.model_fields}
    new = {text.split(":")[0].split(",")[0] for text in NEW_NAMES.values()}

    assert not names & set(NEW_NAMES)
    assert new <= names
