"""The settings: names, defaults, valid values, and the paths of the home."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from larkpost.masking import secrets_of_url
from larkpost.settings.addresses import (
    read_base_url,
    read_digest_senders,
    read_listening_host,
    read_mailbox,
    read_sender,
    read_server,
    read_taggable_mailbox,
)
from larkpost.settings.paper_search_links import FIND_LINKS, FindLinks
from larkpost.settings.polled_sources import NO_SOURCES, SourceEntries
from larkpost.text.time_zones import zone_names

# White space is matched only at the start of a run, because a long run would take quadratic time.
_RANGE_SIGN = re.compile(r"(?:(?<!\s)\s+)?(?:-|\u2010|\u2011|\u2012|\u2013|\u2014|\.\.)\s*")
DAY_GROUPS = {
    "daily": range(7),
    "everyday": range(7),
    "weekday": range(5),
    "weekdays": range(5),
    "weekend": range(5, 7),
    "weekends": range(5, 7),
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_days(value: object) -> frozenset[int]:
    """Read weekdays: ``mon,tue``, ``mon-fri``, ``daily``, a list of these, or numbers (Monday = 0).

    A range may cross the end of the week (``fri-mon``). Raises ValueError, which names the word
    that is no weekday.
    """
    if isinstance(value, str):
        words: Iterable[object] = _RANGE_SIGN.sub("-", value).replace(",", " ").split()
    elif isinstance(value, Iterable):
        words = value
    else:
        raise ValueError(f"{value!r} is not a list of weekdays such as mon,tue,wed")  # noqa: TRY004 - pydantic reports ValueError, not TypeError
    days = frozenset(day for word in words for day in _weekdays(word))
    if not days:
        raise ValueError("at least one weekday is needed, such as mon")
    return days


def _weekdays(word: object) -> Iterable[int]:
    """Read a weekday, a range of them, or a word for several."""
    name = _RANGE_SIGN.sub("-", str(word).strip()).lower()
    if name in DAY_GROUPS:
        return DAY_GROUPS[name]
    first, dash, last = name.partition("-")
    if not dash or not first:  # -1 is no range
        return (_weekday(word),)
    try:
        begin, end = _weekday(first), _weekday(last)
    except ValueError:
        raise ValueError(f"{str(word)!r} is not a range of weekdays such as mon-fri") from None
    return [day % 7 for day in range(begin, end + 1 if begin <= end else end + 8)]


def _weekday(word: object) -> int:
    if isinstance(word, int) and 0 <= word <= 6:
        return int(word)
    name = str(word).strip().lower()
    # Three letters are enough; a longer word must still be the beginning of a weekday.
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for number, day in enumerate(full):
        if len(name) >= 3 and day.startswith(name):
            return number
    raise ValueError(f"{str(word)!r} is not a weekday; the names are {', '.join(WEEKDAYS)}")


def read_networks(value: object) -> tuple[str, ...]:
    """Read ``127.0.0.1, 10.0.0.0/8`` or a list of these; raises ValueError for anything else."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, Iterable):
        raise ValueError(f"{value!r} is not a list of addresses")  # noqa: TRY004 - pydantic wants it
    return tuple(_network(str(part).strip()) for part in parts if str(part).strip())


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an address or network such as 10.0.0.0/8") from None


def day_names(days: Iterable[int]) -> list[str]:
    """Return ``["mon", "wed"]`` for ``{0, 2}``."""
    return [WEEKDAYS[day] for day in sorted(days)]


def _zone(name: str) -> str:
    # The default needs no disk access: most commands read the settings but use no zone.
    if name != "UTC" and name not in zone_names():
        raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin")
    return name


def _clock(value: time) -> time:
    if value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError("a local time has hours and minutes only, such as 06:00")
    return value


def _mode(value: object) -> int:
    """Read permissions in the form of chmod: ``"660"``."""
    text = f"{value:o}" if isinstance(value, int) else str(value)
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise ValueError(f'{value!r} are not permissions such as "660"')
    return int(text, 8)


Mode = Annotated[
    int,
    BeforeValidator(_mode),
    PlainSerializer(lambda value: f"{value:03o}", return_type=str),
]
Days = Annotated[
    frozenset[int], BeforeValidator(read_days), PlainSerializer(day_names, return_type=list[str])
]
Networks = Annotated[tuple[str, ...], BeforeValidator(read_networks)]
Senders = Annotated[tuple[str, ...], BeforeValidator(read_digest_senders)]
ClockTime = Annotated[
    time,
    AfterValidator(_clock),
    PlainSerializer(lambda value: value.strftime("%H:%M"), return_type=str),
]


class SettingsSection(BaseModel):
    """A table of the settings file; it is immutable and allows no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class DatabaseSettings(SettingsSection):
    """The database."""

    url: str = ""


class SiteSettings(SettingsSection):
    """The site as visitors see it."""

    base_url: Annotated[str, AfterValidator(read_base_url)] = "http://127.0.0.1:8025"
    title: Annotated[str, Field(min_length=1, max_length=100)] = "Larkpost"
    find_links: FindLinks = FIND_LINKS


class MailSettings(SettingsSection):
    """How messages are sent."""

    transport: Literal["maildir", "smtp"] = "maildir"
    sender: Annotated[str, AfterValidator(read_sender)] = "Larkpost <larkpost@localhost>"
    maildir: str = ""
    admin_address: Annotated[str, AfterValidator(read_mailbox)] = ""
    domain_hourly_limit: Annotated[int, Field(ge=1, le=100_000)] = 60


class InboundSettings(SettingsSection):
    """Return addresses, and senders of digests."""

    address: Annotated[str, AfterValidator(read_taggable_mailbox)] = ""
    folder: str = ""
    digest_senders: Senders = ()
    digest_maildir: str = ""
    digest_authserv_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")] = ""


class DkimSettings(SettingsSection):
    """DKIM signing, if the mail server does not sign."""

    selector: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")] = ""
    key: str = ""


class SmtpSettings(SettingsSection):
    """The mail server."""

    host: Annotated[str, Field(min_length=1), AfterValidator(read_server)] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0
    per_connection: Annotated[int, Field(ge=1)] = 100
    per_second: Annotated[float, Field(ge=0)] = 0.0


class Inbox(SettingsSection):
    """The folder for dumps."""

    folder: str = ""
    stable_seconds: Annotated[float, Field(ge=0, le=86_400)] = 5.0


class FetchSettings(SettingsSection):
    """How sources are polled."""

    hugging_face: Annotated[str, AfterValidator(read_base_url)] = "https://huggingface.co"
    arxiv: Annotated[str, AfterValidator(read_base_url)] = "https://rss.arxiv.org"
    arxiv_api: Annotated[str, AfterValidator(read_base_url)] = "https://export.arxiv.org"
    timeout: Annotated[float, Field(gt=0, le=600)] = 60.0
    max_megabytes: Annotated[int, Field(ge=1, le=512)] = 32
    keep_days: Annotated[int, Field(ge=1, le=3660)] = 30


class RankingSettings(SettingsSection):
    """The ranking."""

    window_days: Annotated[int, Field(ge=1, le=3660)] = 7
    half_life_days: Annotated[float, Field(ge=0, le=36_600)] = 0.0
    mode: Literal["accurate", "fast"] = "accurate"
    exploration: Annotated[float, Field(ge=0, le=1)] = 0.25


class ReaderSettings(SettingsSection):
    """The defaults of new readers."""

    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    send_time: ClockTime = time(6, 0)
    days: Days = frozenset(range(7))
    papers_per_edition: Annotated[int, Field(ge=1, le=100)] = 10


class WebSettings(SettingsSection):
    """Where the web server listens."""

    host: Annotated[str, Field(min_length=1), AfterValidator(read_listening_host)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8025
    socket_mode: Mode = 0o660
    trusted_proxies: Networks = ()
    admin_link_version: Annotated[int, Field(ge=0, le=10**9)] = 0
    thumb_count_step: Annotated[int, Field(ge=1, le=1000)] = 5


class QuotaSettings(SettingsSection):
    """Quotas of strangers and readers, and when unused readers are removed."""

    papers: Annotated[int, Field(ge=1, le=10**6)] = 5000
    megabytes: Annotated[int, Field(ge=1, le=10**6)] = 64
    votes: Annotated[int, Field(ge=1, le=10**7)] = 20_000
    network_megabytes: Annotated[int, Field(ge=1, le=10**6)] = 128
    network_readers: Annotated[int, Field(ge=1, le=10**6)] = 50
    all_papers: Annotated[int, Field(ge=1, le=10**8)] = 200_000
    all_readers: Annotated[int, Field(ge=1, le=10**8)] = 10_000
    expire_days: Annotated[int, Field(ge=0, le=36_600)] = 90
    expire_unused_days: Annotated[int, Field(ge=0, le=36_600)] = 7


class SchedulerSettings(SettingsSection):
    """How often ``larkpost serve`` looks for work."""

    interval_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0


class Log(SettingsSection):
    """The log on standard error: level and format."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


@dataclass(frozen=True, slots=True)
class HomePaths:
    """The paths of the home: one folder with ``--home``, the XDG folders without it."""

    config: Path
    data: Path
    inbox: Path
    done: Path
    bad: Path
    maildir: Path
    secret: Path
    secrets: Path


class Settings(BaseSettings):
    """Every setting; made by ``load``, which knows the origins of the values."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, enable_decoding=False
    )

    sources: SourceEntries = NO_SOURCES
    database: DatabaseSettings = DatabaseSettings()
    site: SiteSettings = SiteSettings()
    mail: MailSettings = MailSettings()
    inbound: InboundSettings = InboundSettings()
    dkim: DkimSettings = DkimSettings()
    smtp: SmtpSettings = SmtpSettings()
    inbox: Inbox = Inbox()
    fetch: FetchSettings = FetchSettings()
    ranking: RankingSettings = RankingSettings()
    readers: ReaderSettings = ReaderSettings()
    web: WebSettings = WebSettings()
    quotas: QuotaSettings = QuotaSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    log: Log = Log()

    _places: HomePaths
    _origins: dict[str, str] = {}
    _remarks: tuple[str, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Disable pydantic's own sources: ``load`` passes in the values and their origins."""
        return (init_settings,)

    @property
    def places(self) -> HomePaths:
        """The paths of the home."""
        return self._places

    @property
    def origins(self) -> Mapping[str, str]:
        """The source of each value that is not a default, by dotted key."""
        return self._origins

    @property
    def passwords(self) -> tuple[str, ...]:
        """Every secret of the settings, in all forms in which a server may repeat it."""
        password = self.smtp.password.get_secret_value()
        login = f"\0{self.smtp.username}\0{password}"  # as in SASL PLAIN (RFC 4616)
        return tuple(filter(None, (password, password and login))) + secrets_of_url(
            self.database.url
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """Warnings, as sentences: for example a password that others can read."""
        return self._remarks


def keys() -> dict[str, object]:
    """Every dotted key and its default in TOML syntax, in order."""
    defaults = Settings.model_construct().model_dump(mode="json")
    return dict(flat(defaults))


def flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    """Yield values by dotted key; an empty section is included, so that its name can be checked."""
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{key}.")
        elif not (isinstance(value, Mapping) and f"{before}{key}" in Settings.model_fields):
            yield f"{before}{key}", value
