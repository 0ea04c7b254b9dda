"""Tests the commands for editions: published once, previewed in every form, delivered."""

from __future__ import annotations

import email
import email.policy
import json
import socket
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.helpers.cli_helpers import CONTROL, Shell

if TYPE_CHECKING:
    from typing import Any

ANN = "ann@example.org"


def test_publishing_twice_gives_one_edition(furnished: Shell) -> None:
    (first,) = furnished.json("publish", ANN)

    (second,) = furnished.json("publish", ANN)

    assert (first["outcome"], second["outcome"]) == ("published", "already_published")
    assert len(first["papers"]) == 10
    assert second["papers"] == first["papers"]


def test_an_edition_is_what_the_ranking_was(furnished: Shell) -> None:
    ranked = [pick["paper"] for pick in furnished.json("rank", ANN)]

    (edition,) = furnished.json("publish", ANN)

    assert edition["papers"] == ranked


def test_what_was_published_is_not_ranked_again_unless_asked_for(furnished: Shell) -> None:
    (edition,) = furnished.json("publish", ANN)

    following = {pick["paper"] for pick in furnished.json("rank", ANN, "--limit", 1000)}
    again = {pick["paper"] for pick in furnished.json("rank", ANN, "--limit", 1000, "--again")}

    assert len(following) == 98
    assert not following & set(edition["papers"])
    assert len(again) == 108


def test_nothing_is_due_right_after_a_reader_came(furnished: Shell) -> None:
    assert "Nothing is due" in furnished("publish", "--due").out
    assert furnished.json("publish") == []


def test_a_day_without_papers_gives_no_edition_and_says_so(shell: Shell) -> None:
    shell("reader", "add", ANN)

    (result,) = shell.json("publish", ANN)

    assert (result["outcome"], result["papers"]) == ("empty", [])
    assert "no new papers" in shell("publish", ANN).out


def test_all_active_readers_are_published_for_a_day(furnished: Shell) -> None:
    furnished("reader", "add", "bob@example.org")
    furnished("reader", "add", "eve@example.org")
    furnished("reader", "set", "eve@example.org", "--leave")

    results = furnished.json("publish", "--all")

    assert [result["reader"] for result in results] == [ANN, "bob@example.org"]


def titles_in(feed: dict[str, Any]) -> list[str]:
    return [item["title"] for item in feed["items"]]


def test_a_preview_shows_the_same_papers_in_every_form(furnished: Shell) -> None:
    wanted = [pick["title"] for pick in furnished.json("rank", ANN)]

    forms = {
        form: furnished("preview", ANN, "--format", form).out
        for form in ("html", "text", "eml", "rss", "atom", "json")
    }

    assert titles_in(json.loads(forms["json"])) == wanted
    rss = ElementTree.fromstring(forms["rss"])  # noqa: S314 - our own feed
    assert [item.findtext("title") for item in rss.iter("item")] == wanted
    atom = ElementTree.fromstring(forms["atom"])  # noqa: S314 - our own feed
    name = "{http://www.w3.org/2005/Atom}"
    assert [entry.findtext(f"{name}title") for entry in atom.iter(f"{name}entry")] == wanted
    message = email.message_from_string(forms["eml"], policy=email.policy.default)
    assert not message.defects
    assert message["To"] is not None
    squeezed = " ".join(forms["text"].split())
    places = [squeezed.find(title) for title in wanted]
    assert -1 not in places
    assert places == sorted(places)
    assert not CONTROL & set(forms["text"])


def test_a_preview_changes_nothing(furnished: Shell) -> None:
    before = furnished.json("rank", ANN)

    furnished("preview", ANN, "--format", "html")

    assert furnished.json("rank", ANN) == before


def test_a_preview_after_publishing_shows_what_was_published(furnished: Shell) -> None:
    (edition,) = furnished.json("publish", ANN)
    titles = {one["id"]: one["title"] for one in furnished.json("papers", "--limit", 1000)}

    feed = json.loads(furnished("preview", ANN, "--format", "json").out)

    assert titles_in(feed)[:10] == [titles[paper] for paper in edition["papers"]]


def test_a_message_lands_in_the_maildir_once(furnished: Shell) -> None:
    furnished("publish", ANN)

    (first,) = furnished.json("deliver")
    (second,) = furnished.json("deliver")

    messages = list((furnished.home / "mail" / "new").iterdir())
    assert (first["sent"], second["sent"]) == (1, 0)
    assert len(messages) == 1
    message = email.message_from_bytes(messages[0].read_bytes(), policy=email.policy.default)
    assert message["To"].addresses[0].addr_spec == ANN
    assert "No emails" in furnished("deliver").out


def test_a_mail_server_that_is_not_there_means_try_again_later(furnished: Shell) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        smtp = {
            "LARKPOST_MAIL__TRANSPORT": "smtp",
            "LARKPOST_SMTP__HOST": "127.0.0.1",
            "LARKPOST_SMTP__PORT": str(port),
            "LARKPOST_SMTP__SECURITY": "none",
        }
        shell = Shell(furnished.folder, smtp)
        shell("publish", ANN)

        shell("deliver", code=75)

    (status,) = furnished.json("status")
    assert sum(status["deliveries"].values()) == 1
    assert "sent" not in status["deliveries"]
