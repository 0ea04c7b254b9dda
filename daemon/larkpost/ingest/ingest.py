"""Ingests one dump: completely, or again if it was interrupted; the same bytes only once."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from larkpost import logs
from larkpost.db import papers, read_dumps
from larkpost.db.coordination import job_status
from larkpost.db.papers import MatchOutcome
from larkpost.db.usage import source_growth
from larkpost.db.usage.source_growth import Growth
from larkpost.domain import PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump, UsageError
from larkpost.formats.reference_list import ReferenceList
from larkpost.ingest.dump_limits import OF_FILES, DumpLimits, GrowthLimit
from larkpost.ingest.dump_reader import DumpReader, Progress, find_format
from larkpost.ingest.file_reader import DumpCopy, copy_of, copy_of_stream, lines_of
from larkpost.ingest.transaction_limit import TransactionLimit
from larkpost.interfaces import DumpFormat
from larkpost.log_events import LogEvent
from larkpost.text.normalize import one_line
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from datetime import date as Date  # noqa: N812 - ``date`` is the name of an argument

    from larkpost.db.engine import Connection, Store
    from larkpost.db.papers import PaperQuery

log = logs.get_logger(__name__)

# So many papers and characters of a dump are absorbed at a time, so that memory does not grow with
# the dump. A transaction has at most these, and ends earlier at its limit (``transaction_limit``),
# so that readers can vote in between. A dump that is interrupted between two is read again.
BATCH = 1_000
BATCH_CHARACTERS = 4_000_000
SLICE = 250
SLICE_CHARACTERS = 1_000_000
# A character beyond ASCII takes as long as so many others, because it is decomposed and replaced,
# and so does each name, besides its characters.
SLOW_CHARACTER, SLOW_NAME = 5, 20


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The result for a dump.

    ``papers`` counts the ingested records: ``new``, ``updated`` or already ``known``. ``already``
    is when the same bytes were read before; then nothing was done. ``captured`` is the day on which
    the dump was saved. ``rejects`` are the first thousand of the ``rejected`` records; ``warnings``
    are texts. ``cut``: the file ends within a record, which was rejected.
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
    source: str = "",
    date: Date | None = None,
    dump_format: str | None = None,
    now: datetime,
    progress: Progress | None = None,
    follow: bool = True,
    as_papers: bool = False,
    limits: DumpLimits = OF_FILES,
    growth: GrowthLimit | None = None,
) -> IngestReport:
    """Read the dump at ``path``, or else from ``stream``, under the name ``name``.

    ``source`` is the polled source of the dump, if any. ``date`` is its day, for a dump that states
    no day or no year; ``dump_format`` names its format. ``progress`` is called with the bytes read
    and the total. ``follow`` allows a symbolic link to a file, and a hard link in a folder of
    others. ``as_papers``: a list of references is read too, and its papers become candidates.
    ``limits`` are narrow for a dump that anybody may have written, and ``growth`` counts what it
    adds.

    Raises UnreadableDump if nothing in it can be read or it must not be opened, UsageError for a
    missing file or an unknown format, TryAgainLater while somebody writes to the file.
    """
    name = one_line(path.name if path is not None else name)
    if as_papers:
        dump_formats = (ReferenceList(), *dump_formats)
    try:
        with _copy(path, stream, name, limits, follow=follow, as_papers=as_papers) as whole:
            copy = replace(whole, digest=limits.digest_of(whole.digest))
            named = find_format(dump_formats, dump_format) if dump_format is not None else None
            reader = DumpReader(copy, dump_formats, named, date, now, progress, limits)
            report = _DumpIngest(store, copy, reader, now, source, growth).run()
    except UnreadableDump as error:
        facts = {"name": name, "source": source, "problem": str(error), "hint": error.hint}
        with store.begin() as connection:
            job_status.record(connection, "ingest", ok=False, now=now, **facts)
        raise
    return _record_result(store, report, source, now)


def was_read(store: Store, path: Path) -> bool:
    """Return whether the bytes at ``path`` were read before; raises the errors of ``ingest``."""
    with copy_of(path, follow=False) as copy, store.read() as connection:
        return read_dumps.by_digest(connection, copy.digest) is not None


def _copy(
    path: Path | None,
    stream: BinaryIO | None,
    name: str,
    limits: DumpLimits,
    *,
    follow: bool,
    as_papers: bool,
) -> AbstractContextManager[DumpCopy]:
    if path is not None:
        return copy_of(path, follow=follow, linked=follow, as_papers=as_papers, largest=limits.size)
    if stream is not None:
        return copy_of_stream(stream, name, as_papers=as_papers, largest=limits.size)
    raise UsageError("there is nothing to read", hint="give a file, or - for a pipe")


def _record_result(store: Store, report: IngestReport, source: str, now: datetime) -> IngestReport:
    """Record and log the result, also for reports on empty days.

    The caller reports the warnings, from the returned report.
    """
    already = report.already.date().isoformat() if report.already else None
    facts = {"name": report.name, "papers": report.papers, "new": report.new, "already": already}
    with store.begin() as connection:
        job_status.record(connection, "ingest", ok=True, now=now, source=source, **facts)
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


def _characters(draft: PaperRecord) -> int:
    texts = (draft.title, draft.abstract, draft.url, draft.uid, draft.organisation)
    facts = (draft.comment, draft.journal_ref, draft.thumbnail, *draft.keywords)
    many = (*draft.authors, *draft.categories, *draft.links)
    names = [name.value for name in draft.identifiers]
    return sum(map(len, filter(None, (*texts, *facts, *many, *names))))


def _count_slice(asked: Sequence[PaperQuery], begin: int) -> int:
    """Count the next drafts that are absorbed before the clock is read again."""
    size = 0
    for count, one in enumerate(asked[begin : begin + SLICE], 1):
        size += _cost_of(one.draft)
        if size >= SLICE_CHARACTERS:
            return count
    return min(SLICE, len(asked) - begin)


def _cost_of(draft: PaperRecord) -> int:
    """Return how many characters of ASCII would take as long to match and to index."""
    lists = (draft.authors, draft.categories, draft.keywords)
    texts = (draft.title, draft.abstract, *chain.from_iterable(lists))
    slow = sum(len(text) for text in texts if not text.isascii())
    names = SLOW_NAME * len(draft.authors)
    return sum(map(len, texts)) + (SLOW_CHARACTER - 1) * slow + names


class _DumpIngest:
    """The ingestion of one dump."""

    is_costly = False  # whether comparisons ended the last transaction

    def __init__(
        self,
        store: Store,
        copy: DumpCopy,
        reader: DumpReader,
        now: datetime,
        source: str,
        growth: GrowthLimit | None,
    ) -> None:
        self.store = store
        self.begin: Callable[[], AbstractContextManager[Connection]] = store.begin
        self.source = source
        self.growth = growth
        self.copy = copy
        self.now = now
        self.reader = reader
        self.counts: Counter[str] = Counter()
        self.paper_ids = array("q")
        self.comparer = papers.TextComparer()

    def run(self) -> IngestReport:
        """Read the dump, unless its bytes were read before; raises UnreadableDump with its name."""
        copy = self.copy
        with self.store.read() as connection:
            if before := read_dumps.by_digest(connection, copy.digest):
                return _again(connection, before, copy.name)
        try:
            return self._read()
        except UnreadableDump as error:
            lines = "" if copy.is_zip else f" (0 records in {quantity(lines_of(copy), 'line')})"
            raise UnreadableDump(f"{copy.name}: {error}{lines}", hint=error.hint) from error

    def _read(self) -> IngestReport:
        """Read the whole dump; the last transaction also records that it was read."""
        with ExitStack() as stack:
            for drafts, form, is_last in self._batches():
                # Prepared before the transaction, during which nobody else can write.
                queries: Sequence[PaperQuery] = papers.prepare(drafts, self.now)
                if is_last:
                    break
                if not self.paper_ids:  # the first of several
                    self.begin = stack.enter_context(self.store.begin_many())
                while queries:
                    self.reader.tell_progress()  # the callback may end it, or read other files
                    queries = self._absorb(queries, form)
            result = self._finish(queries, form)
        if isinstance(result, IngestReport):
            return result
        self.reader.progress(self.copy.size, self.copy.size)
        return self._report(result)

    def _batches(self) -> Iterator[tuple[list[PaperRecord], str, bool]]:
        """Yield the records of each transaction, their format, and whether they are the last.

        The last batch may be empty.
        """
        drafts: list[PaperRecord] = []
        size, form = 0, ""
        for draft in self.reader.records():
            if drafts and form != self.reader.format_name:  # the next file of an archive
                yield drafts, form, False
                drafts, size = [], 0
            drafts.append(draft)
            size, form = size + _characters(draft), self.reader.format_name
            if len(drafts) == BATCH or size >= BATCH_CHARACTERS:
                yield drafts, form, False
                drafts, size = [], 0
        yield drafts, form, True

    def _absorb(self, queries: Sequence[PaperQuery], form: str) -> Sequence[PaperQuery]:
        """Absorb drafts in one transaction, up to its limit; returns the others."""
        from larkpost.db.search import index  # importing it takes long

        with self.begin() as connection:
            if not self.paper_ids:
                index.merge_rarely(connection)
            queries = queries[self._absorb_some(connection, queries, form) :]
        self._compare_ahead(queries)
        return queries

    def _finish(self, queries: Sequence[PaperQuery], form: str) -> int | IngestReport:
        """Absorb the last drafts and record the dump; returns its id, or the report of a twin."""
        from larkpost.db.search import index  # importing it takes long

        while True:
            with self.begin() as connection:
                papers.take_turns(connection)
                if self.paper_ids:
                    index.merge_often(connection)
                if twin := read_dumps.by_digest(connection, self.copy.digest):
                    return _again(connection, twin, self.copy.name)
                queries = queries[self._absorb_some(connection, queries, form) :]
                if not queries:
                    return self._record(connection)
            self._compare_ahead(queries)

    def _absorb_some(self, connection: Connection, asked: Sequence[PaperQuery], form: str) -> int:
        """Absorb drafts up to the limit of one transaction; returns their number.

        What they add to the database is counted: new papers, and of the others the changed texts,
        or the records that are kept.
        """
        papers.take_turns(connection)
        origin = papers.RecordOrigin(form, self.copy.digest)
        limit = TransactionLimit(self.comparer)
        sizes: dict[MatchOutcome, list[int]] = {outcome: [] for outcome in MatchOutcome}
        logged_before = source_growth.last_logged(connection) if self.growth else 0
        done = 0
        while done < len(asked) and not (done and limit.is_reached()):
            absorbed = papers.absorb_prepared(
                connection,
                asked[done : done + _count_slice(asked, done)],
                now=self.now,
                origin=origin,
                comparer=self.comparer,
                until=limit.is_enough_compared,
            )
            self.counts.update(one.what for one in absorbed)
            for query, one in zip(asked[done:] if self.growth else (), absorbed, strict=False):
                sizes[one.what].append(_characters(query.draft))
            self.paper_ids.extend(one.paper_id for one in absorbed)
            done += len(absorbed)
        if self.growth:
            logged = source_growth.count_logged(connection, logged_before, self.source)
            changed = max(sum(sizes[MatchOutcome.UPDATED]), logged)
            new = sizes[MatchOutcome.NEW]
            self.growth.add(connection, Growth(len(new), sum(new) + changed), self.now)
        self.is_costly = limit.is_enough_compared()
        return done

    def _compare_ahead(self, asked: Sequence[PaperQuery]) -> None:
        """Compare the next drafts while others can write, if the last ones took long."""
        if not (asked and self.is_costly):
            return
        with self.store.read() as connection:
            some = asked[: _count_slice(asked, 0)]
            papers.compare_ahead(connection, some, now=self.now, comparer=self.comparer)

    def _record(self, connection: Connection) -> int:
        dump = read_dumps.Dump(
            id=0,
            digest=self.copy.digest,
            name=self.copy.name,
            format=self.reader.format(),
            captured=self.reader.day(),
            read_at=self.now,
            papers=len(self.paper_ids),
            new=self.counts[MatchOutcome.NEW],
            updated=self.counts[MatchOutcome.UPDATED],
            rejected=self.reader.counts["rejected"],
            source=self.source or None,
        )
        paper_ids = papers.current_ids(connection, self.paper_ids)
        rejects = self.reader.rejects
        if self.growth:  # they are kept as long as the dump: up to a million characters of each
            characters = sum(len(one.text) + len(one.reason) for one in rejects)
            self.growth.add(connection, Growth(characters=characters), self.now)
        return read_dumps.record(connection, dump, paper_ids=paper_ids, rejected=rejects)

    def _report(self, dump_id: int) -> IngestReport:
        return IngestReport(
            name=self.copy.name,
            digest=self.copy.digest,
            format=self.reader.format(),
            captured=self.reader.day(),
            papers=len(self.paper_ids),
            new=self.counts[MatchOutcome.NEW],
            updated=self.counts[MatchOutcome.UPDATED],
            known=self.counts[MatchOutcome.KNOWN],
            rejected=self.reader.counts["rejected"],
            already=None,
            dump_id=dump_id,
            rejects=tuple(self.reader.rejects),
            warnings=tuple(self.reader.warnings),
            cut=bool(self.reader.counts["cut"]),
        )
