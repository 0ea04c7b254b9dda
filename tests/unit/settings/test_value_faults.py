"""Tests that errors for any value of a setting have our wording, never pydantic's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from larkpost.errors import SettingsError
from larkpost.settings import keys, load
from larkpost.settings.value_faults import _TEXTS, UNKNOWN, describe_fault

if TYPE_CHECKING:
    from pathlib import Path

# As pydantic, pydantic-settings and Python begin or end their sentences.
RAW = re.compile(
    r"Input should|input should|[Vv]alue error|value_error|valid (?:integer|number|string|boolean|"
    r"list|dictionary)|type=|should (?:be|have|match)|at least \d+ character|does not appear to be"
)
WRONG = ["", "x", "-1", "1e999", "nan", "9" * 30, "a b\n", "[1]", '{"a": 1}', "é" * 400]


# web.host makes the default of site.base_url, which may then be the one that is refused.
BEHIND = {"web.host": "site.base_url"}


def check(key: str, error: SettingsError) -> None:
    """Check that a refusal names the setting, and is in our words."""
    said = str(error)
    assert not RAW.search(said), said
    assert said.startswith((key, BEHIND.get(key, key))), said
    assert UNKNOWN not in said
    assert error.hint


@pytest.mark.parametrize("key", sorted(keys()))
def test_no_refusal_of_a_setting_speaks_as_pydantic_does(tmp_path: Path, key: str) -> None:
    name = f"LARKPOST_{key.replace('.', '__').upper()}"
    for value in WRONG:
        try:
            load(home=tmp_path, environ={name: value})
        except SettingsError as error:
            check(key, error)


@pytest.mark.parametrize("key", sorted(key for key in keys() if "." in key))
def test_no_refusal_of_the_settings_file_speaks_as_pydantic_does(tmp_path: Path, key: str) -> None:
    section, _, name = key.partition(".")
    for value in ("1", "true", "[]", "[1]", '"x"', "1.5", "12:00:00"):
        (tmp_path / "config.toml").write_text(f"[{section}]\n{name} = {value}\n", "utf-8")
        try:
            load(home=tmp_path, environ={})
        except SettingsError as error:
            check(key, error)


def test_every_setting_with_a_wrong_value_of_some_kind_is_refused(tmp_path: Path) -> None:
    """Some take any text: folders, names, secrets."""
    refused = set()
    for key in keys():
        for value in WRONG:
            try:
                load(home=tmp_path, environ={f"LARKPOST_{key.replace('.', '__').upper()}": value})
            except SettingsError:
                refused.add(key)

    assert {"smtp.port", "web.port", "readers.zone", "ranking.mode", "quotas.votes"} <= refused
    assert len(refused) > len(keys()) / 2


def test_our_own_validators_speak_for_themselves() -> None:
    fault = {"type": "value_error", "msg": "Value error, it is too late", "ctx": {}}

    assert describe_fault(fault) == "it is too late"


def test_a_fault_of_a_kind_that_is_new_is_reported_in_our_words() -> None:
    assert describe_fault({"type": "of_tomorrow", "msg": "Input should be odd"}) == UNKNOWN


def test_every_reason_fits_behind_the_name_of_a_setting() -> None:
    assert [text for text in _TEXTS.values() if not text.startswith("it m")] == []
