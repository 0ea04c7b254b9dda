"""Loads the settings from all sources, and names misspelt or invalid ones."""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from pydantic_settings import (
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    SecretsSettingsSource,
    TomlConfigSettingsSource,
)

from larkpost.errors import SettingsError
from larkpost.masking import HIDDEN, mask_text, mask_value, secrets_of_url
from larkpost.settings.addresses import UNIX
from larkpost.settings.model import HomePaths, Settings, WebSettings, flat, keys
from larkpost.settings.renamed_settings import new_name
from larkpost.settings.value_faults import describe_fault

PREFIX = "LARKPOST_"
MAY_HOLD_PASSWORD = frozenset({"smtp.password", "database.url"})
COMMAND_LINE = "the command line"  # an origin
# Names with the prefix that are not settings: where the settings are, and switches of the tests.
ALLOWED = frozenset(
    {"LARKPOST_HOME", "LARKPOST_CONFIG", "LARKPOST_REFUSE_SKIPS", "LARKPOST_BENCH_DATA"}
)


def load(
    *,
    home: Path | None = None,
    config: Path | None = None,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings: flags > environment > secret files > settings file > defaults.

    ``flags`` has dotted keys (``{"web.port": 8080}``); a value of None means not given.
    Raises SettingsError, which names the misspelt key or the key with an invalid value.
    """
    environ = os.environ if environ is None else environ
    home = home or _path(environ.get(f"{PREFIX}HOME"))
    explicit = config or _path(environ.get(f"{PREFIX}CONFIG"))
    places = _places(home, explicit, environ)
    if explicit is not None and not places.config.exists():
        raise SettingsError(
            f"no settings file: {places.config}", hint="check --config and LARKPOST_CONFIG"
        )
    secrets = [folder for folder in _secret_folders(places, environ) if folder.is_dir()]
    found = {  # weakest first
        str(places.config): _from_file(places.config),
        **{str(folder): _from_secrets(folder) for folder in secrets},
        "the environment": _from_environment(environ),
        COMMAND_LINE: {k: v for k, v in (flags or {}).items() if v is not None},
    }
    for origin, values in found.items():
        _refuse_unknown(values, origin)
    origins = {key: origin for origin, values in found.items() for key in values}
    if "site.base_url" not in origins:
        lasting = {origin: values for origin, values in found.items() if origin != COMMAND_LINE}
        found["the defaults"] = {"site.base_url": _own_address(_validate(lasting).web)}
    settings = _in_places(_validate(found), places)
    settings._origins = origins
    settings._remarks = tuple(_remarks(places.config, found[str(places.config)], secrets))
    return settings


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _places(home: Path | None, config: Path | None, environ: Mapping[str, str]) -> HomePaths:
    if home is None:
        data, beside = _own_folders(environ)
    else:
        data = beside = _absolute(home, "the home")
    inbox = data / "inbox"
    return HomePaths(
        config=_absolute(config, "the settings file") if config else beside / "config.toml",
        data=data,
        inbox=inbox,
        done=inbox / "done",
        bad=inbox / "bad",
        maildir=data / "mail",
        secret=data / "secret.key",
        secrets=beside / "secrets",
    )


def _own_folders(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """Return the user's folders for data and for settings (XDG Base Directory).

    A process may have no home and no entry in the list of users, as in many containers.
    """
    from platformdirs import user_config_path, user_data_path

    try:
        known = Path("~").expanduser().is_absolute() and environ.get("HOME") != ""
    except RuntimeError:
        known = False
    if not known and not all(environ.get(name) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")):
        raise SettingsError(
            "this user has no home folder",
            hint="set one with --home DIR or LARKPOST_HOME",
        )
    return user_data_path("larkpost"), user_config_path("larkpost")


def _absolute(path: Path, what: str) -> Path:
    try:
        return expand(path).absolute()
    except FileNotFoundError:
        raise SettingsError(
            f"{what} is {path}, but the current folder does not exist any more",
            hint="cd to an existing folder, or write an absolute path",
        ) from None


def expand(path: Path) -> Path:
    """Replace ``~`` at the start of a path by the home folder of the user.

    Raises SettingsError if there is no such user, or their home is unknown.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise SettingsError(
            f"{path}: there is no home folder for {path.parts[0]}",
            hint="write an absolute path",
        ) from None


def _secret_folders(places: HomePaths, environ: Mapping[str, str]) -> Iterator[Path]:
    yield places.secrets
    if folder := environ.get("CREDENTIALS_DIRECTORY"):  # systemd's LoadCredential=
        yield Path(folder)


def _from_file(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    if path.is_dir():
        raise SettingsError(f"the settings file is a folder: {path}")
    try:
        table = TomlConfigSettingsSource(Settings, toml_file=path).toml_data
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"the settings file is not TOML: {path}: {error}",
            hint='text needs quotes (title = "Larkpost"); sections look like [smtp]',
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"the settings file is not UTF-8: {path}") from None
    except OSError as error:
        raise SettingsError(
            f"the settings file cannot be read: {path}: {error.strerror}"
        ) from error
    return dict(flat(table))


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    names = [name for name in environ if name.upper().startswith(PREFIX)]
    known = {PREFIX + key.replace(".", "__").upper(): key for key in keys()}
    for name in names:
        if name.upper() not in known and name.upper() not in ALLOWED:
            raise _no_such_setting(name, "in the environment", [*known, *ALLOWED])
    source = EnvSettingsSource(Settings, env_prefix=PREFIX, env_nested_delimiter="__")
    source.env_vars = {name.lower(): environ[name] for name in names}
    return dict(flat(source()))


def _from_secrets(folder: Path) -> dict[str, object]:
    known = {key.replace(".", "__"): key for key in keys()}
    for file in sorted(folder.iterdir()):
        # A service may be given credentials that are not ours; ours are named section__key.
        if "__" in file.name and not file.name.startswith(".") and file.name.lower() not in known:
            raise _no_such_setting(file.name, f"a file in {folder}", known)
    source = NestedSecretsSettingsSource(
        SecretsSettingsSource(Settings), secrets_dir=folder, secrets_nested_delimiter="__"
    )
    return dict(flat(source()))


def _refuse_unknown(values: Mapping[str, object], origin: str) -> None:
    known = keys()
    for key in values:
        if key in known:
            continue
        if key in Settings.model_fields:
            raise SettingsError(
                f"{key} is a section, not a setting (in {origin})",
                hint=f"write it as a table: [{key}]",
            )
        raise _no_such_setting(key, f"in {origin}", known)


def _no_such_setting(name: str, place: str, known: Iterable[str]) -> SettingsError:
    """Make the error for an unknown setting, with the closest known name."""
    near = _near(name, known)
    usual = f"Did you mean {near}?" if near else "See `larkpost config show`."
    hint = new_name(name, PREFIX) or usual
    return SettingsError(f"there is no such setting: {name} ({place})", hint=hint)


def _near(word: str, known: Iterable[str]) -> str | None:
    """Find the most similar known word; a key in the wrong section counts as similar."""
    choices = {choice.lower(): choice for choice in known}
    last = word.lower().rpartition(".")[2]
    same = [choice for choice in choices if "." in choice and choice.rpartition(".")[2] == last]
    near = difflib.get_close_matches(word.lower(), choices, 1, 0.6) or same
    return choices[near[0]] if near else None


def _validate(found: Mapping[str, Mapping[str, object]]) -> Settings:
    """Check values by origin, weakest first; raises SettingsError naming key and origin."""
    nested: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, values in found.items():
        for key, value in values.items():
            section, dot, name = key.partition(".")
            if dot:
                nested.setdefault(section, {})[name] = value
            else:  # ``sources``, which is in no section
                nested[key] = value
            origins[key] = origin
    try:
        return Settings(**nested)
    except ValidationError as error:
        raise _refusal(error, origins) from None


def _in_places(first: Settings, places: HomePaths) -> Settings:
    """Fill in absolute paths, and the database's address, if not set."""
    data = places.data
    inbox = _under(data, first.inbox.folder) or places.inbox
    maildir = _under(data, first.mail.maildir) or places.maildir
    url = first.database.url or f"sqlite:///{quote(os.fsencode(data / 'larkpost.db'))}"
    settings = first.model_copy(
        update={
            "database": first.database.model_copy(update={"url": url}),
            "inbox": first.inbox.model_copy(update={"folder": str(inbox)}),
            "mail": first.mail.model_copy(update={"maildir": str(maildir)}),
        }
    )
    settings._places = replace(
        places, inbox=inbox, done=inbox / "done", bad=inbox / "bad", maildir=maildir
    )
    return settings


def _own_address(web: WebSettings) -> str:
    """Return the address on this machine, used until ``site.base_url`` is set.

    It depends only on the settings, because other commands do not know `serve --port`, and all must
    build the same links. Raises SettingsError if nothing listens by TCP.
    """
    if web.host.startswith(UNIX):
        raise SettingsError(
            "site.base_url is missing: a Unix socket (web.host) has no address to link to",
            hint='set base_url = "https://paper.example.org" under [site], as readers call it',
        )
    host = "127.0.0.1" if web.host in ("0.0.0.0", "::") else web.host  # noqa: S104 - read, not bound
    # Port 0 takes any free one, which only `serve` learns.
    port = web.port or WebSettings.model_fields["port"].default
    bare = host.partition("%")[0]  # the zone of an IPv6 address means nothing on other machines
    return f"http://[{bare}]:{port}" if ":" in bare else f"http://{bare}:{port}"


def _safe(value: object) -> str:
    """Show an invalid value, masked: a password may have been put into a wrong place."""
    if not isinstance(value, str):
        return mask_text(repr(value))
    shown = mask_value(value)
    head, _, login = shown.partition(":")
    if HIDDEN in shown or "@" not in login:
        return repr(shown)
    return repr(f"{head}:{HIDDEN}@{login.rpartition('@')[2]}")


def _under(data: Path, folder: str) -> Path | None:
    return data / expand(Path(folder)) if folder else None


def _refusal(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    """Turn pydantic's first complaint into one of ours; a secret's value is not repeated."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"][:2] if isinstance(part, str))
    what = mask_text(describe_fault(first).replace(repr(first["input"]), _safe(first["input"])))
    value = "" if key in MAY_HOLD_PASSWORD else f" cannot be {_safe(first['input'])}"
    return SettingsError(
        f"{key}{value} (in {origins.get(key, 'the defaults')}): {what[:1].lower()}{what[1:]}",
        hint="run larkpost config show to list all settings; docs/settings.md explains them",
    )


def _remarks(config: Path, in_file: Mapping[str, object], secrets: Iterable[Path]) -> Iterator[str]:
    url = str(in_file.get("database.url", ""))
    if (in_file.get("smtp.password") or secrets_of_url(url)) and _open_to_others(config):
        yield _advice(config)
    for folder in secrets:
        for file in sorted(folder.iterdir()):
            if file.name.lower() in ("smtp__password", "database__url") and _open_to_others(file):
                yield _advice(file)


def _advice(path: Path) -> str:
    return f"others on this machine can read the password in {path}: chmod 600 it"


def _open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
