"""Imports the operator's decisions about papers, from the lines of ``decisions.jsonl``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from larkpost.db import papers
from larkpost.db.matching import match_decisions
from larkpost.db.matching.comparison.duplicate_rules import MatchRule
from larkpost.db.matching.match_decisions import MatchDecision
from larkpost.db.matching.unify_papers import choose_kept, unify
from larkpost.domain import Identifier
from larkpost.portability.import_lines import ImportReport, read_lines, refusing
from larkpost.portability.record_fields import read_moment
from larkpost.text.identifiers import parse_identifier

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store


def take_decisions(store: Store, path: Path, *, now: datetime) -> ImportReport:
    """Import decisions; two papers in the database that were decided to be one are merged.

    One paper in the database that was decided to be several is reported, not split.
    """
    tally = ImportReport()
    for number, line in read_lines(path, "decision", tally):
        with refusing(number, tally):
            decision = _read(line, now)
            with store.begin() as connection:
                papers.take_turns(connection)
                match_decisions.record(connection, decision)
                remark = _apply(connection, decision, now)
            if remark:
                tally.remarks.append((number, remark))
    return tally


def _read(line: Mapping[str, Any], now: datetime) -> MatchDecision:
    same, parts = line["same"], line["parts"]
    if not isinstance(same, bool):
        raise TypeError("same is neither true nor false")
    if not isinstance(parts, list) or not all(isinstance(names, list) for names in parts):
        raise TypeError("parts is not a list of lists of names")
    read = tuple(tuple(parse_identifier(str(name)) for name in names) for names in parts if names)
    if len(read) < 2:
        raise ValueError("it needs two parts or more, each with a name")
    names = [name for part in read for name in part]
    if len(names) != len(set(names)):
        raise ValueError("one name stands in it twice")
    at = read_moment(line, "at") if line.get("at") else now
    return MatchDecision(same, read, min(at, now))


def _apply(connection: Connection, decision: MatchDecision, now: datetime) -> str | None:
    """Merge papers according to a decision; returns a remark, None if there is none."""
    owners = papers.owners(connection, {name for names in decision.parts for name in names})
    owned = [_ids(names, owners) for names in decision.parts]
    if decision.same:
        ids = sorted(set().union(*owned))
        stays = ids[0] if ids else 0
        for other in ids[1:]:
            stays, goes = choose_kept(connection, stays, other)
            unify(connection, stays, goes, now=now, rule=MatchRule.DECISION)
        return None
    together = [one for number, one in enumerate(owned) for two in owned[:number] if one & two]
    if not together:
        return None
    name = next(str(name) for name, number in owners.items() if number in together[0])
    return f"one paper here that was decided to be several: larkpost papers split {name}"


def _ids(names: tuple[Identifier, ...], owners: Mapping[Identifier, int]) -> set[int]:
    return {owners[name] for name in names if name in owners}
