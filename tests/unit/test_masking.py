"""Tests that passwords are hidden anywhere in a URL, a pair or a message."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.masking import mask_text, mask_value, secrets_of_url, spellings

QUADRUPLE = 10  # times as long for four times the size; with the square it is sixteen
CANARY = "kanarienvogel"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:{}@h/db", "postgresql://u:***@h/db"),
        ("postgresql+psycopg://u:{}@h:5432/db", "postgresql+psycopg://u:***@h:5432/db"),
        ("postgresql://u:a/{}@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:a@{}@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:a#{}@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:a?{}@h/db", "postgresql://u:***"),
        ("postgresql://u@h/db?password={}", "postgresql://u@h/db?password=***"),
        ("postgresql://u@h/db?password=a@{}", "postgresql://u@h/db?password=***"),
        ("postgresql:///db?p%61ssword={}&host=h", "postgresql:///db?p%61ssword=***&host=h"),
        (
            "postgresql://u@h/db?sslmode=require&sslpassword={}&sslkey={}&passfile={}",
            "postgresql://u@h/db?sslmode=require&sslpassword=***&sslkey=***&passfile=***",
        ),
        ("postgresql://u@h/db?one_day={}", "postgresql://u@h/db?one_day=***"),
        ("postgresql://h:{}/db", "postgresql://h:***"),
        ("https://u:{}@a/b?c@h/x", "https://u:***"),
        ("https://u:a/{}@h/x", "https://u:***@h/x"),
        ("sqlite+pysqlcipher://:{}@/srv/x.db", "sqlite+pysqlcipher://:***@/srv/x.db"),
        ("redis://:{}@broker:6379/0", "redis://:***@broker:6379/0"),
        ("http://u:{}@proxy:3128", "http://u:***@proxy:3128"),
        ("https://h/x?api_key={}&q=a@b", "https://h/x?api_key=***&q=a@b"),
        ("host=h user=u password={} dbname=d", "host=h user=u password=*** dbname=d"),
        ("password = 'a {}' x", "password = *** x"),
    ],
)
def test_a_password_is_hidden_where_it_stands(text: str, shown: str) -> None:
    told = mask_text(f"it said: {text.replace('{}', CANARY)}")

    assert told == f"it said: {shown}"


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8025/archive?q=a@b",
        "postgresql://h1:1,h2:2,[::1]:5/db?user=u",
        "http://[::1]:8025/me?next=a@b",
        "sqlite:////srv/a:b@c/larkpost.db?mode=ro",
        "postgresql://u@h:5432/db?sslmode=require&connect_timeout=3",
        "ada@example.org said: 250 2.1.0 Ok",
        "there is no file list.txt",
    ],
)
def test_what_holds_no_password_is_shown_whole(text: str) -> None:
    assert mask_text(text) == text


def test_a_login_without_a_scheme_is_hidden_in_the_value_of_a_setting() -> None:
    assert mask_value(f"u:{CANARY}@mail.example.org") == "u:***@mail.example.org"
    assert mask_value("mail.example.org:587") == "mail.example.org:587"
    assert mask_value(f"postgresql://u:my {CANARY}@h/db") == "postgresql://u:***@h/db"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=30))
def test_any_password_is_hidden_in_every_spelling(password: str) -> None:
    message = " | ".join([password, quote(password, safe=""), quote_plus(password), repr(password)])

    told = mask_text(message, [password])

    for form in spellings(password):
        assert form not in told.replace("***", "")


PASSWORDS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=8)


@given(PASSWORDS, st.sampled_from(["password", "sslpassword", "passfile", "anything"]))
def test_any_password_is_hidden_in_the_url_of_a_database(password: str, name: str) -> None:
    encoded = quote(password, safe="")
    for url in (f"postgresql://u:{encoded}@h/db", f"postgresql://u@h/db?{name}={encoded}"):
        rendered = make_url(url).render_as_string(hide_password=False)
        for text in (url, rendered):
            assert encoded not in mask_text(text)
            assert mask_text(password, secrets_of_url(url)) == "***"


@pytest.mark.parametrize(
    "piece",
    ["a", "password='", "password=  ", "a://", "b@", "a=&", "a:", "a-.", "h:1,", "'\\"],
)
@pytest.mark.parametrize("begin", ["", "a://", "a://h?"])
def test_hostile_text_is_masked_in_linear_time(begin: str, piece: str) -> None:
    def seconds(size: int) -> float:
        text = begin + piece * (size // len(piece))
        work = lambda: (mask_text(text, [CANARY]), mask_value(text))  # noqa: E731 - for this size
        return cpu_seconds(work, rounds=3)

    def ratio() -> float:
        return seconds(80_000) / seconds(20_000)

    assert_grows_less_than(ratio, QUADRUPLE)


@pytest.mark.parametrize("secret", ["ab", "postgres"])
def test_a_short_password_is_hidden_as_a_word(secret: str) -> None:
    assert mask_text(f"it is {secret}.", [secret]) == "it is ***."


def test_a_short_password_spoils_no_other_word() -> None:
    assert mask_text("larkpost: about tables", ["ab"]) == "larkpost: about tables"
