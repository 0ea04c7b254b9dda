"""Reads one dump into the store: whole or not at all, and the same bytes only once."""

from __future__ import annotations

from array import array
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - ``date`` is the name of an argument
from typing import TYPE_CHECKING, BinaryIO

from larkpost import logs
from larkpost.db import papers, read_dumps
from larkpost.db.coordination import job_status
from larkpost.db.papers import MatchOutcome
from larkpost.domain import DumpDate, IngestWarning, PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump, UsageError
from larkpost.formats.dates import GRACE
from larkpost.formats.reference_list import ReferenceList
from larkpost.ingest.capture_day import CaptureHint, capture_hint
from larkpost.ingest.file_reader import copy_of, copy_of_stream, lines_of
from larkpost.log_events import LogEvent
from larkpost.text.normalize import one_line
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from larkpost.db.engine import Connection, Store
    from larkpost.ingest.archives import DumpMember
    from larkpost.ingest.file_reader import DumpCopy
    from larkpost.interfaces import DumpFormat

    Progress = Callable[[int, int], None]

log = logs.get_logger(__name__)

# A dump of up to this many papers and characters is one transaction. A larger one takes several,
# so that readers can vote meanwhile and memory does not grow with the dump; cut off between two of
# them, it is simply read again.
BATCH = 5_000
BATCH_CHARACTERS = 4_000_000
_MOST_REJECTS = 1_000
_LONGEST_REJECT = 2_000  # characters
_MOST_REJECTED = 1_000_000  # characters of all rejected records together
_LONGEST_REASON = 500
_LONGEST_FORMAT = 40  # characters, as the store has room
_MOST_REMARKS = 50
_STEP = 50


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of a dump.

    ``papers`` counts the records that were taken: ``new``, ``updated`` or already ``known``.
    ``already`` is when these very bytes were read before; then nothing was done. ``captured`` is
    the day on which the dump was taken. ``rejects`` are the first thousand of the ``rejected``
    records; ``warnings`` tell in words what was odd. ``cut``: the file ends within a record, which
    was rejected.
    """

    name: str
    digest: str
    format: str
    captured: Date | None
    papers: int
    new: int
    updated: int
    known: int
    rejected: int
    already: datetime | None
    dump_id: int
    rejects: tuple[RejectedRecord, ...] = ()
    warnings: tuple[str, ...] = ()
    cut: bool = False


def ingest(
    store: Store,
    dump_formats: Sequence[DumpFormat],
    path: Path | None,
    *,
    stream: BinaryIO | None = None,
    name: str = "standard input",
    date: Date | None = None,
    dump_format: str | None = None,
    now: datetime,
    progress: Progress | None = None,
    follow: bool = True,
    as_papers: bool = False,
) -> IngestReport:
    """Read the dump at ``path``, or else what comes in on ``stream``, which ``name`` names.

    ``date`` is the day on which it was taken, for a dump that does not say or leaves out the
    year; ``dump_format`` names its format. ``progress`` is called with the bytes read and their
    number. With ``follow``, a symbolic link to a file will do, and so will a hard link where others
    may put files. ``as_papers``: a list of references is read, too, and its papers become
    candidates.

    Raises UnreadableDump when nothing in it can be taken or it must not be opened, UsageError
    for a file or a format that there is not, TryAgainLater while somebody writes to the file.
    """
    name = one_line(path.name if path is not None else name)
    try:
        with ExitStack() as stack:
            if path is not None:
                copy = stack.enter_context(
                    copy_of(path, follow=follow, linked=follow, as_papers=as_papers)
                )
            elif stream is not None:
                copy = stack.enter_context(copy_of_stream(stream, name, as_papers=as_papers))
            else:
                raise UsageError("there is nothing to read", hint="give a file, or - for a pipe")
            if as_papers:
                dump_formats = (ReferenceList(), *dump_formats)
            report = _ingest_copy(store, dump_formats, copy, dump_format, date, now, progress)
    except UnreadableDump as error:
        facts = {"name": name, "problem": str(error), "hint": error.hint}
        with store.begin() as connection:
            job_status.record(connection, "ingest", ok=False, now=now, **facts)
        raise
    return _record_result(store, report, now)


def was_read(store: Store, path: Path) -> bool:
    """Say whether the bytes at ``path`` were read before; raises what ``ingest`` does."""
    with copy_of(path, follow=False) as copy, store.read() as connection:
        return read_dumps.by_digest(connection, copy.digest) is not None


def _ingest_copy(
    store: Store,
    dump_formats: Sequence[DumpFormat],
    copy: DumpCopy,
    dump_format: str | None,
    date: Date | None,
    now: datetime,
    progress: Progress | None,
) -> IngestReport:
    named = find_format(dump_formats, dump_format) if dump_format is not None else None
    with store.read() as connection:
        if before := read_dumps.by_digest(connection, copy.digest):
            return _again(connection, before, copy.name)
    try:
        return _DumpIngest(store, copy, dump_formats, named, date, now, progress).run()
    except UnreadableDump as error:
        lines = "" if copy.is_zip else f" (0 records in {quantity(lines_of(copy), 'line')})"
        raise UnreadableDump(f"{copy.name}: {error}{lines}", hint=error.hint) from error


def _record_result(store: Store, report: IngestReport, now: datetime) -> IngestReport:
    """Write down what happened, for those who ask why a morning is quiet, and log it.

    What was odd is for the caller to tell, who has the report.
    """
    already = report.already.date().isoformat() if report.already else None
    facts = {"name": report.name, "papers": report.papers, "new": report.new, "already": already}
    with store.begin() as connection:
        job_status.record(connection, "ingest", ok=True, now=now, **facts)
    log.info(LogEvent.DUMP_INGESTED, format=report.format, rejected=report.rejected, **facts)
    return report


def _again(connection: Connection, dump: read_dumps.Dump, name: str) -> IngestReport:
    return IngestReport(
        name=name,
        digest=dump.digest,
        format=dump.format,
        captured=dump.captured,
        papers=dump.papers,
        new=0,
        updated=0,
        known=dump.papers,
        rejected=dump.rejected,
        already=dump.read_at,
        dump_id=dump.id,
        rejects=tuple(read_dumps.rejects(connection, dump.id)),
    )


def find_format(dump_formats: Sequence[DumpFormat], wanted: str) -> DumpFormat:
    """Find a format by its name; raises UsageError where there is none of that name."""
    found = next((one for one in dump_formats if one.name == wanted), None)
    if found is None:
        raise UsageError(f"there is no format {one_line(wanted)}", hint=_formats(dump_formats))
    return found


def recognise(dump_formats: Sequence[DumpFormat], member: DumpMember) -> DumpFormat:
    """Find the format of a dump; raises UnreadableDump where it is none of these."""
    for one in dump_formats:
        if one.recognises(member.head, member.file_name):
            return one
    raise UnreadableDump(
        "nothing in it is recognised as a dump",
        hint=f"{_formats(dump_formats)}; docs/formats.md shows what they look like",
    )


def _formats(dump_formats: Sequence[DumpFormat]) -> str:
    return f"the formats are: {', '.join(one.name for one in dump_formats)}"


def _characters(draft: PaperRecord) -> int:
    texts = (draft.title, draft.abstract, draft.url, draft.uid, draft.organisation)
    facts = (draft.comment, draft.journal_ref, draft.thumbnail, *draft.keywords)
    many = (*draft.authors, *draft.categories, *draft.links, *map(str, draft.identifiers))
    return sum(len(text) for text in (*texts, *facts, *many) if text)


class _DumpIngest:
    """One dump on its way into the store."""

    def __init__(
        self,
        store: Store,
        copy: DumpCopy,
        dump_formats: Sequence[DumpFormat],
        named: DumpFormat | None,
        date: Date | None,
        now: datetime,
        progress: Progress | None,
    ) -> None:
        self.store = store
        self.copy = copy
        self.dump_formats = dump_formats
        self.named = named
        self.formats: dict[str, None] = {}  # names of those that were read
        self.format_name = ""  # of what is read
        self.date = date
        self.near = CaptureHint(now.date(), "today")
        self.member = ""  # the name of what is read, of an archive
        self.now = now
        self.progress = progress or (lambda _done, _total: None)
        self.captured: Date | None = None
        self.undated = False  # whether a paper got its day from elsewhere than the dump
        self.counts: Counter[str] = Counter()
        self.paper_ids = array("q")
        self.rejects: list[RejectedRecord] = []
        self.rejected = 0  # characters of their texts
        self.remarks: list[str] = []

    def run(self) -> IngestReport:
        """Read it all; the last transaction also writes down that the dump was read."""
        drafts: list[PaperRecord] = []
        size, form = 0, ""
        for draft in self._drafts():
            if drafts and form != self.format_name:  # the next file of an archive
                with self.store.begin() as connection:
                    self._absorb(connection, drafts, form)
                drafts, size = [], 0
            drafts.append(draft)
            size, form = size + _characters(draft), self.format_name
            if len(drafts) == BATCH or size >= BATCH_CHARACTERS:
                with self.store.begin() as connection:
                    self._absorb(connection, drafts, form)
                drafts, size = [], 0
        with self.store.begin() as connection:
            papers.take_turns(connection)
            if twin := read_dumps.by_digest(connection, self.copy.digest):
                return _again(connection, twin, self.copy.name)
            self._absorb(connection, drafts, form)
            dump_id = self._record(connection)
        self.progress(self.copy.size, self.copy.size)
        return self._report(dump_id)

    def _drafts(self) -> Iterator[PaperRecord]:
        """Yield the drafts of the dump, or of all in the archive; what is refused there is told."""
        for member in self.copy.members():
            if isinstance(member, RejectedRecord):
                self._reject(member)
                continue
            self.member = member.name
            try:
                yield from self._drafts_of(member)
            except UnreadableDump as error:
                if not member.name:
                    raise
                self._reject(RejectedRecord(0, str(error)))
            self.member = ""
        if self.copy.is_zip and not self.formats:
            raise UnreadableDump(
                f"nothing in it is a dump; the first file: {self.rejects[0].reason}"
            )

    def _drafts_of(self, member: DumpMember) -> Iterator[PaperRecord]:
        """Yield the drafts with the day of capture; keep what else the file tells."""
        dump_format = self.named or recognise(self.dump_formats, member)
        self.format_name = dump_format.name
        self.near = capture_hint(member, self.date, self.now)
        captured: Date | None = None
        moment = self._moment(self.near.day)
        bound = min(self.near.day, self.now.date())
        for count, record in enumerate(dump_format.read(member.body, bound)):
            if count % _STEP == 0:
                self.progress(self.copy.body.tell(), self.copy.size)
            match record:
                case PaperRecord() if record.private:  # of an export: it was never for everybody
                    self._remark(record.line, "a reader brought this paper privately; left out")
                case PaperRecord() if record.first_seen:
                    yield record
                case PaperRecord():
                    self.undated |= captured is None
                    yield replace(record, first_seen=moment)
                case DumpDate():
                    moment = self._moment(record.day)
                    captured = moment.date()
                    self.captured = max(captured, self.captured or captured)
                case RejectedRecord():
                    self._reject(record)
                case IngestWarning():
                    self._remark(record.line, record.text)
        self.formats[dump_format.name] = None

    def _moment(self, day: Date) -> datetime:
        """Say when a dump of that day was taken: at its first moment, or now if it is today."""
        if day > self.now.date() + GRACE:
            self._remark(0, f"its date, {day}, is yet to come; taken for today's")
        if day >= self.now.date():
            return self.now
        return datetime.combine(day, time.min, tzinfo=UTC)

    def _reject(self, record: RejectedRecord) -> None:
        if self.member:
            record = replace(record, reason=f"{self.member}: {record.reason}")
        self.counts["rejected"] += 1
        self.counts["cut"] += record.cut
        if len(self.rejects) < _MOST_REJECTS:
            room = min(_LONGEST_REJECT, _MOST_REJECTED - self.rejected)
            text, reason = record.text[:room], record.reason[:_LONGEST_REASON]
            self.rejected += len(text)
            self.rejects.append(replace(record, text=text, reason=reason))

    def _remark(self, line: int, what: str) -> None:
        if len(self.remarks) < _MOST_REMARKS:
            what = what[:_LONGEST_REASON]
            what = f"line {line}: {what}" if line else what
            self.remarks.append(f"{self.member}: {what}" if self.member else what)

    def _absorb(self, connection: Connection, drafts: Sequence[PaperRecord], form: str) -> None:
        origin = papers.RecordOrigin(form, self.copy.digest)
        for one in papers.absorb(connection, drafts, now=self.now, origin=origin):
            self.counts[one.what] += 1
            self.paper_ids.append(one.paper_id)

    def _record(self, connection: Connection) -> int:
        dump = read_dumps.Dump(
            id=0,
            digest=self.copy.digest,
            name=self.copy.name,
            format=self._format(),
            captured=self._day(),
            read_at=self.now,
            papers=len(self.paper_ids),
            new=self.counts[MatchOutcome.NEW],
            updated=self.counts[MatchOutcome.UPDATED],
            rejected=self.counts["rejected"],
        )
        paper_ids = papers.current_ids(connection, self.paper_ids)
        return read_dumps.record(connection, dump, paper_ids=paper_ids, rejected=self.rejects)

    def _format(self) -> str:
        """Name the format; of an archive, those of the files in it, as far as there is room."""
        names = ", ".join(self.formats)
        return f"zip: {names}"[:_LONGEST_FORMAT] if self.copy.is_zip else names

    def _day(self) -> Date | None:
        """Tell the day of capture: the dump's own, else the one that its papers were given."""
        return min(self.near.day, self.now.date()) if self.undated else self.captured

    def _report(self, dump_id: int) -> IngestReport:
        if self.undated:
            self._remark(0, f"it does not say when it was taken: {self._day()}, {self.near.how}")
        return IngestReport(
            name=self.copy.name,
            digest=self.copy.digest,
            format=self._format(),
            captured=self._day(),
            papers=len(self.paper_ids),
            new=self.counts[MatchOutcome.NEW],
            updated=self.counts[MatchOutcome.UPDATED],
            known=self.counts[MatchOutcome.KNOWN],
            rejected=self.counts["rejected"],
            already=None,
            dump_id=dump_id,
            rejects=tuple(self.rejects),
            warnings=tuple(self.remarks),
            cut=bool(self.counts["cut"]),
        )
