"""The settings files that ship, and the page about settings, agree with the code."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from larkpost.packaged_files import CHECKOUT, shipped_path
from larkpost.settings import keys, load
from larkpost.settings.loading import ALLOWED
from larkpost.settings.model import flat
from larkpost.settings.paper_search_links import FIND_LINKS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (CHECKOUT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_default_toml_holds_every_key_with_its_default_in_order() -> None:
    text = shipped_path("config/default.toml").read_text(encoding="utf-8")

    assert list(flat(tomllib.loads(text))) == list(keys().items())


def test_every_section_and_key_of_default_toml_is_explained() -> None:
    lines = shipped_path("config/default.toml").read_text(encoding="utf-8").splitlines()
    section = re.compile(r"\n\[(\w+)\]\n((?:.+\n?)+)")
    bodies = dict(section.findall("\n".join(lines)))

    assert set(bodies) == {key.partition(".")[0] for key in keys() if "." in key}
    assert all(body.lstrip().startswith("#") for body in bodies.values())


def test_the_sources_are_in_no_section_and_explained_above_them_all() -> None:
    text = shipped_path("config/default.toml").read_text(encoding="utf-8")
    above = text.partition("\n[database]\n")[0]

    assert [key for key in keys() if "." not in key] == ["sources"]
    assert above.rstrip().endswith("sources = []")
    assert '#     [[sources]]\n#     name = "hf-daily"' in above


@pytest.mark.parametrize("name", ["laptop", "service", "default"])
def test_the_shipped_settings_are_read_without_complaint(tmp_path: Path, name: str) -> None:
    settings = load(home=tmp_path, config=shipped_path(f"config/{name}.toml"), environ={})

    assert settings.remarks == ()


def test_the_page_tells_every_setting_its_variable_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `((?:[a-z_]+\.)?[a-z_]+)` \| (.*) \|$", PAGE, re.MULTILINE))

    assert list(rows) == list(keys())
    for key, default in keys().items():
        if key == "site.find_links":
            assert all(link.name in rows[key] for link in FIND_LINKS)
            continue
        shown = ", ".join(default) if isinstance(default, list) else str(default)
        shown = shown.lower() if isinstance(default, bool) else shown
        assert f"`{shown}`" in rows[key] or (shown == "" and "empty" in rows[key]), key


def test_the_page_tells_the_variables_that_are_no_settings() -> None:
    assert all(f"`{name}`" in PAGE for name in ALLOWED)
