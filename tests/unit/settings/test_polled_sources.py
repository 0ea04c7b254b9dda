"""Tests the setting ``sources``: valid sources, and errors that name invalid ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from larkpost.errors import SettingsError
from larkpost.settings import load
from larkpost.settings.polled_sources import (
    PolledSource,
    SourceEntry,
    SourceKind,
    as_tables,
    name_of_address,
    read_source_address,
    read_sources,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "address", "kind"),
    [
        ("hf-daily", "hf-daily", SourceKind.HF_DAILY),
        (" HF-Trending ", "hf-trending", SourceKind.HF_TRENDING),
        ("arXiv:cs.cl+CS.LG", "arxiv:cs.CL+cs.LG", SourceKind.ARXIV),
        (
            "arxiv:astro-ph.co, cond-mat.STR-EL",
            "arxiv:astro-ph.CO+cond-mat.str-el",
            SourceKind.ARXIV,
        ),
        ("arxiv:quant-ph", "arxiv:quant-ph", SourceKind.ARXIV),
        ("https://a.example/f.xml#top", "https://a.example/f.xml", SourceKind.FEED),
    ],
)
def test_a_source_is_a_known_name_or_a_web_address(
    text: str, address: str, kind: SourceKind
) -> None:
    assert read_source_address(text) == address
    assert PolledSource("x", address).kind is kind


@pytest.mark.parametrize(
    "text",
    [
        "hf-weekly", "arxiv:", "arxiv:cs.XX", "arxiv:../../x", "file:///etc/passwd",
        "ftp://a.example/f", "https://", "https://a.example/a b", "https://a.example:0/", "",
    ],
)  # fmt: skip
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no|is not|needs a"):
        read_source_address(text)


def test_the_settings_name_sources_in_two_lines_or_with_options(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[[sources]]\nname = "hf-daily"\n'
        '[[sources]]\nname = "arxiv"\ncategory = "cs.CL"\ninterval_minutes = 90\n'
        '[[sources]]\nname = "Blog"\nurl = "https://a.example/f"\nallow_private = true\n'
        '[[sources]]\nopml = "feeds.opml"\nauthority = true\n'
    )

    assert load(home=tmp_path, environ={}).sources == (
        SourceEntry("hf-daily", "hf-daily"),
        SourceEntry("arxiv:cs.CL", "arxiv:cs.CL", 90.0),
        SourceEntry("Blog", "https://a.example/f", allow_private=True),
        SourceEntry(authority=True, opml="feeds.opml"),
    )


def test_the_environment_names_sources_with_spaces_between_them(tmp_path: Path) -> None:
    environ = {"LARKPOST_SOURCES": "hf-daily https://a.example/feed"}

    assert load(home=tmp_path, environ=environ).sources == (
        SourceEntry("hf-daily", "hf-daily"),
        SourceEntry("a.example/feed", "https://a.example/feed"),
    )


def test_nothing_is_named_by_default(tmp_path: Path) -> None:
    assert load(home=tmp_path, environ={}).sources == ()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('name = "hf-dayly"', "is not a source"),
        ('url = "nowhere"', "is not a source"),
        ('name = "a"\nurll = "https://a.example"', "'urll' is not an option"),
        ('name = "hf-daily"\ninterval_minutes = 1', "is 5 to 10080"),
        ('name = "hf-daily"\nallow_private = "yes"', "true or false"),
        ('name = "hf-daily"\nauthority = 1', "authority is true or false"),
        ('opml = "x"\nname = "y"', "has no name"),
        ("allow_private = true", "needs a name or a url"),
        ('name = "hf-daily"\n[[sources]]\nname = "hf-daily"', "two sources have the name"),
    ],
)
def test_an_entry_that_is_no_good_is_refused_by_what_is_wrong(
    tmp_path: Path, table: str, words: str
) -> None:
    (tmp_path / "config.toml").write_text(f"[[sources]]\n{table}\n")

    with pytest.raises(SettingsError, match=words) as caught:
        load(home=tmp_path, environ={})
    assert str(caught.value).startswith("sources")


def test_what_is_written_is_what_is_read() -> None:
    entries = read_sources(
        [
            "hf-daily",
            {"name": "B", "url": "https://b.example/"},
            {"opml": "f", "interval_minutes": 9},
            {"url": "https://c.example/", "allow_private": True, "authority": True},
        ]
    )

    assert read_sources(as_tables(entries)) == entries


def test_the_name_of_an_address_holds_no_login() -> None:
    assert name_of_address("https://me:secret@a.example/feed?key=1") == "a.example/feed"
