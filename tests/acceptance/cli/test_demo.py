"""Tests the demo, which newcomers run first."""

from __future__ import annotations

import email
import email.policy
import json
from typing import TYPE_CHECKING, Any

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest
from tests.helpers.cli_helpers import CONTROL, Shell

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    "feed.xml", "feed.atom", "feed.json", "newsletter.eml", "newsletter.html", "newsletter.txt",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(folder: Path) -> str:
    return Shell(folder)("demo", "--dir", "here").out


@pytest.fixture(scope="module")
def story(folder: Path) -> dict[str, Any]:
    (record,) = Shell(folder).json("demo", "--dir", "json")
    return record


def test_it_reads_the_whole_sample(story: dict[str, Any]) -> None:
    assert (story["papers"], story["new"], story["rejected"]) == (108, 108, 0)


def test_thumbs_change_the_order(story: dict[str, Any]) -> None:
    before = [pick["paper"] for pick in story["before"]]
    after = [pick["paper"] for pick in story["after"]]

    assert len(before) == len(after) == 10
    assert after[:3] != before[:3]
    assert not set(after) & {vote["paper"] for vote in story["votes"]}


def test_papers_on_the_liked_theme_come_first_with_reasons(story: dict[str, Any]) -> None:
    liked = {vote["paper"] for vote in story["votes"] if vote["thumb"] == 1}

    for pick in story["after"][:3]:
        assert {"moe", "expert", "experts"} & {one["term"] for one in pick["positive_terms"]}
        assert pick["similar_paper"] in {*liked, None}  # named only where it is near enough
        assert pick["similar_paper"] or len(pick["shown_terms"]) >= 2


def test_a_second_demo_makes_the_same_paper(folder: Path, story: dict[str, Any]) -> None:
    (again,) = Shell(folder).json("demo", "--dir", "json")

    assert again == story


def test_everything_it_names_is_there(told: str, folder: Path) -> None:
    for name in FILES:
        assert name in told
        assert (folder / "here" / name).stat().st_size > 0
    assert list((folder / "here" / "mail" / "new").iterdir())


@pytest.mark.usefixtures("told")
def test_the_feeds_hold_the_papers_of_the_newsletter(folder: Path) -> None:
    feeds = [feedparser.parse((folder / "here" / name).read_bytes()) for name in FILES[:2]]
    items = json.loads((folder / "here" / "feed.json").read_bytes())["items"]
    message = email.message_from_bytes(
        (folder / "here" / "newsletter.eml").read_bytes(), policy=email.policy.default
    )

    assert not any(feed.bozo for feed in feeds)
    titles = [item["title"] for item in items]
    assert len(titles) == 10
    assert [[entry.title for entry in feed.entries] for feed in feeds] == [titles, titles]
    assert not message.defects


def test_it_fits_eighty_columns_and_has_no_control_codes_in_a_pipe(told: str) -> None:
    assert max(map(len, told.splitlines())) <= 80
    assert not CONTROL & set(told)


def test_it_says_what_to_do_next(told: str) -> None:
    assert "larkpost --home here serve" in told
    assert "reader add" in told


def test_it_ends_by_saying_how_tomorrows_papers_come(told: str) -> None:
    last = " ".join(told.partition("Tomorrow's papers\n")[2].split())

    assert "into the inbox folder" in last
    assert "https://huggingface.co/api/daily_papers" in last
    assert "*/10 * * * * larkpost -q tick" in last


def test_the_commands_it_names_work(folder: Path, told: str) -> None:
    assert "explain you@example.org 1" in told
    here = ("--home", folder / "here")

    explained = Shell(folder)(*here, "explain", "you@example.org", 1)
    voted = Shell(folder)(*here, "vote", "you@example.org", 1, "up")

    assert "nearest liked paper" in explained.out
    assert "thumb up" in voted.out


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")

    done = Shell(tmp_path)("demo", "--dir", mine, code=2)

    assert str(mine) in done.err
    assert [file.name for file in mine.iterdir()] == ["thesis.txt"]


def test_what_somebody_put_into_the_demos_folder_stays(folder: Path, told: str) -> None:
    assert told
    (folder / "here" / "notes.txt").write_text("mine", encoding="utf-8")

    Shell(folder)("demo", "--dir", "here")

    assert (folder / "here" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_the_settings_of_whoever_runs_it_are_not_touched(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_DATABASE__URL": f"sqlite:///{tmp_path}/precious.db"})

    shell("demo")

    assert not (tmp_path / "precious.db").exists()
    assert (shell.home / "feed.xml").exists()
