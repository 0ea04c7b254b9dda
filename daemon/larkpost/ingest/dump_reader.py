"""Reads the papers of a dump, with its day and warnings; nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - ``date`` is the name of an argument
from typing import TYPE_CHECKING, BinaryIO, cast

from larkpost.domain import DumpDate, IngestWarning, PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump, UsageError
from larkpost.formats.dates import GRACE
from larkpost.ingest.capture_day import CaptureHint, capture_hint
from larkpost.ingest.dump_limits import OF_FILES, DumpLimits
from larkpost.interfaces import DumpFormat
from larkpost.replace_fields import replace_fields
from larkpost.text.normalize import one_line
from larkpost.text.record_limits import limit_lists

if TYPE_CHECKING:
    from larkpost.ingest.archives import DumpMember
    from larkpost.ingest.file_reader import DumpCopy

Progress = Callable[[int, int], None]

_MOST_REJECTS = 1_000
_LONGEST_REJECT = 2_000  # characters
_MOST_REJECTED = 1_000_000  # characters of all rejected records together
_LONGEST_REASON = 500
_LONGEST_FORMAT = 40  # characters, the limit of the database
_MOST_WARNINGS = 50
_STEP = 50


class _WatchedBody:
    """The bytes of a dump; reports progress whenever some are read, and so between records, too.

    Megabytes in which there is no record take minutes to read, and others may be waiting.
    """

    def __init__(self, body: BinaryIO, report: Callable[[], None]) -> None:
        self._body = body
        self._report = report
        self.seek = body.seek
        self.tell = body.tell

    def read(self, size: int = -1) -> bytes:
        self._report()
        return self._body.read(size)


def find_format(dump_formats: Sequence[DumpFormat], wanted: str) -> DumpFormat:
    """Return the format of this name; raises UsageError for an unknown one."""
    found = next((one for one in dump_formats if one.name == wanted), None)
    if found is None:
        raise UsageError(f"there is no format {one_line(wanted)}", hint=_format_names(dump_formats))
    return found


def recognise_format(dump_formats: Sequence[DumpFormat], member: DumpMember) -> DumpFormat:
    """Return the first format that recognises a file; raises UnreadableDump if none does."""
    for one in dump_formats:
        if one.recognises(member.head, member.file_name):
            return one
    raise UnreadableDump(
        "nothing in it is recognised as a dump",
        hint=f"{_format_names(dump_formats)}; docs/formats.md shows what they look like",
    )


def _format_names(dump_formats: Sequence[DumpFormat]) -> str:
    return f"the formats are: {', '.join(one.name for one in dump_formats)}"


class DumpReader:
    """Reads one dump.

    After ``records`` has ended, the other attributes describe the result. ``format_name`` is the
    format of the last record; ``counts`` has the ``papers``, and the ``rejected`` and ``cut``
    records, and ``rejects`` the first thousand of these; ``warnings`` are texts.
    """

    def __init__(
        self,
        copy: DumpCopy,
        dump_formats: Sequence[DumpFormat],
        named: DumpFormat | None,
        date: Date | None,
        now: datetime,
        progress: Progress | None = None,
        limits: DumpLimits = OF_FILES,
    ) -> None:
        self.copy = copy
        self.limits = limits
        self.dump_formats = dump_formats
        self.named = named
        self.formats: dict[str, None] = {}  # names of the formats that were used
        self.format_name = ""  # the format of the current record
        self.date = date
        self.near = CaptureHint(now.date(), "today")
        self.member = ""  # the name of the current member of an archive
        self.now = now
        self.progress = progress or (lambda _done, _total: None)
        self.farthest = 0  # bytes
        self.captured: Date | None = None
        self.undated = False  # whether a paper's day does not come from the dump
        self.counts: Counter[str] = Counter()
        self.rejects: list[RejectedRecord] = []
        self.reject_characters = 0
        self.warnings: list[str] = []

    def records(self) -> Iterator[PaperRecord]:
        """Yield the papers of the dump, or of all dumps in the archive, with the day of capture.

        Refused records are in ``rejects``; those beyond the limit are left out. Raises
        UnreadableDump if nothing can be read.
        """
        if not self.limits.bundles and (self.copy.is_zip or self.copy.head.startswith(b"From ")):
            raise UnreadableDump(
                "it is an archive or a folder of mails, which is read only from a file",
                hint="find the address of one feed or page",
            )
        for member in self.copy.members():
            if self._is_full:
                break
            if isinstance(member, RejectedRecord):
                self._reject(member)
                continue
            self.member = member.name
            try:
                yield from self._records_of(member)
            except UnreadableDump as error:
                if not member.name:
                    raise
                self._reject(RejectedRecord(0, str(error)))
            self.member = ""
        if self.copy.is_zip and not self.formats:
            raise UnreadableDump(
                f"nothing in it is a dump; the first file: {self.rejects[0].reason}",
                hint="unpack it and ingest what is inside",
            )
        if self.undated:
            self._warn(0, f"the dump has no date; assumed: {self.day()}, {self.near.how}")

    def _records_of(self, member: DumpMember) -> Iterator[PaperRecord]:
        """Yield the papers with the day of capture; collect the rest of the file's data."""
        dump_format = self.named or recognise_format(self.dump_formats, member)
        self.format_name = dump_format.name
        self.near = capture_hint(member, self.date, self.now)
        captured: Date | None = None
        moment = self._moment(self.near.day)
        bound = min(self.near.day, self.now.date())
        body = cast("BinaryIO", _WatchedBody(member.body, self.tell_progress))
        for count, record in enumerate(dump_format.read(body, bound)):
            if self._is_full:
                self._warn(
                    0, f"it has more than {self.limits.records:,} records; the first are read"
                )
                break
            if count % _STEP == 0:
                self.tell_progress()
            match record:
                case PaperRecord() if record.private:  # a private paper of an export
                    self._warn(record.line, "this is a private paper of a reader; left out")
                case PaperRecord() if record.first_seen:
                    self.counts["papers"] += 1
                    yield self._limit(record)
                case PaperRecord():
                    self.counts["papers"] += 1
                    self.undated |= captured is None
                    yield replace_fields(self._limit(record), first_seen=moment)
                case DumpDate():
                    moment = self._moment(record.day)
                    captured = moment.date()
                    self.captured = max(captured, self.captured or captured)
                case RejectedRecord():
                    self._reject(record)
                case IngestWarning():
                    self._warn(record.line, record.text)
        self.formats[dump_format.name] = None

    def tell_progress(self) -> None:
        """Report the bytes read so far; raises what the callback raises."""
        self.farthest = max(self.farthest, self.copy.body.tell())  # a page is read twice
        self.progress(self.farthest, self.copy.size)

    @property
    def _is_full(self) -> bool:
        return self.counts["papers"] + self.counts["rejected"] >= self.limits.records

    def _limit(self, record: PaperRecord) -> PaperRecord:
        limited, cuts = limit_lists(record)
        for what in cuts:
            self._warn(record.line, what)
        unverified = self.limits.unverified
        if not unverified:
            return limited
        return replace_fields(limited, unverified=unverified, text_source=self.limits.source)

    def _moment(self, day: Date) -> datetime:
        """Return the time of a dump of that day: the start of the day, or now if it is today."""
        if day > self.now.date() + GRACE:
            self._warn(0, f"its date, {day}, is in the future; today is used instead")
        if day >= self.now.date():
            return self.now
        return datetime.combine(day, time.min, tzinfo=UTC)

    def _reject(self, record: RejectedRecord) -> None:
        if self.member:
            record = replace(record, reason=f"{self.member}: {record.reason}")
        self.counts["rejected"] += 1
        self.counts["cut"] += record.cut
        if len(self.rejects) < _MOST_REJECTS:
            room = min(_LONGEST_REJECT, _MOST_REJECTED - self.reject_characters)
            text, reason = record.text[:room], record.reason[:_LONGEST_REASON]
            self.reject_characters += len(text)
            self.rejects.append(replace(record, text=text, reason=reason))

    def _warn(self, line: int, what: str) -> None:
        if len(self.warnings) < _MOST_WARNINGS:
            what = what[:_LONGEST_REASON]
            what = f"line {line}: {what}" if line else what
            self.warnings.append(f"{self.member}: {what}" if self.member else what)

    def format(self) -> str:
        """Return the format's name; for an archive, the formats of its members.

        The text is cut at the column's limit.
        """
        names = ", ".join(self.formats)
        return f"zip: {names}"[:_LONGEST_FORMAT] if self.copy.is_zip else names

    def day(self) -> Date | None:
        """Return the day of capture: the day in the dump, else the day that its papers got."""
        return min(self.near.day, self.now.date()) if self.undated else self.captured
