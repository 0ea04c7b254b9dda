"""Formats the results of closed loops as Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.closed_loop.measures import NOT_FOUND, ORACLE, OURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.closed_loop.ours import Cost

    Line = Mapping[str, Any]

WHO = {"all": "all readers", "stay": "those who stay", "change": "those who change"}
A_MONTH = 20  # days
FLAT = 1.2  # the largest allowed ratio of the last month's cost to the second's
NEVER_GOAL, FOLLOW_GOAL = 0.12, 0.75


def tables(lines: Sequence[Line], changes: Sequence[Line], chances: Sequence[Line]) -> str:
    """Format every measure; `` -`` marks a system significantly below ours, `` +`` above."""
    told = []
    for measure in dict.fromkeys(line["measure"] for line in lines):
        some = [line for line in lines if line["measure"] == measure]
        for who in dict.fromkeys(line["who"] for line in some):
            told += ["", f"### {measure}, {WHO[who]}", ""]
            told += _table([line for line in some if line["who"] == who])
    return "\n".join([*told, *_changes(changes), *_chances(chances)])


def _table(lines: Sequence[Line]) -> list[str]:
    columns = list(dict.fromkeys(tuple(line["days"]) for line in lines))
    systems = list(dict.fromkeys(line["system"] for line in lines))
    cells = {(line["system"], tuple(line["days"])): _cell(line) for line in lines}
    return [
        "| | " + " | ".join(_days(*one) for one in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
        *(
            f"| {system} | " + " | ".join(cells.get((system, one), "") for one in columns) + " |"
            for system in systems
        ),
    ]


def _days(first: int, end: int) -> str:
    return f"days {first}-{end}"


def _cell(line: Line) -> str:
    low, high = line["interval"]
    mean = f"{line['mean']:.3f} ±{(high - low) / 2:.3f}"
    if line["system"] == OURS or "ours_less_this" not in line:
        return mean
    _, worst, best = line["ours_less_this"]
    return mean + (" -" if worst > 0 else " +" if best < 0 else "")


def _changes(lines: Sequence[Line]) -> list[str]:
    if not lines:
        return []
    told = ["", "### Days until a change is followed", ""]
    told.append(
        "| | readers | within two weeks | at all | half of them by day | to their own level |"
    )
    told.append("|---" * 6 + "|")
    for line in lines:
        middle = "-" if line["median_days"] is None else f"{line['median_days']:.0f}"
        own = line["own_level_in_two_weeks"]
        told.append(
            f"| {line['system']} | {line['readers']} | {line['within_two_weeks']:.2f}"
            f" | {line['at_all']:.2f} | {middle} | {'-' if own is None else f'{own:.2f}'} |"
        )
    return told


def _chances(lines: Sequence[Line]) -> list[str]:
    told = ["", "### Chances told of papers that were looked at, and thumbs up that came", ""]
    told += ["| | papers | told | true | error (ECE) |", "|---" * 5 + "|"]
    for line in lines:
        if line["papers"]:
            told.append(
                f"| {_days(*line['days'])} | {line['papers']} | {line['told']:.3f}"
                f" | {line['true']:.3f} | {line['error']:.3f} |"
            )
    whole = next((line for line in lines if line["papers"]), None)
    if whole is not None:
        told += ["", "| told | true | papers |", "|---" * 3 + "|"]
        told += [f"| {chance:.2f} | {true:.2f} | {n} |" for chance, true, n in whole["bins"]]
    return told


def against_goals(lines: Sequence[Line], changes: Sequence[Line]) -> str:
    """Describe which goals of the loop are reached, and where a peer is clearly better."""
    told = ["", "### Goals", "", "| goal | here | reached |", "|---" * 3 + "|"]
    peers = [line for line in lines if line["system"] not in (OURS, ORACLE)]
    later = [line for line in _precise(peers) if line["who"] == "all" and line["days"][0] == 11]
    last = max((line["days"][1] for line in later), default=0)
    gains = [line for line in later if line["days"][1] == last]
    if gains:
        least = min(gains, key=lambda line: line["ours_less_this"][0])
        gain, low, high = least["ours_less_this"]
        here = f"{gain:+.3f} [{low:+.3f}, {high:+.3f}] over {least['system']}"
        told.append(f"| day 11 on, P@10 ahead of every peer's mean | {here} | {_yes(gain > 0)} |")
    behind = [
        f"{line['system']} ({WHO[line['who']]}, {_days(*line['days'])})"
        for line in _precise(peers)
        if line["ours_less_this"][2] < 0
    ]
    here = "; ".join(behind) or "nobody"
    told.append(
        f"| no peer significantly ahead in P@10 in any block | {here} | {_yes(not behind)} |"
    )
    for line in changes:
        if line["system"] == OURS:
            share = line["within_two_weeks"]
            reached = _yes(share >= FOLLOW_GOAL)
            told.append(
                f"| three of four changes followed in two weeks | {share:.2f} | {reached} |"
            )
    for line in lines:
        if line["system"] == OURS and line["measure"] == NOT_FOUND and line["who"] == "all":
            share = line["mean"]
            reached = _yes(share <= NEVER_GOAL)
            told.append(f"| at most 12 % of interests never found | {share:.3f} | {reached} |")
    return "\n".join(told)


def _precise(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line["measure"] == "P@10" and "ours_less_this" in line]


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"


def months(cost: Cost, readers: int) -> list[dict[str, Any]]:
    """Return the cost per reader and day, and memory, by months of 20 days."""
    lines = []
    for first in range(0, len(cost.seconds), A_MONTH):
        some = slice(first, first + A_MONTH)
        mornings = len(cost.seconds[some])
        each = [1000 * sum(one[some]) / mornings / readers for one in (cost.seconds, cost.fitting)]
        lines.append(
            {
                "mornings": [first + 1, first + mornings],
                "ms_a_reader": round(each[0], 1),
                "of_it_fitting": round(each[1], 1),
                "megabytes": round(max(cost.megabytes[some]) - cost.before),
            }
        )
    return lines


def cost_table(lines: Sequence[Line]) -> str:
    """Format the cost per day, and whether time and memory stay flat from the second month.

    Compared with it is the last whole month: the rest of one may be without a fit.
    """
    told = ["", "### What a morning costs", ""]
    head = (
        "mornings",
        "CPU, ms a reader",
        "of it fitting",
        "without fits",
        "MB beside the bench's",
    )
    told.append(f"| {' | '.join(head)} |")
    told.append("|---" * 5 + "|")
    for line in lines:
        first, last = line["mornings"]
        rest = line["ms_a_reader"] - line["of_it_fitting"]
        told.append(
            f"| {first}-{last} | {line['ms_a_reader']:.1f} | {line['of_it_fitting']:.1f}"
            f" | {rest:.1f} | {line['megabytes']} |"
        )
    whole = [line for line in lines if line["mornings"][1] % A_MONTH == 0]
    if len(whole) > 2:
        told.append("")
        for name, what in (("ms_a_reader", "cost"), ("megabytes", "held")):
            times = whole[-1][name] / max(whole[1][name], 1)
            verdict = "flat" if times <= FLAT else "not flat"
            told.append(f"The last month {what} {times:.2f} times what the second did: {verdict}.")
    return "\n".join(told)
