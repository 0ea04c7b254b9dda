"""Takes in what an export wrote, or what another program hands over in the same lines."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from larkpost.domain import Draft, Pick, Rejected, Remark, Status, Thumb, Vote, Weight
from larkpost.errors import LarkpostError, UnknownReader, UsageError
from larkpost.flows import membership
from larkpost.settings import read_days
from larkpost.sources.jsonl import Jsonl
from larkpost.store import editions, papers, readers, votes
from larkpost.store.batches import batches
from larkpost.text.identifiers import parse_identifier
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from larkpost.domain import Edition, Identifier, Paper, Reader
    from larkpost.store.engine import Connection, Store

READER_KEYS = frozenset(
    [
        "reader",
        "number",
        "uid",
        "name",
        "status",
        "zone",
        "at",
        "days",
        "size",
        "interests",
        "themes",
        "threshold",
        "weekly",
        "quiet_mail",
        "paused_until",
        "feed_key",
        "relinked",
        "created",
        "editions",
        "kind",
    ]
)
VOTE_KEYS = frozenset(["kind", "reader", "paper", "thumb", "at", "via", "interest"])


@dataclass(slots=True)
class Tally:
    """What became of a file: lines taken, lines refused with the reason, keys nobody knows.

    ``remarks`` say of lines what was odd, and cost none.
    """

    taken: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    unknown_keys: set[str] = field(default_factory=set)
    remarks: list[tuple[int, str]] = field(default_factory=list)


def take_papers(store: Store, path: Path, *, now: datetime) -> Tally:
    """Take in papers; those that are here already are merged, not doubled."""
    tally = Tally()
    with path.open("rb") as file, store.begin() as connection:
        for records in batches(Jsonl().read(file)):
            drafts = [record for record in records if isinstance(record, Draft)]
            tally.refused += [(r.line, r.reason) for r in records if isinstance(r, Rejected)]
            _note(tally, (record for record in records if isinstance(record, Remark)))
            tally.taken += len(papers.absorb(connection, drafts, now=now))
    return tally


def _note(tally: Tally, remarks: Iterable[Remark]) -> None:
    for remark in remarks:
        if remark.key:
            tally.unknown_keys.add(remark.key)
        else:
            tally.remarks.append((remark.line, remark.text))


def take_readers(store: Store, path: Path, *, now: datetime) -> Tally:
    """Take in readers with their interests and past editions; one who is here is changed.

    Editions name their papers, so papers are to be taken in first. Readers and editions keep their
    numbers, by which links in old letters go, where those are free; where not, that is remarked.
    """
    tally = Tally()
    for number, line in _lines(path, "reader", READER_KEYS, tally):
        with _refusing(number, tally):
            reader = _reader(store, line, now=now)
            renumbered = _number(line) not in {None, reader.id}
            with store.begin() as connection:
                for issue in line.get("editions", ()):
                    made = _edition(connection, readers.get(connection, reader.id), issue)
                    renumbered |= made is not None and _number(issue) not in {None, made.id}
            if renumbered:
                what = f"some numbers of {membership.who(reader)} are taken here: links in letters"
                tally.remarks.append((number, f"{what} from elsewhere will not work"))
    return tally


def take_votes(store: Store, path: Path, *, now: datetime) -> Tally:
    """Take in thumbs; of several on one paper the latest stays, here or in the file."""
    tally = Tally()
    for some in batches(_lines(path, "vote", VOTE_KEYS, tally)):
        with store.begin() as connection:
            votes.cast_many(connection, _votes(connection, some, tally, now))
    return tally


def _votes(
    connection: Connection, some: list[tuple[int, dict[str, Any]]], tally: Tally, now: datetime
) -> list[Vote]:
    known: dict[str, Reader] = {}
    named = papers.owners(connection, {name for _, line in some if (name := _identifier(line))})
    thumbs = []
    for number, line in some:
        with _refusing(number, tally):
            who = str(line["reader"])
            if who not in known:
                known[who] = _named(connection, who)
            thumbs.append(_vote(known[who], _known(named, str(line["paper"])), line, now))
    return thumbs


def _vote(reader: Reader, paper_id: int, line: Mapping[str, Any], now: datetime) -> Vote:
    interests = {interest.name: interest.id for interest in reader.interests}
    return Vote(
        reader_id=reader.id,
        paper_id=paper_id,
        thumb=Thumb(int(line["thumb"])),
        at=_moment(line["at"]) if line.get("at") else now,
        via=str(line.get("via") or "import"),
        interest_id=interests.get(str(line.get("interest"))),
    )


def _identifier(line: Mapping[str, Any]) -> Identifier | None:
    try:
        return parse_identifier(str(line.get("paper")))
    except UsageError:
        return None


def _known(named: Mapping[Identifier, int], name: str) -> int:
    identifier = parse_identifier(name)
    if identifier not in named:
        raise UsageError(f"no paper here goes by {identifier}")
    return named[identifier]


def _named(connection: Connection, name: str) -> Reader:
    if "@" in name:
        return readers.by_address(connection, name)
    return readers.by_uid(connection, _uid(name))


def _uid(name: object) -> str:
    """Read the name that a reader without an address goes by; any other word is a slip."""
    try:
        return str(UUID(str(name)))
    except ValueError as error:
        raise UsageError(
            f"“{one_line(str(name))[:80]}” is neither a mail address nor the uid of a reader"
        ) from error


def _reader(store: Store, line: Mapping[str, Any], *, now: datetime) -> Reader:
    """Take a reader in, or change the one who is here, as far as the line says."""
    name, wishes = str(line["reader"]), _wishes(line)
    address = name if "@" in name else None
    words, themes = _texts(line, "interests"), _themes(line)
    said = line.get("uid") if address else name
    uid = _uid(said) if said else None
    try:
        with store.read() as connection:
            reader = _named(connection, name)
    except UnknownReader:
        reader = membership.add(
            store,
            address,
            now=now,
            words=words,
            uid=uid,
            number=_number(line),
            created=_moment(line["created"]) if line.get("created") else None,
            **wishes,
        )
        _number_interests(store, reader, line)
    else:
        reader = membership.change(
            store, reader.id, now=now, words=words if "interests" in line else None, **wishes
        )
    with store.begin() as connection:
        for theme, its_words, quota in themes:
            readers.set_interest(connection, reader.id, theme, words=its_words, quota=quota)
        return _standing(connection, reader, line)


def _themes(line: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...], int]]:
    """Read the name, words and share of each interest."""
    return [
        (
            str(theme["name"]),
            tuple(membership.tidy(_texts(theme, "words"))),
            int(theme.get("quota", 1)),
        )
        for theme in line.get("themes", ())
    ]


def _texts(line: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Read a list of texts; a text alone would else be taken for a list of its letters."""
    found = line.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise UsageError(f"“{key}” is not a list of texts")
    return tuple(found)


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"“{key}” is neither true nor false")
    return value


def _number_interests(store: Store, reader: Reader, line: Mapping[str, Any]) -> None:
    """Make the interests of a new reader, each with the number that its feed may go by."""
    with store.begin() as connection:
        for theme in line.get("themes", ()):
            name = str(theme["name"])
            readers.set_interest(connection, reader.id, name)
            readers.number_interest(connection, reader.id, name, _number(theme))


def _number(said: Mapping[str, Any]) -> int | None:
    """Read the number of a row where it comes from; raises ValueError."""
    return None if said.get("number") is None else int(said["number"])


def _standing(connection: Connection, reader: Reader, line: Mapping[str, Any]) -> Reader:
    """What no wish can change: where the reader stands, and what opens their feed and page."""
    columns: dict[str, Any] = {}
    if line.get("paused_until"):
        columns["paused_until"] = date.fromisoformat(line["paused_until"])
    if line.get("feed_key") is not None:  # empty: switched off
        columns["feed_key"] = str(line["feed_key"])
    if line.get("relinked"):
        columns["relinked"] = max(reader.relinked, int(line["relinked"]))
    if (status := Status(line.get("status", reader.status))) is not reader.status:
        columns |= {"status": status, "next_slot": None}
    return readers.update(connection, reader.id, **columns)


def _wishes(line: Mapping[str, Any]) -> membership.Wishes:
    """What the line says of a reader's wishes, in our types; a wrong one raises ValueError."""
    read: dict[str, Callable[[Any], Any]] = {
        "name": str,
        "zone": str,
        "at": time.fromisoformat,
        "days": read_days,
        "size": int,
        "threshold": float,
        "weekly": partial(_flag, "weekly"),
        "quiet_mail": partial(_flag, "quiet_mail"),
    }
    said = {key: convert(line[key]) for key, convert in read.items() if line.get(key) is not None}
    return cast("membership.Wishes", said)


def _edition(connection: Connection, reader: Reader, issue: Mapping[str, Any]) -> Edition | None:
    """Write a past edition down as it was; no letter is planned for it. None: it is here."""
    names = {str(pick[key]) for pick in issue["picks"] for key in ("paper", "like") if pick[key]}
    ids = papers.owners(connection, {parse_identifier(name) for name in names})
    found = papers.get(connection, set(ids.values()))
    by_name = {name: found[_known(ids, name)] for name in names}
    interests = {interest.name: interest.id for interest in reader.interests}
    return editions.publish(
        connection,
        reader=reader,
        date=date.fromisoformat(issue["date"]),
        picks=[_pick(pick, by_name, interests) for pick in issue["picks"]],
        now=_moment(issue["published_at"]),
        next_slot=reader.next_slot,
        message_id=None,
        since=date.fromisoformat(issue["since"]) if issue.get("since") else None,
        note=str(issue.get("note", "")),
        considered=int(issue.get("considered", 0)),
        number=_number(issue),
    )


def _pick(
    pick: Mapping[str, Any], by_name: Mapping[str, Paper], interests: Mapping[str, int]
) -> Pick:
    return Pick(
        paper=by_name[pick["paper"]],
        position=int(pick["position"]),
        score=float(pick["score"]),
        probability=float(pick["probability"]),
        because=_weights(pick["because"]),
        against=_weights(pick["against"]),
        like=by_name[pick["like"]] if pick["like"] else None,
        likeness=None if pick.get("likeness") is None else float(pick["likeness"]),
        terms=None if pick.get("terms") is None else tuple(map(str, pick["terms"])),
        interest_id=interests.get(pick["interest"]),
        interest=str(pick["interest"]),
        explored=bool(pick["explored"]),
        propensity=float(pick["propensity"]),
        pool=int(pick.get("pool", 1)),
    )


def _weights(said: Iterable[Mapping[str, Any]]) -> tuple[Weight, ...]:
    return tuple(Weight(str(one["term"]), float(one["weight"])) for one in said)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _lines(
    path: Path, kind: str, keys: frozenset[str], tally: Tally
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file by line number; keys that nobody knows are left out and told.

    In a reader's own export lines say what ``kind`` they are; those of another are passed over.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                line = json.loads(text)
            except (ValueError, RecursionError) as error:
                tally.refused.append((number, f"not JSON: {error}"))
                continue
            if isinstance(line, dict) and line.get("kind", kind) != kind:
                continue
            if isinstance(line, dict):
                tally.unknown_keys |= line.keys() - keys
                yield number, line
            else:
                tally.refused.append((number, "not a JSON object"))


@contextmanager
def _refusing(number: int, tally: Tally) -> Iterator[None]:
    """Count the line as taken, or keep the reason why it was not; the next one goes on."""
    try:
        yield
    except KeyError as error:
        tally.refused.append((number, f"it has no {error}"))
    except (LarkpostError, ValueError, TypeError, OverflowError) as error:
        tally.refused.append((number, str(error)))
    else:
        tally.taken += 1
