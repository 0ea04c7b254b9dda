"""Adds the data of a metadata file to stored papers; the file may be gigabytes long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from larkpost import logs
from larkpost.db.matching.comparison.duplicate_rules import conflicting
from larkpost.db.matching.enrich_papers import (
    KnownPapers,
    MatchedRecord,
    MatchResult,
    count_without_link,
    read_known,
)
from larkpost.db.matching.enrich_papers import enrich as enrich_papers
from larkpost.db.value_batches import batches
from larkpost.domain import IngestWarning, PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump, UsageError
from larkpost.formats.arxiv_metadata import MetadataRecord, read_metadata
from larkpost.formats.file_types import refuse_what_is_no_metadata
from larkpost.formats.json_items import HeadFirst
from larkpost.ingest.file_reader import open_regular
from larkpost.log_events import LogEvent
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.db.engine import Store

    Progress = Callable[[int, int], None]

log = logs.get_logger(__name__)

BATCH = 200  # records that may match a stored paper; each batch is one transaction
_HEAD = 64 * 1024
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_UNPACK = "unpack it on the way: unzip -p FILE | larkpost enrich - (or zcat, bzcat, xzcat, zstdcat)"
_STEP = 1_000
_MOST_REJECTS = 1_000
_LONGEST_REJECT = 2_000  # characters
_MOST_REMARKS = 50


@dataclass(frozen=True, slots=True)
class EnrichReport:
    """The result for a metadata file.

    ``enriched`` counts the stored papers that gained data, ``complete`` those that had everything
    already. ``unmatched`` counts the records without a stored paper, ``ambiguous`` the records that
    match one by title or abstract alone and are not its only match. ``rejects`` are the first
    thousand of the ``rejected`` records. ``without_link`` counts the papers that still have no
    link, or on a dry run those that would have none.
    """

    name: str
    records: int
    enriched: int
    complete: int
    unmatched: int
    ambiguous: int
    rejected: int
    without_link: int
    dry_run: bool
    rejects: tuple[RejectedRecord, ...] = ()
    warnings: tuple[str, ...] = ()


def enrich(
    store: Store,
    path: Path | None,
    *,
    stream: BinaryIO | None = None,
    now: datetime,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> EnrichReport:
    """Read metadata from ``path``, or else from ``stream``, and add them to stored papers.

    Nothing is written on a ``dry_run``. ``progress`` is called with the bytes read and the total.
    Raises UnreadableDump if the file contains no record, UsageError if there is no file. Data added
    before an error remain, and repeating the call continues with the rest.
    """
    name = one_line(path.name) if path is not None else "standard input"
    with ExitStack() as stack:
        if path is not None:
            stream = stack.enter_context(open_regular(path, follow=True))
        if stream is None:
            raise UsageError("neither a file nor a stream is given")
        head = stream.read(_HEAD)
        _refuse_other_files(head, name)
        report_progress = _reporter(path, stream, progress)
        enriching_file = _EnrichingFile(store, name, now, report_progress, dry_run=dry_run)
        try:
            report = enriching_file.run(cast("BinaryIO", HeadFirst(head, stream)))
        except UnreadableDump as error:
            raise UnreadableDump(f"{name}: {error}", hint=error.hint) from error
    facts = {"name": name, "papers": report.enriched, "records": report.records}
    log.info(LogEvent.PAPERS_ENRICHED, dry_run=dry_run, **facts)
    return report


def _refuse_other_files(head: bytes, name: str) -> None:
    """Raise UnreadableDump with the type of the file, unless it may be metadata."""
    try:
        refuse_what_is_no_metadata(head, name)
    except UnreadableDump as error:
        if not head.startswith(_ARCHIVES):
            raise
        raise UnreadableDump(str(error), hint=_UNPACK) from error


def _reporter(path: Path | None, stream: BinaryIO, progress: Progress | None) -> Callable[[], None]:
    if path is None or progress is None:
        return lambda: None
    size = path.stat().st_size
    return lambda: progress(stream.tell(), size)


@dataclass(slots=True)
class _EnrichingFile:
    """A metadata file being read: memory holds a batch, and one draft per doubtful paper."""

    store: Store
    name: str
    now: datetime
    progress: Callable[[], None]
    dry_run: bool
    counts: Counter[str] = field(default_factory=Counter)
    enriched: set[int] = field(default_factory=set)
    met: set[int] = field(default_factory=set)
    gained_link: set[int] = field(default_factory=set)
    # By paper; None if several claim it.
    unsure: dict[int, PaperRecord | None] = field(default_factory=dict)
    rejects: list[RejectedRecord] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def run(self, stream: BinaryIO) -> EnrichReport:
        """Read the whole file; matches by title or abstract alone are decided at the end."""
        with self.store.read() as connection:
            known = read_known(connection)
        for some in batches(self._drafts(stream, known), BATCH):
            for draft, matched in zip(some, self._enrich(some), strict=True):
                self._note(draft, matched)
        if not self.counts["records"]:
            raise _no_record(self.rejects)
        self._settle_unsure()
        return self._report()

    def _drafts(self, stream: BinaryIO, known: KnownPapers) -> Iterator[PaperRecord]:
        """Yield the records that may match a stored paper, fully parsed; count the others."""
        for count, record in enumerate(read_metadata(stream)):
            if count % _STEP == 0:
                self.progress()
            match record:
                case MetadataRecord():
                    yield from self._possible(record, known)
                case RejectedRecord():
                    self._reject(record)
                case IngestWarning():
                    self._remark(record)

    def _possible(self, record: MetadataRecord, known: KnownPapers) -> Iterator[PaperRecord]:
        if not known.may_hold(record.title, record.abstract, record.names):
            self.counts["records"] += 1
            self.counts["unmatched"] += 1
            return
        draft = record.read()
        if isinstance(draft, RejectedRecord):
            self._reject(draft)
            return
        self.counts["records"] += 1
        yield draft

    def _enrich(
        self, drafts: Sequence[PaperRecord], *, unsure: bool = False
    ) -> list[MatchedRecord]:
        transaction = self.store.read if self.dry_run else self.store.begin
        with transaction() as connection:
            return enrich_papers(
                connection, drafts, now=self.now, unsure=unsure, dry_run=self.dry_run
            )

    def _note(self, draft: PaperRecord, matched: MatchedRecord) -> None:
        if matched.gained_link:
            self.gained_link.add(matched.paper_id)
        match matched.match:
            case MatchResult.NONE:
                self.counts["unmatched"] += 1
            case MatchResult.UNSURE:
                self._postpone(draft, matched.paper_id)
            case MatchResult.ENRICHED:
                self.enriched.add(matched.paper_id)
            case MatchResult.COMPLETE:
                self.met.add(matched.paper_id)

    def _postpone(self, draft: PaperRecord, paper_id: int) -> None:
        """Keep a record until the whole file is read: another one may match the same paper."""
        if paper_id not in self.unsure:
            self.unsure[paper_id] = draft
            return
        other = self.unsure[paper_id]
        if other is not None and _is_same_record(other, draft):
            return
        self.counts["ambiguous"] += 1 if other is None else 2
        self.unsure[paper_id] = None

    def _settle_unsure(self) -> None:
        for some in batches((one for one in self.unsure.values() if one is not None), BATCH):
            for draft, matched in zip(some, self._enrich(some, unsure=True), strict=True):
                self._note(draft, matched)

    def _reject(self, record: RejectedRecord) -> None:
        self.counts["rejected"] += 1
        if len(self.rejects) < _MOST_REJECTS:
            self.rejects.append(replace(record, text=record.text[:_LONGEST_REJECT]))

    def _remark(self, remark: IngestWarning) -> None:
        if len(self.remarks) < _MOST_REMARKS:
            self.remarks.append(
                f"line {remark.line}: {remark.text}" if remark.line else remark.text
            )

    def _report(self) -> EnrichReport:
        with self.store.read() as connection:
            without_link = count_without_link(connection)
        if self.dry_run:
            without_link -= len(self.gained_link)
        return EnrichReport(
            name=self.name,
            records=self.counts["records"],
            enriched=len(self.enriched),
            complete=len(self.met - self.enriched),
            unmatched=self.counts["unmatched"],
            ambiguous=self.counts["ambiguous"],
            rejected=self.counts["rejected"],
            without_link=without_link,
            dry_run=self.dry_run,
            rejects=tuple(self.rejects),
            warnings=tuple(self.remarks),
        )


def _is_same_record(one: PaperRecord, other: PaperRecord) -> bool:
    """Return whether two records describe one paper, as in a file of two snapshots."""
    mine, theirs = set(one.identifiers), set(other.identifiers)
    return not mine.isdisjoint(theirs) and not conflicting(mine, theirs)


def _no_record(rejects: Sequence[RejectedRecord]) -> UnreadableDump:
    hint = "it takes arXiv's metadata as JSON Lines, or answers of the papers API (docs/formats.md)"
    first = f"; the first: line {rejects[0].line}: {rejects[0].reason}" if rejects else ""
    return UnreadableDump(f"there is not a single record in it{first}", hint=hint)
