"""Tests the sources of settings, their precedence, and the errors for wrong values."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.errors import SettingsError
from larkpost.settings import keys, load


def written(home: Path, text: str, mode: int = 0o600) -> Path:
    home.mkdir(exist_ok=True)
    file = home / "config.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def secret(home: Path, name: str, text: str, mode: int = 0o600) -> Path:
    (home / "secrets").mkdir(parents=True, exist_ok=True)
    file = home / "secrets" / name
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def refusal(
    home: Path, environ: dict[str, str] | None = None, flags: dict[str, object] | None = None
) -> str:
    with pytest.raises(SettingsError) as caught:
        load(home=home, environ=environ or {}, flags=flags)
    return f"{caught.value} | {caught.value.hint}"


def test_nothing_set_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(home=tmp_path, environ={})

    assert settings.mail.transport == "maildir"
    assert settings.readers.send_time == time(6)
    assert settings.readers.days == frozenset(range(7))
    assert settings.origins == {}


def test_a_home_holds_everything(tmp_path: Path) -> None:
    settings = load(home=tmp_path, environ={})

    assert settings.database.url == f"sqlite:///{tmp_path}/larkpost.db"
    assert settings.places.config == tmp_path / "config.toml"
    assert settings.places.inbox == tmp_path / "inbox"
    assert settings.places.done == tmp_path / "inbox" / "done"
    assert settings.places.bad == tmp_path / "inbox" / "bad"
    assert settings.places.maildir == tmp_path / "mail"
    assert settings.places.secret == tmp_path / "secret.key"


def test_without_a_home_the_xdg_folders_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    places = load(environ={}).places

    assert places.data == tmp_path / "data" / "larkpost"
    assert places.config == tmp_path / "config" / "larkpost" / "config.toml"


def test_the_environment_names_the_home(tmp_path: Path) -> None:
    assert load(environ={"LARKPOST_HOME": str(tmp_path)}).places.data == tmp_path


def test_a_home_is_absolute_whatever_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert load(home=Path("here"), environ={}).places.data == tmp_path / "here"


def test_flags_beat_the_environment_beats_secrets_beat_the_file(tmp_path: Path) -> None:
    written(tmp_path, '[smtp]\nhost = "file"\nport = 1\nusername = "file"\npassword = "file"')
    secret(tmp_path, "smtp__port", "2")
    secret(tmp_path, "smtp__username", "secret")
    secret(tmp_path, "smtp__password", "secret\n")
    environ = {"LARKPOST_SMTP__PORT": "3", "LARKPOST_SMTP__USERNAME": "environment"}

    settings = load(home=tmp_path, environ=environ, flags={"smtp.port": 4})

    assert settings.smtp.port == 4
    assert settings.smtp.username == "environment"
    assert settings.smtp.password.get_secret_value() == "secret"
    assert settings.smtp.host == "file"


def test_each_value_remembers_where_it_came_from(tmp_path: Path) -> None:
    file = written(tmp_path, '[smtp]\nhost = "file"')

    settings = load(
        home=tmp_path, environ={"LARKPOST_SMTP__PORT": "3"}, flags={"web.port": 9, "web.host": None}
    )

    assert settings.origins == {
        "smtp.host": str(file),
        "smtp.port": "the environment",
        "web.port": "the command line",
    }


def test_systemd_credentials_are_secret_files(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "smtp__password").write_text("from systemd", encoding="utf-8")
    (credentials / "tls-key").write_text("not ours", encoding="utf-8")

    settings = load(home=tmp_path, environ={"CREDENTIALS_DIRECTORY": str(credentials)})

    assert settings.smtp.password.get_secret_value() == "from systemd"


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    settings = load(home=tmp_path, environ={"LARKPOST_SMTP__PASSWORD": "hunter2"})

    assert "hunter2" not in repr(settings)


# The text of the settings file, and what the refusal must say.
MISSPELT = [
    ("[smtp]\nprot = 25", "smtp.prot", "smtp.port"),
    ("[smpt]\nport = 25", "smpt.port", "smtp.port"),
    ("[mail]\ntransprot = 'smtp'", "mail.transprot", "mail.transport"),
    ("port = 25", "port", "web.port"),
    ("[site]\nport = 25", "site.port", "port"),
    ("[ranking]\nwindow = 3", "ranking.window", "ranking.window_days"),
    ("smtp = 25", "smtp is a section", "[smtp]"),
    ("[nonsense]", "nonsense", "config show"),
    ("[smtp.port]\nnumber = 25", "smtp.port.number", "smtp.port"),
]


@pytest.mark.parametrize(("text", "key", "advice"), MISSPELT)
def test_a_misspelt_key_in_the_file_is_refused_by_name(
    tmp_path: Path, text: str, key: str, advice: str
) -> None:
    written(tmp_path, text)

    message, hint = refusal(tmp_path).split(" | ")

    assert key in message
    assert str(tmp_path / "config.toml") in message
    assert advice in hint


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("LARKPOST_SMPT__PORT", "LARKPOST_SMTP__PORT"),
        ("LARKPOST_SMTP_PORT", "LARKPOST_SMTP__PORT"),
        ("larkpost_smtp__prot", "LARKPOST_SMTP__PORT"),
        ("LARKPOST_SMTP", "LARKPOST_SMTP__"),
        ("LARKPOST_HOEM", "LARKPOST_HOME"),
    ],
)
def test_a_misspelt_variable_is_refused_by_name(tmp_path: Path, name: str, advice: str) -> None:
    message, hint = refusal(tmp_path, {name: "25"}).split(" | ")

    assert name in message
    assert advice in hint


def test_a_misspelt_secret_is_refused_by_name(tmp_path: Path) -> None:
    secret(tmp_path, "smtp__pasword", "hunter2")

    message = refusal(tmp_path)

    assert "smtp__pasword" in message
    assert "smtp__password" in message
    assert "hunter2" not in message


def test_a_misspelt_flag_is_refused_by_name(tmp_path: Path) -> None:
    assert "web.prot" in refusal(tmp_path, flags={"web.prot": 1})


@pytest.mark.parametrize(
    "name", ["LARKPOST_CONFIG", "LARKPOST_REFUSE_SKIPS", "LARKPOST_BENCH_DATA"]
)
def test_names_that_are_no_settings_are_allowed(tmp_path: Path, name: str) -> None:
    file = written(tmp_path, "")

    assert load(home=tmp_path, environ={name: str(file)}).origins == {}


# A variable, a value it cannot have, and a word of the complaint.
IMPOSSIBLE = [
    ("LARKPOST_SMTP__PORT", "abc", "must be a whole number"),
    ("LARKPOST_SMTP__PORT", "0", "must be at least 1"),
    ("LARKPOST_SMTP__PORT", "65536", "must be at most 65535"),
    ("LARKPOST_SMTP__SECURITY", "ssl", "starttls"),
    ("LARKPOST_SMTP__TIMEOUT", "nan", "must be at most 3600"),
    ("LARKPOST_MAIL__TRANSPORT", "pigeon", "maildir"),
    ("LARKPOST_MAIL__SENDER", "nobody", "email address"),
    ("LARKPOST_MAIL__SENDER", "a@b.c\r\nBcc: d@e.f", "email address"),
    ("LARKPOST_SITE__BASE_URL", "paper.example.org", "web address"),
    ("LARKPOST_SITE__BASE_URL", "javascript:alert(1)", "web address"),
    ("LARKPOST_SITE__TITLE", "", "must not be empty"),
    ("LARKPOST_RANKING__WINDOW_DAYS", "0", "must be at least 1"),
    ("LARKPOST_RANKING__EXPLORATION", "1.5", "must be at most 1"),
    ("LARKPOST_READERS__ZONE", "Mars/Olympus", "time zone"),
    ("LARKPOST_READERS__ZONE", "../../etc/passwd", "time zone"),
    ("LARKPOST_READERS__ZONE", "", "time zone"),
    ("LARKPOST_READERS__SEND_TIME", "25:00", "time"),
    ("LARKPOST_READERS__SEND_TIME", "06:00:30", "minutes"),
    ("LARKPOST_READERS__DAYS", "someday", "weekday"),
    ("LARKPOST_READERS__DAYS", "", "weekday"),
    ("LARKPOST_READERS__PAPERS_PER_EDITION", "101", "must be at most 100"),
    ("LARKPOST_LOG__LEVEL", "loud", "debug"),
]


@pytest.mark.parametrize(("name", "value", "complaint"), IMPOSSIBLE)
def test_an_impossible_value_is_refused_by_name(
    tmp_path: Path, name: str, value: str, complaint: str
) -> None:
    message = refusal(tmp_path, {name: value})

    assert name.removeprefix("LARKPOST_").replace("__", ".").lower() in message
    assert complaint in message
    assert "the environment" in message


def test_a_refused_password_is_not_repeated(tmp_path: Path) -> None:
    written(tmp_path, "[smtp]\npassword = 987654321")

    assert "987654321" not in refusal(tmp_path)


@pytest.mark.parametrize("text", ["[smtp", "title = Larkpost", "a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)

    assert f"not TOML: {file}" in refusal(tmp_path)


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    file.write_bytes(b'[site]\ntitle = "caf\xe9"')

    assert f"not UTF-8: {file}" in refusal(tmp_path)


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()

    assert f"is a folder: {tmp_path / 'config.toml'}" in refusal(tmp_path)


def test_a_settings_file_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no settings file: .*elsewhere\.toml"):
        load(home=tmp_path, config=tmp_path / "elsewhere.toml", environ={})


def test_relative_folders_lie_in_the_data_folder(tmp_path: Path) -> None:
    settings = load(
        home=tmp_path, environ={}, flags={"inbox.folder": "dumps", "mail.maildir": "/var/letters"}
    )

    assert settings.places.inbox == tmp_path / "dumps"
    assert settings.places.done == tmp_path / "dumps" / "done"
    assert settings.places.maildir == Path("/var/letters")
    assert settings.inbox.folder == str(tmp_path / "dumps")


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, True), (0o644, True)])
def test_a_password_that_others_can_read_is_remarked(
    tmp_path: Path, mode: int, warned: bool
) -> None:
    file = written(tmp_path, '[smtp]\npassword = "hunter2"', mode)

    remarks = load(home=tmp_path, environ={}).remarks

    assert any(str(file) in remark for remark in remarks) == warned


def test_a_database_password_that_others_can_read_is_remarked(tmp_path: Path) -> None:
    written(tmp_path, '[database]\nurl = "postgresql+psycopg://me:pw@host/db"', 0o644)

    assert len(load(home=tmp_path, environ={}).remarks) == 1


def test_a_secret_file_that_others_can_read_is_remarked(tmp_path: Path) -> None:
    file = secret(tmp_path, "smtp__password", "hunter2", 0o644)

    (remark,) = load(home=tmp_path, environ={}).remarks

    assert str(file) in remark


def test_an_open_file_without_a_password_is_fine(tmp_path: Path) -> None:
    written(tmp_path, '[smtp]\nhost = "mail.example.org"', 0o644)

    assert load(home=tmp_path, environ={}).remarks == ()


@given(st.text(max_size=40))
def test_no_text_in_a_variable_breaks_the_reading(text: str) -> None:
    try:
        settings = load(home=Path("/nowhere"), environ={"LARKPOST_SITE__TITLE": text})
    except SettingsError:
        assert text == ""
    else:
        assert settings.site.title == text


def test_every_key_but_the_sources_has_a_section() -> None:
    assert all(key.count(".") == 1 for key in keys() if key != "sources")


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "http://127.0.0.1:8025"),
        ({"WEB__PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"WEB__HOST": "0.0.0.0"}, "http://127.0.0.1:8025"),  # noqa: S104 - a value, not a socket
        ({"WEB__HOST": "::1"}, "http://[::1]:8025"),
        ({"WEB__HOST": "[::1]"}, "http://[::1]:8025"),
        ({"WEB__PORT": "9000", "SITE__BASE_URL": "https://a.example/"}, "https://a.example"),
    ],
)
def test_links_start_where_the_server_listens_unless_told_otherwise(
    tmp_path: Path, environ: dict[str, str], address: str
) -> None:
    set_ = {f"LARKPOST_{name}": value for name, value in environ.items()}

    assert load(home=tmp_path, environ=set_).site.base_url == address


@pytest.mark.parametrize("flags", [{"web.port": 9000}, {"web.port": 0}, {"web.host": "::1"}])
def test_links_are_the_same_whatever_port_serve_is_reported(
    tmp_path: Path, flags: dict[str, object]
) -> None:
    told = load(home=tmp_path, environ={"LARKPOST_WEB__PORT": "9100"}, flags=flags)

    assert told.site.base_url == "http://127.0.0.1:9100"


def test_a_unix_socket_needs_an_address_for_the_links(tmp_path: Path) -> None:
    environ = {"LARKPOST_WEB__HOST": "unix:/run/larkpost.sock"}

    with pytest.raises(SettingsError, match=r"site\.base_url is missing"):
        load(home=tmp_path, environ=environ)

    environ["LARKPOST_SITE__BASE_URL"] = "https://paper.example.org"
    assert load(home=tmp_path, environ=environ).web.host == "unix:/run/larkpost.sock"


@pytest.mark.parametrize("mode", ["", "abc", "888", "6600", "-1"])
def test_rights_of_the_socket_are_written_as_chmod_writes_them(tmp_path: Path, mode: str) -> None:
    with pytest.raises(SettingsError, match=r"web\.socket_mode"):
        load(home=tmp_path, environ={"LARKPOST_WEB__SOCKET_MODE": mode})

    assert (
        load(home=tmp_path, environ={"LARKPOST_WEB__SOCKET_MODE": "606"}).web.socket_mode == 0o606
    )


def test_digest_senders_are_a_list_or_parted_by_commas_in_lower_case(tmp_path: Path) -> None:
    environ = {"LARKPOST_INBOUND__DIGEST_SENDERS": "Digest@Example.org, @arXiv.org"}
    written(tmp_path, '[inbound]\ndigest_senders = ["@bücher.example"]')

    assert load(home=tmp_path, environ={}).inbound.digest_senders == ("@xn--bcher-kva.example",)
    assert load(home=tmp_path, environ=environ).inbound.digest_senders == (
        "digest@example.org",
        "@arxiv.org",
    )


@pytest.mark.parametrize("wrong", ["arxiv.org", "@", "a@b@c", "Daily Papers <digest@example.org>"])
def test_a_digest_sender_that_is_no_address_is_refused(tmp_path: Path, wrong: str) -> None:
    told = refusal(tmp_path, {"LARKPOST_INBOUND__DIGEST_SENDERS": wrong})

    assert "inbound.digest_senders" in told
