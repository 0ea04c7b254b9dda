"""Fuzzes all parsers of outside text, with mutated sample dumps.

    python -m bench.fuzz_ingest [--seconds 60 | --total 60] [--parser NAME] [--seed 0] [--cases N]

Each parser gets texts for --seconds, or all parsers together for --total seconds: of processor
time, so that other load does not make the texts fewer. A text fails if the parser raises an error
that it does not declare, returns an invalid value (a title of two lines, an abstract that is not
clean), or exceeds its budget of processor time in each of three tries. The budget is that of a
quiet machine, multiplied by how much slower a fixed calculation is at that moment. Each text
depends only on the parser's name and a seed, which is printed: `--parser NAME --seed SEED
--cases 1` tries it again. Exits with 1 if any text failed.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import sys
import traceback
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

import structlog
from bench.support.mutations import encode, mutate
from bench.support.processor_budget import OverBudgetError, run_within

from larkpost.db import migrations
from larkpost.db.engine import Store
from larkpost.domain import PaperRecord
from larkpost.errors import SourceFailure, UnreadableDump, UsageError
from larkpost.fetch.answer_shape import is_empty_list
from larkpost.fetch.opml import parse_opml
from larkpost.fetch.retry_after import read_retry_after
from larkpost.fetch.unpack import spool
from larkpost.formats.dates import captured_day, day_in_path, find_day, in_name
from larkpost.formats.decoding import LONGEST_ABSTRACT, decode
from larkpost.formats.file_types import refuse_what_is_no_dump
from larkpost.formats.mail.mail_parser import OutsizedMail, parse
from larkpost.formats.reference_list import ReferenceList
from larkpost.formats.references import read_references
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.inbound.digest_mail import essential_mail
from larkpost.inbound.digest_senders import DigestSenders
from larkpost.ingest.enrich import enrich
from larkpost.ingest.ingest import ingest
from larkpost.packaged_files import shipped_path
from larkpost.settings.polled_sources import PolledSource
from larkpost.text.email_address import address_key
from larkpost.text.identifiers import identifier_url, parse_identifier
from larkpost.text.markup import clean_markup, cut_preamble, plain_html, plain_latex
from larkpost.text.minhash import sketch, title_key
from larkpost.text.normalize import clean, squash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from larkpost.domain import Record
    from larkpost.interfaces import DumpFormat

    Parse = Callable[[bytes], None]

NEAR = date(2026, 8, 25)
NOW = datetime(2026, 8, 25, 6, tzinfo=UTC)
FIXED, PER_BYTE, PER_LINE = 0.5, 10e-6, 150e-6  # seconds of processor time: the budget per text
_HEAD = 64 * 1024
_LONGEST_SAMPLE = 20_000  # characters
_LONGEST_TITLE = 1_000
_LARGEST_ANSWER = 100_000  # bytes
_SHOWN = 5  # failures per parser


class WrongResultError(Exception):
    """A parser returned an invalid value."""


@dataclass
class Outcome:
    """The results of one parser."""

    parser: str
    texts: int = 0
    size: int = 0
    slowest: float = 0.0  # seconds per byte, for texts over 10 kB
    failures: dict[int, str] = field(default_factory=dict)  # descriptions of failures by seed


def samples(folder: Path) -> list[str]:
    """Read the sample dumps: the shipped one and those of the tests, including awkward ones."""
    files = [*shipped_path("seeds").glob("*.txt")]
    for name in ("awkward", "captures", "dumps"):
        files += sorted(file for file in (folder / name).glob("**/*.*") if file.is_file())
    texts = [file.read_text("utf-8", "replace") for file in files if file.stat().st_size < 1e6]
    return [text[:_LONGEST_SAMPLE] for text in texts]


def parsers(store: Store) -> Mapping[str, Parse]:
    """Return every parser by name; each raises an error for an invalid result."""
    sources = {source.name: _reader(source) for source in DUMP_FORMATS}
    return {
        **sources,
        "kinds": _refuse,
        "ingest": _ingester(store),
        "gzip": _ingester(store, pack=_gzipped),
        "zip": _ingester(store, pack=_zipped),
        "zip as papers": _ingester(store, pack=_zipped, as_papers=True),
        "enrich": _enricher(store),
        "opml": _read_opml,
        "answer": _read_answer,
        "references": _read_references,
        "references as papers": _reader(ReferenceList()),
        "sender": _read_sender,
        "identifier": _on_lines(_parse_identifier),
        "address": _on_lines(_parse_address),
        "days": _on_lines(_parse_days),
        "text": _clean_text,
    }


def _reader(source: DumpFormat) -> Parse:
    def read(dump: bytes) -> None:
        source.recognises(dump[:_HEAD], "dump")
        with suppress(UnreadableDump):
            _check_records(source.read(BytesIO(dump), NEAR))

    return read


def _check_records(records: Iterable[Record]) -> None:
    for record in records:
        if isinstance(record, PaperRecord):
            title, abstract = record.title, record.abstract
            _expect(bool(title) and squash(title) == title, "a title in one clean line", title)
            _expect(len(title) <= _LONGEST_TITLE, "a title of this length", title)
            _expect(clean(abstract) == abstract, "a clean abstract", abstract)
            _expect(len(abstract) <= LONGEST_ABSTRACT, "an abstract of this length", abstract)


def _expect(right: bool, what: str, given: object) -> None:
    if not right:
        raise WrongResultError(f"not {what}: {given!r:.200}")


def _refuse(dump: bytes) -> None:
    with suppress(UnreadableDump):
        refuse_what_is_no_dump(dump[:_HEAD], "dump")


def _ingester(
    store: Store, pack: Callable[[bytes], bytes] = bytes, *, as_papers: bool = False
) -> Parse:
    def take(dump: bytes) -> None:
        body = BytesIO(pack(dump))
        with suppress(UnreadableDump):
            ingest(store, DUMP_FORMATS, None, stream=body, now=NOW, as_papers=as_papers)

    return take


def _enricher(store: Store) -> Parse:
    def take(dump: bytes) -> None:
        with suppress(UnreadableDump):
            enrich(store, None, stream=BytesIO(dump), now=NOW)

    return take


def _read_opml(dump: bytes) -> None:
    with suppress(UsageError):
        for feed in parse_opml(dump, "feeds.opml"):
            _expect(len(feed.name) > 0, "a name", feed.name)


def _read_answer(dump: bytes) -> None:
    """Parse headers and a response as each kind of source does, plain and compressed."""
    read_retry_after(decode(dump[:200]), now=NOW)
    for kind in ("hf-daily", "arxiv:cs.CL", "https://example.org/feed"):
        with suppress(SourceFailure):
            is_empty_list(PolledSource("a", kind), BytesIO(dump))
    for encoding in ("gzip", "deflate", "identity", decode(dump[:10])):
        for body in (dump, _gzipped(dump)):
            with suppress(SourceFailure):
                spool([body[:100], body[100:]], encoding, BytesIO(), limit=_LARGEST_ANSWER)


def _gzipped(dump: bytes) -> bytes:
    return _damage(gzip.compress(dump, mtime=0))


def _zipped(dump: bytes) -> bytes:
    """Compress a text as two members, half of it in each."""
    body = BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in (("a.csv", dump[: len(dump) // 2]), ("b.xml", dump[len(dump) // 2 :])):
            archive.writestr(zipfile.ZipInfo(name), part)
    return _damage(body.getvalue())


def _damage(packed: bytes) -> bytes:
    """Change one byte of every second archive, chosen by the archive's own bytes."""
    dice = Random(packed)  # noqa: S311 - the same damage on every run
    at = dice.randrange(2 * len(packed))
    return packed if at >= len(packed) else packed[:at] + bytes([at % 256]) + packed[at + 1 :]


def _read_references(dump: bytes) -> None:
    with suppress(UsageError):
        read_references(decode(dump))


def _read_sender(dump: bytes) -> None:
    senders = DigestSenders(("@example.org", "@arxiv.org"), "mx.example.org")
    with suppress(OutsizedMail):
        senders.refusal(parse(dump))
    once = essential_mail(dump)
    _expect(essential_mail(once) == once, "the same when it is done again", once)


def _on_lines(parse: Callable[[str], None]) -> Parse:
    def run(dump: bytes) -> None:
        for line in decode(dump).split("\n"):
            parse(line)

    return run


def _parse_identifier(text: str) -> None:
    with suppress(UsageError):
        found = parse_identifier(text)
        _expect(parse_identifier(str(found)) == found, "the name of itself", found)
        identifier_url(found)


def _parse_address(text: str) -> None:
    with suppress(UsageError):
        key = address_key(text)
        _expect(address_key(key) == key, "the key of itself", key)


def _parse_days(text: str) -> None:
    if day := find_day(text):
        day.resolve(NEAR)
    captured_day(text)
    day_in_path(text)
    in_name(text)


def _clean_text(dump: bytes) -> None:
    text = decode(dump)
    once = clean(text)
    _expect(clean(once) == once, "clean", text)
    line = squash(plain_latex(plain_html(clean_markup(text))))
    cut_preamble(line)
    title_key(line)
    sketch(line, text)


def run(
    name: str, parse: Parse, texts: Sequence[str], seeds: Iterable[int], *, budget: bool
) -> Outcome:
    """Give a parser the text of each seed; its time counts only with a ``budget``."""
    outcome = Outcome(name)
    for seed in seeds:
        dice = Random(f"{name} {seed}")  # noqa: S311 - the same text on every run
        dump = encode(dice, mutate(dice, texts))
        ends = dump.count(b"\n") + dump.count(b"\r")
        allowed = FIXED + PER_BYTE * len(dump) + PER_LINE * ends
        begun = process_time()
        try:
            if budget:
                run_within(allowed, parse, dump)
            else:
                parse(dump)
        except (Exception, OverBudgetError) as error:
            outcome.failures[seed] = f"{error!r:.300} ({_place(error)})"
        outcome.texts += 1
        outcome.size += len(dump)
        if len(dump) > 10_000:
            outcome.slowest = max(outcome.slowest, (process_time() - begun) / len(dump))
    return outcome


def _place(error: BaseException) -> str:
    """Describe where an error was raised, outside this module."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((one for one in reversed(frames) if one.filename != __file__), frames[-1])
    return f"{last.filename}:{last.lineno}"


@contextmanager
def empty_store() -> Iterator[Store]:
    """Make a temporary store."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "papers.db"
        migrations.make_file(file)
        store = Store(f"sqlite:///{file}")
        migrations.upgrade(store)
        yield store
        store.close()


def seeds_for(seconds: float, first: int) -> Iterator[int]:
    """Yield seeds from the first one on, for so many seconds of processor time."""
    end = process_time() + seconds
    for seed in count(first):
        if process_time() > end:
            return
        yield seed


def main() -> None:
    """Fuzz, and print a line per parser and per failure."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=60, help="for each parser")
    arguments.add_argument("--total", type=float, help="seconds, for all parsers together")
    arguments.add_argument("--parser", action="append", help="this one only")
    arguments.add_argument("--seed", type=int, default=0, help="the first seed")
    arguments.add_argument("--cases", type=int, help="so many seeds, in place of --seconds")
    given = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    texts = samples(Path("tests"))
    failed = False
    with empty_store() as store:
        chosen = {
            name: parse
            for name, parse in parsers(store).items()
            if not given.parser or name in given.parser
        }
        each = given.total / len(chosen) if given.total else given.seconds
        for name, parse in chosen.items():
            some = range(given.seed, given.seed + (given.cases or 0))
            seeds = some if given.cases else seeds_for(each, given.seed)
            outcome = run(name, parse, texts, seeds, budget=True)
            failed |= bool(outcome.failures)
            print(
                f"{name:16} {outcome.texts:7,} texts, {outcome.size / 1e6:7,.1f} MB,"
                f" at most {outcome.slowest * 1e6:5.2f} us a byte,"
                f" {len(outcome.failures)} failed",
                flush=True,
            )
            for seed, what in list(outcome.failures.items())[:_SHOWN]:
                print(f"    seed {seed}: {what}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
