"""The newsletter as a page, as plain text and as a message."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import date, timedelta
from email import policy
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from tests.helpers.edition_factories import (
    HOSTILE,
    OUT,
    SITE,
    edition,
    make_renderer,
    paper,
    pick,
    reader,
)

from larkpost.domain import Identifier
from larkpost.errors import SettingsError, UsageError
from larkpost.render import message_id
from larkpost.render.email.newsletter import LIMIT

if TYPE_CHECKING:
    from larkpost.domain import Edition, Message


class Page(HTMLParser):
    """What a mail program sees of a page: its text, links, headings and everything it loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._open.append(tag)
        if tag == "a":
            self.links.append(values["href"] or "")
        if tag == "h2":
            self.headings.append("")
        self.loaded += [values[name] or "" for name in ("src", "background") if name in values]
        if tag in {"script", "img", "link", "iframe", "form"}:
            self.loaded.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.words.append(data)
        if "h2" in self._open:
            self.headings[-1] += data


def mailed(of: Edition) -> Message:
    (made,) = make_renderer().newsletter([of])
    return made


def parsed(made: Message) -> tuple[email.message.EmailMessage, str, str]:
    message = email.message_from_bytes(made.content, policy=policy.default)
    text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    return message, text, html


TEN = [paper(number, title=f"Title number {number}: what it is") for number in range(1, 11)]


def test_all_forms_show_the_same_papers_in_the_same_order() -> None:
    made = make_renderer()
    of = edition(*TEN)

    wanted = [one.title for one in TEN]
    shown = [heading.strip() for heading in Page(made.html(of)).headings]
    assert [re.sub(r"^\d+\. ", "", heading) for heading in shown] == wanted
    assert re.findall(r"^\d+\. (.*)$", made.text(of), re.MULTILINE) == wanted


def test_the_message_holds_the_page_and_the_text_unchanged() -> None:
    of = edition(*TEN, like=paper(4))
    message, text, html = parsed(mailed(of))

    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert text == make_renderer().text(of)
    assert html == make_renderer().html(of)


def test_the_message_has_the_headers_that_receivers_ask_for() -> None:
    made = mailed(edition(*TEN))
    message, _, _ = parsed(made)

    assert message["From"] == "Larkpost <post@larkpost.example.org>"
    assert message["To"] == "Ada <ada@example.org>"
    assert message["Subject"] == "Title number 1: what it is – and 9 more"  # noqa: RUF001 - an en dash
    assert message["Date"] == "Fri, 07 Aug 2026 06:00:00 +0000"
    assert message["Message-ID"] == made.message_id
    assert message["List-Id"] == "Larkpost <larkpost.larkpost.example.org>"
    assert message["List-Unsubscribe"] == f"<{SITE}/leave/token-1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Archive"] == f"<{SITE}/>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Feedback-ID"].endswith(":larkpost.example.org")
    assert len(message.keys()) == len({name.lower() for name in message})


def test_the_message_id_is_the_one_that_publishing_writes_down() -> None:
    of = edition(*TEN)

    assert mailed(of).message_id == message_id(of.reader.uid, of.date, "larkpost.example.org")


def test_the_same_edition_gives_the_same_bytes() -> None:
    assert mailed(edition(*TEN)).content == mailed(edition(*TEN)).content


def test_each_reader_gets_their_own_links_and_reasons() -> None:
    made = make_renderer()
    first = edition(*TEN, number=1, to=reader("Ada", number=1))
    second = edition(*reversed(TEN), number=2, to=reader("Bo", "bo@example.org", number=2))

    messages = list(made.newsletter([first, second]))

    assert [one.recipient for one in messages] == ["ada@example.org", "bo@example.org"]
    assert b"ballot-2" not in messages[0].content
    assert b"ballot-1" not in messages[1].content
    assert messages[1].content == next(make_renderer().newsletter([second])).content


def test_every_pick_has_a_link_for_each_thumb_in_both_parts() -> None:
    _, text, html = parsed(mailed(edition(*TEN)))

    for position in range(1, 11):
        for thumb in ("up", "down"):
            link = f"{SITE}/vote/ballot-1/{position}/{thumb}"
            assert link in Page(html).links
            assert f"    {link}\n" in text


def test_the_reader_learns_why_and_how_likely() -> None:
    of = edition(picks=(pick(paper(1, title="One"), like=paper(4)),))
    made = make_renderer()

    words = "".join(Page(made.html(of)).words)
    assert "Because of routing, mixture of experts · like MoE-Lens, which you liked" in words
    assert "82\u00a0% match" in words
    assert "Because of: routing, mixture of experts\n    Like “MoE-Lens”, which you liked\n" in (
        made.text(of)
    )


def test_an_exploration_is_called_one() -> None:
    of = edition(picks=(pick(paper(1), explored=True),))

    assert "Something new: unlike the papers you have seen" in make_renderer().html(of)
    assert "Something new: unlike the papers you have seen" in make_renderer().text(of)


def test_the_footer_tells_why_it_came_and_how_to_leave_in_both_parts() -> None:
    _, text, html = parsed(mailed(edition(*TEN)))

    for part in (text, html):
        assert "You get this email because you subscribed to Larkpost." in part
        for link in ("leave/token-1", "me/page-1", "feed/feedkey1.atom", "edition/browser-1"):
            assert f"{SITE}/{link}" in part


def test_a_message_to_who_has_no_feed_tells_of_none() -> None:
    made = make_renderer()
    without, following = [
        next(iter(made.newsletter([edition(*TEN, to=to)])))
        for to in (replace(reader(), feed_key=""), reader())
    ]

    for part in parsed(without)[1:]:
        assert "our feed" not in part
        assert "/feed/" not in part
        assert f"{SITE}/leave/token-1" in part
    assert all("Your feed" in part for part in parsed(following)[1:])


def test_a_catch_up_and_a_note_are_reported() -> None:
    of = edition(paper(1), since=date(2026, 8, 4), note="Only 1 paper was above your threshold.")

    for page in (make_renderer().html(of), make_renderer().text(of)):
        assert "A catch-up edition: the best papers since Tuesday, 4 August." in page
        assert "Only 1 paper was above your threshold." in page


def test_an_empty_day_is_a_message_too() -> None:
    message, text, html = parsed(mailed(edition()))

    assert message["Subject"] == "Larkpost: a day without papers, 7 August"
    assert "There are no papers for you today." in text
    assert "There are no papers for you today." in html


def test_the_page_loads_nothing_and_says_its_language() -> None:
    page = make_renderer().html(edition(*TEN))

    assert Page(page).loaded == []
    assert "@import" not in page
    assert "url(" not in page
    assert '<html lang="en" dir="ltr">' in page


def test_styles_stand_in_the_elements_and_dark_mode_in_the_head() -> None:
    page = make_renderer().html(edition(*TEN))

    assert page.count('<h2 class="t" style="') == 9
    assert '<h2 class="t big" style="' in page
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text_and_changes_nothing_else(text: str) -> None:
    bad = paper(
        1, title=text, abstract=text * 9, authors=(text, text), categories=(text,), url=text
    )
    of = edition(
        picks=(pick(bad, 1, like=bad, terms=(text, "fine"), interest=text), pick(paper(2), 2)),
        to=reader(text, interests=("main", text)),
        note=text,
    )

    made = mailed(of)
    message, plain, html = parsed(made)

    assert not message.defects
    assert set(message.keys()) == set(parsed(mailed(edition(paper(2))))[0].keys())
    assert plain == make_renderer().text(of)
    assert html == make_renderer().html(of)
    page = Page(html)
    assert page.loaded == []
    assert len(page.headings) == 2
    assert {link.split(":")[0] for link in page.links} == {"https"}
    assert "\u202e" not in html + plain
    assert "49" not in "".join(page.headings)


def test_text_that_runs_from_right_to_left_is_isolated() -> None:
    of = edition(paper(1, title="שלום עולם"))

    assert "<bdi>שלום עולם</bdi>" in make_renderer().html(of)
    assert "1. \u2068שלום עולם\u2069\n" in make_renderer().text(of)  # noqa: RUF001 - Hebrew on purpose


def test_a_paper_that_cannot_be_set_is_left_out_and_the_message_goes() -> None:
    broken = replace(paper(2), authors=(None,))  # type: ignore[arg-type]  # a damaged row
    of = edition(paper(1, title="First"), broken, paper(3, title="Third"))

    headings = Page(make_renderer().html(of)).headings

    assert headings == ["First", "3. Third"]
    assert mailed(of).recipient == "ada@example.org"


@pytest.mark.parametrize("alphabet", ["word ", "漢字", "👩‍👩‍👧", "=", "<&>"])
@pytest.mark.parametrize("count", [40, 100])
def test_a_message_stays_small_and_keeps_the_way_out(count: int, alphabet: str) -> None:
    long = [
        paper(n, title=f"{n} " + alphabet * 60, abstract=(alphabet * 40 + ". ") * 60)
        for n in range(1, count + 1)
    ]

    made = mailed(edition(*long))
    _, text, html = parsed(made)

    assert len(made.content) <= LIMIT
    assert f"{SITE}/leave/token-1" in Page(html).links
    assert f"Unsubscribe:\n{SITE}/leave/token-1\n" in text
    shown = len(Page(html).headings)
    assert shown == len(re.findall(r"^\d+\. ", text, re.MULTILINE))
    missing = f"{count - shown} more in this edition: read it in the browser."
    assert (missing in text) == (missing in html) == (shown < count)


def test_forty_long_abstracts_are_shortened_before_any_paper_is_left_out() -> None:
    long = [paper(n, abstract="A sentence of some length stands here. " * 50) for n in range(1, 41)]

    _, text, html = parsed(mailed(edition(*long)))

    assert len(Page(html).headings) == 40
    assert text.count("A sentence of some length") > 40


def test_the_text_part_keeps_to_72_columns_but_for_addresses() -> None:
    of = edition(*TEN, like=paper(4, title="word " * 50), note="note " * 40)

    lines = make_renderer().text(of).splitlines()

    assert max(len(line) for line in lines if "https://" not in line) <= 72


def test_the_lines_of_a_message_are_short_and_end_in_crlf() -> None:
    content = mailed(edition(*TEN)).content

    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert not [line for line in content.split(b"\r\n") if line.startswith((b".", b"From "))]


def test_a_reader_without_address_gets_no_message() -> None:
    with pytest.raises(UsageError, match="no email address"):
        mailed(edition(paper(1), to=reader(address=None)))


def test_a_sender_that_is_no_mailbox_stops_the_press() -> None:
    with pytest.raises(SettingsError, match=r"mail\.sender"):
        make_renderer(sender="nobody")


def test_the_title_of_the_paper_is_text_too() -> None:
    page = make_renderer(title="<b>Post\r\n</b>").html(edition(paper(1)))

    assert "&lt;b&gt;Post &lt;/b&gt;" in page


def test_a_later_correction_of_a_paper_is_shown() -> None:
    made = make_renderer()
    before, after = paper(1, title="Befor"), paper(1, title="Before", updated=OUT + timedelta(1))
    made.html(edition(before))

    assert Page(made.html(edition(after))).headings == ["Before"]


def test_odd_names_and_addresses_lead_where_they_say_in_messages() -> None:
    sici = Identifier("doi", "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-o")
    of = edition(paper(1, identifier=sici), paper(2, url="https://bücher.example/ü?q=<1>"))
    links = [
        "https://doi.org/10.1002/(sici)1097-4571(199806)49:8%3C693::aid-asi4%3E3.0.co;2-o",
        "https://xn--bcher-kva.example/%C3%BC?q=%3C1%3E",
    ]

    page, plain = make_renderer().html(of), make_renderer().text(of)

    assert all(f'href="{link}"' in page for link in links)
    assert all(f"    {link}\n" in plain.replace("\r\n", "\n") for link in links)
