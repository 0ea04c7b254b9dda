"""The operator's decisions: these identifiers are one paper, or are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from larkpost.db import schema
from larkpost.db.value_batches import batches, gather
from larkpost.domain import Identifier

_table, _name = schema.tables.match_decision, schema.tables.decided_name


@dataclass(frozen=True, slots=True)
class MatchDecision:
    """Identifiers in ``parts``: all parts are the ``same`` paper, or each part is a different one.

    Decisions are about identifiers, not papers, so that they apply to later dumps and in another
    home.
    """

    same: bool
    parts: tuple[tuple[Identifier, ...], ...]
    at: datetime
    id: int = 0


@dataclass(slots=True)
class MatchDecisions:
    """The decisions about some identifiers, for lookups."""

    decisions: Sequence[MatchDecision] = ()
    _parts: dict[Identifier, list[tuple[MatchDecision, int]]] = field(
        init=False, default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        for decision in self.decisions:
            for part, names in enumerate(decision.parts):
                for name in names:
                    self._parts[name].append((decision, part))

    def partners(self, names: Iterable[Identifier]) -> list[Identifier]:
        """Return the identifiers that were decided to identify the same paper as one of these."""
        if not self._parts:  # as in nearly all homes; it is asked for each reference of a list
            return []
        known = dict.fromkeys(names)
        return list(
            dict.fromkeys(
                partner
                for name in known
                for decision, _ in self._parts.get(name, ())
                if decision.same
                for part in decision.parts
                for partner in part
                if partner not in known
            )
        )

    def forbid(self, names: Sequence[Identifier], others: Collection[Identifier]) -> bool:
        """Return whether the operator decided that these ``names`` (text last) are another paper.

        Its text counts more than an identifier: a page's wrong identifier may be why the papers
        were split.
        """
        if not self._parts:
            return False
        mine = self._places(names[-1:]) or self._places(names)
        theirs = self._places(others)
        return any(mine[one].isdisjoint(theirs[one]) for one in mine.keys() & theirs.keys())

    def _places(self, names: Iterable[Identifier]) -> dict[int, set[int]]:
        places: dict[int, set[int]] = {}
        for name in names:
            for decision, part in self._parts.get(name, ()):
                if not decision.same:
                    places.setdefault(id(decision), set()).add(part)
        return places


def read_about(connection: Connection, names: Iterable[Identifier]) -> MatchDecisions:
    """Read the decisions that contain one of these identifiers; usually there is none."""
    if connection.execute(select(_table.c.id).limit(1)).first() is None:
        return MatchDecisions()
    ids = {
        number
        for scheme, values in gather((name.scheme, name.value) for name in names).items()
        for some in batches(values)
        for number in connection.execute(
            select(_name.c.decision_id).where(_name.c.scheme == scheme, _name.c.value.in_(some))
        ).scalars()
    }
    return MatchDecisions([one for one in iterate(connection) if one.id in ids])


def iterate(connection: Connection) -> Iterator[MatchDecision]:
    """Read every decision, oldest first."""
    order = (_name.c.part, _name.c.scheme, _name.c.value)
    parts: dict[int, dict[int, list[Identifier]]] = defaultdict(lambda: defaultdict(list))
    for row in connection.execute(select(_name).order_by(_name.c.decision_id, *order)):
        parts[row.decision_id][row.part].append(Identifier(row.scheme, row.value))
    for row in connection.execute(select(_table).order_by(_table.c.at, _table.c.id)):
        groups = tuple(tuple(names) for names in parts[row.id].values())
        yield MatchDecision(row.same, groups, row.at, row.id)


def record(connection: Connection, decision: MatchDecision) -> None:
    """Store a decision, replacing those that it contradicts: the latest one applies.

    An older one from an import does not replace a newer one here.
    """
    others = list(iterate(connection))
    if any(_contradicts(decision, other) and other.at > decision.at for other in others):
        return
    for other in others:
        if _contradicts(decision, other) or _repeats(decision, other):
            connection.execute(delete(_table).where(_table.c.id == other.id))
    _insert(connection, decision)


def _insert(connection: Connection, decision: MatchDecision) -> None:
    values = {"same": decision.same, "at": decision.at}
    made = connection.execute(insert(_table).values(values).returning(_table.c.id))
    number = made.scalar_one()
    rows = [
        {"decision_id": number, "part": part, "scheme": name.scheme, "value": name.value}
        for part, names in enumerate(decision.parts)
        for name in names
    ]
    connection.execute(insert(_name), rows)


def _contradicts(new: MatchDecision, old: MatchDecision) -> bool:
    """Whether one decision unites identifiers that the other one separates."""
    if new.same == old.same:
        return False
    same, apart = (new, old) if new.same else (old, new)
    united = {name for names in same.parts for name in names}
    return sum(not united.isdisjoint(names) for names in apart.parts) > 1


def _repeats(new: MatchDecision, old: MatchDecision) -> bool:
    return new.same == old.same and {*map(frozenset, new.parts)} == {*map(frozenset, old.parts)}
