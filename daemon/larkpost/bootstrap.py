"""Builds a Program: all components, made from the settings alone."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from larkpost import logs, tokens
from larkpost.db import migrations, papers, readers
from larkpost.db.engine import Store
from larkpost.errors import SettingsError
from larkpost.inbound.return_address import ReturnAddresses
from larkpost.interfaces import DumpFormat, Renderer, Transport
from larkpost.log_events import LogEvent
from larkpost.safe_files import make_folder
from larkpost.settings import HomePaths, Settings, expand
from larkpost.urls import UrlBuilder

if TYPE_CHECKING:
    from larkpost.db.usage.last_use import ExpiryRule
    from larkpost.editions.model_cache import ModelCache
    from larkpost.editions.publish import PublishContext
    from larkpost.fetch.configured import ConfiguredSources
    from larkpost.fetch.poll import PollContext
    from larkpost.inbound.digest_mail import DigestMail
    from larkpost.portability.pack_export import PackExport
    from larkpost.ranking import TfidfRanker
    from larkpost.readers.compute_profile import ComputeProfile
    from larkpost.readers.expiry import LastUses
    from larkpost.readers.references_apart import ReadReferences
    from larkpost.render import EditionRenderer
    from larkpost.scheduler.tick import TickContext
    from larkpost.transports.dkim import DkimSignature


log = logs.get_logger(__name__)

# Errors of a folder in which nothing can be created at all.
_NOT_OURS = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.ELOOP,
     errno.ENAMETOOLONG, errno.ENOENT}
)  # fmt: skip

MERGES_READERS = "0010"  # the migration that merges readers

# Settings that take effect at the next start only.
AT_START = {
    "database": ("url",),
    "web": ("host", "port", "socket_mode"),
    "scheduler": ("interval_seconds",),
}


class Program:
    """All components, built on first use: a vote loads no scikit-learn.

    Raises SettingsError if a component cannot be built from the settings.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stopping = threading.Event()  # set when the daemon should end
        self.fits_apart = False  # whether models, profiles, lists, exports get their own processes

    def with_settings(self, settings: Settings) -> Program:
        """Build a program with other settings on the same database; it ends together with this one.

        Settings that only a start can change stay, with a warning. Raises SettingsError if a
        component cannot be built: those that can fail are built at once.
        """
        fresh = Program(_as_at_start(settings, self.settings))
        fresh.stopping = self.stopping
        fresh.store, fresh.uses = self.store, self.uses
        fresh.fits_apart = self.fits_apart
        _ = fresh.renderer, fresh.mailboxes, fresh.signature
        return fresh

    @property
    def places(self) -> HomePaths:
        """The paths of the home."""
        return self.settings.places

    @property
    def holder(self) -> str:
        """The name of this process as a holder of leases."""
        return f"{logs.escape(socket.gethostname())}:{os.getpid()}"

    @property
    def window(self) -> timedelta:
        """The time before an edition within which papers are candidates."""
        return timedelta(days=self.settings.ranking.window_days)

    def prepare(self, *, new_key: bool = False) -> None:
        """Create missing folders, database and key; migrate the database.

        Raises SettingsError if the key is damaged, or missing although there are readers or papers,
        unless a ``new_key`` is wanted; then a damaged key is moved aside.
        """
        for folder in (self.places.data, self.places.inbox):
            _make_folder(folder)
        if MERGES_READERS in migrations.upgrade(self.store):
            self._tell_merges()
        secret = self.places.secret
        if new_key:
            if place := tokens.move_damaged_key(secret, datetime.now(UTC)):
                log.warning(LogEvent.KEY_MOVED, place=str(place))
        elif not secret.exists() and self._holds_data():
            raise tokens.missing_key(secret, self.store.name)
        tokens.make_key(secret)
        _ = self.tokens  # read now, because every link needs it

    def _holds_data(self) -> bool:
        with self.store.read() as connection:
            return bool(readers.newest(connection, limit=1) or papers.count(connection))

    def _tell_merges(self) -> None:
        with self.store.read() as connection:
            for former, reader in readers.merges(connection):
                log.warning(
                    LogEvent.READER_MERGED,
                    former_address=former.address,
                    reader=reader.address,
                    status=str(reader.status),
                )

    @cached_property
    def store(self) -> Store:
        """The database."""
        return Store(self.settings.database.url)

    @cached_property
    def uses(self) -> LastUses:
        """The readers whose page or feed was used recently, until a tick records them."""
        from larkpost.readers.expiry import LastUses

        return LastUses()

    @property
    def span(self) -> ExpiryRule:
        """The time without use after which a reader without mail is removed."""
        from larkpost.db.usage.last_use import ExpiryRule

        return ExpiryRule(self.settings.quotas.expire_days, self.settings.quotas.expire_unused_days)

    @cached_property
    def ranker(self) -> TfidfRanker:
        """The ranker, which trains and ranks."""
        from larkpost.ranking import TfidfRanker

        wanted = self.settings.ranking
        return TfidfRanker(half_life_days=wanted.half_life_days, accurate=wanted.mode == "accurate")

    @cached_property
    def spaces(self) -> ModelCache:
        """The cached model, which the tick fits and page views share."""
        from larkpost.editions.fit_model import FitApart
        from larkpost.editions.model_cache import ModelCache

        if not self.fits_apart:
            return ModelCache()
        return ModelCache(FitApart(self.stopping.is_set))

    @property
    def compute_profile(self) -> ComputeProfile:
        """The function that computes taste profiles: in a separate process if this uses those."""
        from larkpost.readers.compute_profile import ComputeProfileApart, compute_here

        return ComputeProfileApart(self.stopping.is_set) if self.fits_apart else compute_here

    def reference_reader(self, is_gone: Callable[[], bool]) -> ReadReferences:
        """Return the function that reads a list of references; a long one in a process."""
        from larkpost.formats.references import read_references
        from larkpost.readers.references_apart import ReadReferencesApart

        apart = ReadReferencesApart(lambda: self.stopping.is_set() or is_gone())
        return apart if self.fits_apart else read_references

    def export_packer(self, is_gone: Callable[[], bool]) -> PackExport:
        """Return the function that packs a reader's data; much of it in a process."""
        from larkpost.portability.pack_export import PackExportApart, pack_here

        apart = PackExportApart(lambda: self.stopping.is_set() or is_gone())
        return apart if self.fits_apart else pack_here

    @cached_property
    def dump_formats(self) -> Sequence[DumpFormat]:
        """The dump formats, the most specific first."""
        from larkpost.formats.registry import DUMP_FORMATS

        return DUMP_FORMATS

    @cached_property
    def tokens(self) -> tokens.Tokens:
        """The signer of links."""
        return tokens.Tokens(tokens.read_keys(self.places.secret))

    @cached_property
    def links(self) -> UrlBuilder:
        """The builder of all URLs."""
        return UrlBuilder(self.settings.site.base_url, self.tokens)

    @cached_property
    def renderer(self) -> EditionRenderer:
        """The renderer of editions."""
        from larkpost.render import EditionRenderer

        site = self.settings.site
        return EditionRenderer(
            self.links,
            sender=self.settings.mail.sender,
            title=site.title,
            find_links=site.find_links,
            mailboxes=self.mailboxes,
        )

    @cached_property
    def mailboxes(self) -> ReturnAddresses | None:
        """The maker and parser of return addresses, if an address is set."""
        address = self.settings.inbound.address
        return ReturnAddresses(address, self.tokens) if address else None

    @property
    def replyable_renderer(self) -> Renderer:
        """The renderer of messages, with return addresses."""
        from larkpost.inbound.reply_addresses import ReplyableRenderer

        return ReplyableRenderer(self.renderer, self.mailboxes) if self.mailboxes else self.renderer

    @property
    def inbound_folder(self) -> Path:
        """The Maildir of inbound mail."""
        return self.places.data / expand(Path(self.settings.inbound.folder or "inbound"))

    @property
    def digests(self) -> DigestMail | None:
        """The senders whose mails are read for papers, if any are named."""
        from larkpost.inbound.digest_mail import DigestMail
        from larkpost.inbound.digest_senders import DigestSenders

        inbound = self.settings.inbound
        if not inbound.digest_senders:
            return None
        senders = DigestSenders(inbound.digest_senders, inbound.digest_authserv_id)
        folder = inbound.digest_maildir
        return DigestMail(senders, self.places.data / expand(Path(folder)) if folder else None)

    @property
    def publish_context(self) -> PublishContext:
        """The dependencies of publishing."""
        from larkpost.editions.publish import PublishContext

        domain = parseaddr(self.settings.mail.sender)[1].rpartition("@")[2]
        exploration = self.settings.ranking.exploration
        fewest = self.settings.web.thumb_count_step
        return PublishContext(
            self.store, self.ranker, self.window, domain, exploration, fewest, self.spaces
        )

    def read_sources(self) -> ConfiguredSources:
        """Read the sources of the settings, with the feeds of their OPML files."""
        from larkpost.fetch.configured import read_configured

        return read_configured(self.settings.sources, self.places.data)

    @property
    def poll_context(self) -> PollContext:
        """The dependencies of polling."""
        from importlib.metadata import version

        from larkpost.fetch.host_limits import HostLimits
        from larkpost.fetch.http_client import FetchLimits, HttpClient
        from larkpost.fetch.page_request import BaseUrls
        from larkpost.fetch.poll import PollContext

        wanted = self.settings.fetch
        limits = FetchLimits(total=wanted.timeout, size=wanted.max_megabytes * 1_000_000)
        return PollContext(
            store=self.store,
            dump_formats=self.dump_formats,
            configured=self.read_sources,
            client=HttpClient(
                f"Larkpost/{version('larkpost')}",
                limits,
                HostLimits(self.store, stopped=self.stopping.is_set),
            ),
            bases=BaseUrls(wanted.hugging_face, wanted.arxiv, wanted.arxiv_api),
            keep=timedelta(days=wanted.keep_days),
            stopped=self.stopping.is_set,
        )

    @property
    def tick_context(self) -> TickContext:
        """The dependencies of the tick."""
        from larkpost.scheduler.tick import TickContext

        mail = self.settings.mail
        return TickContext(
            publish_context=self.publish_context,
            renderer=self.replyable_renderer,
            open_transport=self.open_transport,
            dump_formats=self.dump_formats,
            places=self.places,
            stable_seconds=self.settings.inbox.stable_seconds,
            holder=self.holder,
            stopped=self.stopping.is_set,
            spaces=self.spaces,
            mailboxes=self.mailboxes,
            inbound_folder=self.inbound_folder,
            digests=self.digests,
            operator=mail.admin_address,
            polling=self.poll_context,
            per_domain=mail.domain_hourly_limit,
            uses=self.uses,
            span=self.span,
        )

    @contextmanager
    def open_transport(self) -> Iterator[Transport]:
        """Open the transport of messages: a Maildir, or a connection to the mail server."""
        from larkpost.transports.dkim import DkimTransport
        from larkpost.transports.sent_log import SentLog, SkipAlreadySent

        signature = self.signature
        sent = SentLog(self.places.data / "sent", datetime.now(UTC).date())
        with self.open_plain_transport() as transport, sent:
            yield SkipAlreadySent(
                DkimTransport(transport, signature) if signature else transport, sent
            )

    @cached_property
    def signature(self) -> DkimSignature | None:
        """The DKIM key, if a selector is set; raises SettingsError."""
        from larkpost.transports.dkim import signature_of

        dkim = self.settings.dkim
        key = self.places.data / expand(Path(dkim.key or "dkim.pem"))
        return signature_of(dkim.selector, key, self.settings.mail.sender)

    def open_plain_transport(self) -> AbstractContextManager[Transport]:
        """Open the transport without signing and without the log of sent messages, for a check."""
        if self.settings.mail.transport == "maildir":
            from larkpost.transports.maildir import Maildir

            return Maildir(self.places.maildir)
        from larkpost.transports.smtp import Relay

        return Relay(self.settings.smtp, stopped=self.stopping.is_set)


def _make_folder(folder: Path) -> None:
    """Make a folder if it is missing; raises SettingsError if that fails."""
    try:
        make_folder(folder)
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise
        raise SettingsError(
            f"the folder {folder} cannot be created: {error.strerror}",
            hint="choose another with --home DIR or LARKPOST_HOME, or check its permissions",
        ) from error


def _as_at_start(settings: Settings, before: Settings) -> Settings:
    """Restore settings that only apply at the start: the database, the web server's address."""
    kept: dict[str, Any] = {}
    for section, names in AT_START.items():
        old, new = getattr(before, section), getattr(settings, section)
        stay = {name: getattr(old, name) for name in names}
        changed = [name for name, value in stay.items() if getattr(new, name) != value]
        kept[section] = new.model_copy(update=stay)
        for name in changed:
            log.warning(LogEvent.SETTING_DEFERRED, setting=f"{section}.{name}")
    if "site.base_url" not in settings.origins:  # then it is derived from the web server's address
        kept["site"] = settings.site.model_copy(update={"base_url": before.site.base_url})
    return settings.model_copy(update=kept)


def build(settings: Settings) -> Program:
    """Build a program; nothing is opened yet."""
    return Program(settings)
