"""Tests the setting of the sites that search for papers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.domain import FindLink
from larkpost.errors import SettingsError
from larkpost.settings import load
from larkpost.settings.paper_search_links import FIND_LINKS

if TYPE_CHECKING:
    from pathlib import Path

OURS = {
    "name": "Our library",
    "url": "http://library.example.org:8080/{title}/find?q=%22{title}%22#a",
}


def read(home: Path, text: str) -> tuple[FindLink, ...]:
    (home / "config.toml").write_text(f"[site]\n{text}\n", encoding="utf-8")
    return load(home=home, environ={}).site.find_links


def test_the_sites_are_those_of_the_field_unless_others_are_set(tmp_path: Path) -> None:
    names = [link.name for link in load(home=tmp_path, environ={}).site.find_links]

    assert names == ["arXiv", "Hugging Face", "Semantic Scholar", "Google Scholar"]


def test_the_list_is_changed_or_emptied_in_the_file(tmp_path: Path) -> None:
    table = f'find_links = [{{ name = "{OURS["name"]}", url = "{OURS["url"]}" }}]'

    assert read(tmp_path, table) == (FindLink(**OURS),)
    assert read(tmp_path, "find_links = []") == ()


@pytest.mark.parametrize(
    ("value", "links"), [(json.dumps([OURS]), (FindLink(**OURS),)), ("[]", ()), ("", ())]
)
def test_in_the_environment_the_list_is_json(
    tmp_path: Path, value: str, links: tuple[FindLink, ...]
) -> None:
    settings = load(home=tmp_path, environ={"LARKPOST_SITE__FIND_LINKS": value})

    assert settings.site.find_links == links


@pytest.mark.parametrize(
    ("links", "why"),
    [
        ([{"name": "x", "url": "https://example.org/search"}], "has no {title}"),
        ([{"name": "x", "url": "https://example.org/{title}{words}"}], "other braces"),
        ([{"name": "x", "url": "https://example.org/{title"}], "has no {title}"),
        ([{"name": "x", "url": "https://{title}.example.org/"}], "not a web address"),
        ([{"name": "x", "url": "https://user@example.org/{title}"}], "not a web address"),
        ([{"name": "x", "url": "https://example.org:99999/{title}"}], "not a web address"),
        ([{"name": "x", "url": "javascript:alert({title})"}], "not a web address"),
        ([{"name": "x", "url": "//example.org/{title}"}], "not a web address"),
        ([{"name": "x", "url": "https:///{title}"}], "not a web address"),
        ([{"name": "x", "url": "https://example.org/a b{title}"}], "percent-encode it"),
        ([{"name": "x", "url": "https://example.org/“{title}”"}], "percent-encode it"),
        ([{"name": "x", "url": 'https://example.org/"{title}"'}], "percent-encode it"),
        ([{"name": "x", "url": "https://example.org/50%?q={title}"}], "write %25"),
        ([{"name": "x", "url": "https://example.org/{title}" + "x" * 300}], "300 characters"),
        ([{"name": "x", "url": 7}], "is not text"),
        ([{"name": "", "url": "https://example.org/{title}"}], "1 to 40 characters"),
        ([{"name": "x" * 41, "url": "https://example.org/{title}"}], "1 to 40 characters"),
        ([{"name": "a\nb", "url": "https://example.org/{title}"}], "one line"),
        ([{"name": "x"}], "a name and a url"),
        ([OURS | {"extra": 1}], "a name and a url"),
        (["https://example.org/{title}"], "a name and a url"),
        ([OURS] * 13, "may be 12"),
        ({"arXiv": "https://example.org/{title}"}, "it is a list"),
        (7, "it is a list"),
    ],
)
def test_what_is_no_list_of_searches_is_refused_by_what_is_wrong(
    tmp_path: Path, links: Any, why: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(home=tmp_path, environ={"LARKPOST_SITE__FIND_LINKS": json.dumps(links)})

    assert "site.find_links" in str(refused.value)
    assert why in str(refused.value)


def test_a_text_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="as a text it is JSON"):
        load(home=tmp_path, environ={"LARKPOST_SITE__FIND_LINKS": "arXiv=https://arxiv.org"})


def test_the_defaults_pass_their_own_check(tmp_path: Path) -> None:
    written = json.dumps([{"name": link.name, "url": link.url} for link in FIND_LINKS])

    settings = load(home=tmp_path, environ={"LARKPOST_SITE__FIND_LINKS": written})

    assert settings.site.find_links == FIND_LINKS
