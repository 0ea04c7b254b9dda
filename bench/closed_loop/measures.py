"""Measures closed loops: precision, arrivals, interests never found, changes, chances."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from bench.closed_loop.record import NOBODY
from bench.support import goals
from bench.support.measures import interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.closed_loop.record import Record
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Records = Sequence[Record]  # of one system, one per draw

OURS, ORACLE = "Larkpost", "oracle"
NOT_FOUND = "interests never found"
SECOND_NOT_FOUND = "second and third interests never found"
LATER = 10  # days after which the first window has passed
NEVER = 0.05  # an interest was never found if a smaller share of its papers was shown
FEWEST = 10  # an interest with fewer papers is not measured
WEEK = 5  # weekdays
FOLLOWED = 0.8  # share of the oracle's precision over a week
TWO_WEEKS = 2 * WEEK


class Block(NamedTuple):
    """Days of a run, from ``first`` up to ``end``, and readers: all, stable or changing."""

    who: str
    first: int
    end: int

    @property
    def name(self) -> str:
        """Return the days counted from 1."""
        return f"days {self.first + 1}-{self.end}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A measure of a system in a block: a value per reader or interest, NaN for none."""

    measure: str
    block: Block
    system: str
    values: Values


def blocks(days: int, change: int) -> list[Block]:
    """Cut a run into blocks of ten days before and after the change, or longer ones.

    From the change on, readers who change and those who stay also have their own blocks. The last
    block is everything after the first ten days.
    """
    steps = (10, 20, 30, 40, 50) if days <= 60 else (10, 25, 50, 100, 150)
    before = [0, *(at for at in steps if at < change), change]
    after = [change, *(change + at for at in steps if change + at < days), days]
    cut = [
        *(Block("all", *ends) for ends in pairwise(before)),
        *(Block(who, *ends) for who in ("all", "stay", "change") for ends in pairwise(after)),
    ]
    return [*cut, Block("all", LATER, days)] if days > LATER else cut


def cells(by_system: Mapping[str, Records]) -> list[Cell]:
    """Measure every system in every block: P@10, arrivals, and interests never found."""
    some = next(iter(by_system.values()))[0]
    change = some.draw.people[0].change
    cut = blocks(some.draw.stream.days, change)
    found = []
    for name, records in by_system.items():
        precision, arrived, wanted = (np.concatenate(one) for one in _by_reader(records))
        changing = np.array([one.changes for record in records for one in record.draw.people])
        for block in cut:
            mine = {"all": changing | True, "stay": ~changing, "change": changing}[block.who]
            days = slice(block.first, block.end)
            if mine.any():
                means = precision[mine, days].mean(axis=1)
                share = _ratio(arrived[mine, days].sum(axis=1), wanted[mine, days].sum(axis=1))
                found += [Cell("P@10", block, name, means), Cell("arrived", block, name, share)]
        found += _never_found(name, records, change)
    return found


def _by_reader(records: Records) -> tuple[list[Values], list[Values], list[Values]]:
    """Return P@10 by reader and day, and each day's relevant papers: shown ones, and all."""
    told: tuple[list[Values], list[Values], list[Values]] = ([], [], [])
    for record in records:
        stream = record.draw.stream
        told[0].append(record.hits().mean(axis=2))
        ever = shown_at_all(record)
        relevant = np.array(
            [
                [person.relevant(day)[stream.announced(day)] for day in range(stream.days)]
                for person in record.draw.people
            ]
        )
        told[1].append((ever.reshape(relevant.shape) & relevant).sum(axis=2).astype(float))
        told[2].append(relevant.sum(axis=2).astype(float))
    return told


def shown_at_all(record: Record) -> NDArray[np.bool_]:
    """Return whether each paper of the stream was ever shown to each reader (r, n)."""
    stream = record.draw.stream
    ever = np.zeros((len(record.shown), stream.days * stream.daily), dtype=bool)
    for line, papers in enumerate(record.shown):
        ever[line, papers[papers != NOBODY]] = True
    return ever


def _ratio(part: Values, whole: Values) -> Values:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _never_found(name: str, records: Records, change: int) -> Iterator[Cell]:
    """Yield for each interest whether too few of its papers were shown while it lasted.

    Interests of the first day are counted under all days, even if they end with the change.
    """
    found: dict[tuple[str, Block], list[float]] = defaultdict(list)
    for record in records:
        stream, ever = record.draw.stream, shown_at_all(record)
        whole, later = Block("all", 0, stream.days), Block("change", change, stream.days)
        for line, person in enumerate(record.draw.people):
            held = [(whole, person.before, change if person.changes else stream.days)]
            if person.changes:
                held.append((later, person.after, stream.days))
            for block, interests, end in held:
                papers = slice(block.first * stream.daily, end * stream.daily)
                for at, one in enumerate(interests):
                    missed = _missed(one.relevant[papers], ever[line, papers])
                    found[NOT_FOUND, block].append(missed)
                    if at:
                        found[SECOND_NOT_FOUND, block].append(missed)
    for (measure, block), values in found.items():
        yield Cell(measure, block, name, np.array(values))


def _missed(relevant: NDArray[np.bool_], shown: NDArray[np.bool_]) -> float:
    """Return 1 for an interest that was never found, 0 if it was, NaN if its papers are few."""
    many = int(relevant.sum())
    return np.nan if many < FEWEST else float((relevant & shown).sum() < NEVER * many)


def summary(found: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return means with intervals, and our mean minus each, paired by reader or interest."""
    ours = {(one.measure, one.block): one.values for one in found if one.system == OURS}
    lines = []
    for cell in found:
        known = ~np.isnan(cell.values)
        if not known.any():
            continue
        values = cell.values[known]
        line: dict[str, Any] = {
            "measure": cell.measure,
            "who": cell.block.who,
            "days": [cell.block.first + 1, cell.block.end],
            "system": cell.system,
            "count": len(values),
            "mean": _rounded(values.mean()),
            "interval": [_rounded(one) for one in interval(values)],
        }
        if (mine := ours.get((cell.measure, cell.block))) is not None:
            gain = mine[known] - values
            line["ours_less_this"] = [_rounded(one) for one in (gain.mean(), *interval(gain))]
        lines.append(line)
    return lines


def _rounded(value: float) -> float:
    return round(float(value), 4)


def followed(records: Records, oracles: Records, *, own: bool = False) -> Values:
    """Return the days until a moving week reaches 80 % of the oracle's, per reader who changes.

    Infinite if it never does; each week is entirely after the change. With ``own`` it is 80 % of
    the share of the oracle's precision that the system had in the two weeks before the change, so
    that interests that are hard to learn do not count as changes that are not followed. Readers
    for whom it had none, or who like no paper after the change, are left out.
    """
    days = []
    for record, oracle in zip(records, oracles, strict=True):
        mine, best = (one.hits().mean(axis=2) for one in (record, oracle))
        for line, person in enumerate(record.draw.people):
            level = _level(mine[line], best[line], person.change) if own else 1.0
            theirs = _weeks(best[line, person.change :])
            if person.changes and theirs.any() and level > 0:
                wanted = FOLLOWED * level * theirs
                reached = (_weeks(mine[line, person.change :]) >= wanted) & (theirs > 0)
                days.append(float(reached.argmax()) + WEEK if reached.any() else np.inf)
    return np.array(days)


def _level(mine: Values, best: Values, change: int) -> float:
    """Return the share of the oracle's precision in the two weeks before the change."""
    before = slice(max(0, change - TWO_WEEKS), change)
    return float(mine[before].sum() / max(best[before].sum(), 1e-9))


def _weeks(daily: Values) -> Values:
    """Return the mean of each day (d) and the four after it (d - 4), for whole weeks only."""
    sums = np.concatenate([[0.0], daily.cumsum()])
    return np.asarray((sums[WEEK:] - sums[:-WEEK]) / WEEK)


def changes(by_system: Mapping[str, Records]) -> list[dict[str, Any]]:
    """Return for each system how many readers' changes were followed, and how soon."""
    lines = []
    for name, records in by_system.items():
        days = followed(records, by_system[ORACLE])
        own = followed(records, by_system[ORACLE], own=True)
        if len(days):
            middle = float(np.quantile(days, 0.5, method="inverted_cdf"))
            lines.append(
                {
                    "system": name,
                    "readers": len(days),
                    "within_two_weeks": _rounded((days <= TWO_WEEKS).mean()),
                    "at_all": _rounded(np.isfinite(days).mean()),
                    "median_days": middle if np.isfinite(middle) else None,
                    "own_level_in_two_weeks": _rounded((own <= TWO_WEEKS).mean())
                    if len(own)
                    else None,
                }
            )
    return lines


def chances(records: Records) -> list[dict[str, Any]]:
    """Compare the predicted chances of viewed papers with thumbs up, block by block."""
    first = records[0].draw
    cut = blocks(first.stream.days, first.people[0].change)
    return [
        _chances(records, block)
        for block in (Block("all", 0, first.stream.days), *cut)
        if block.who == "all"
    ]


def _chances(records: Records, block: Block) -> dict[str, Any]:
    told = [one for record in records for one in _told(record, block)]
    chance = np.concatenate([one.chances for one in told])
    up = np.concatenate([one.liked for one in told])
    line: dict[str, Any] = {"days": [block.first + 1, block.end], "papers": len(chance)}
    if not len(chance):
        return line
    which = np.minimum((chance * goals.BINS).astype(int), goals.BINS - 1)
    return line | {
        "error": _rounded(goals.calibration_error(told)),
        "told": _rounded(chance.mean()),
        "true": _rounded(up.mean()),
        "bins": [
            [_rounded(chance[which == at].mean()), _rounded(up[which == at].mean()), int(n)]
            for at, n in enumerate(np.bincount(which, minlength=goals.BINS))
            if n
        ],
    }


def _told(record: Record, block: Block) -> Iterator[goals.Told]:
    """Yield for each reader the predicted chances of viewed papers, and their thumbs."""
    days = slice(block.first, block.end)
    for line, looked in enumerate(record.looked):
        chance = record.chances[line, days][looked[days]]
        known = ~np.isnan(chance)
        yield goals.Told(chance[known], record.pressed[line, days][looked[days]][known] > 0)
