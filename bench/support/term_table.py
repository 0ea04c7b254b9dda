"""Computes the table of how specific English words are to a topic, from arXiv abstracts.

python -m bench.support.term_table [--data DIR] [--show LOW HIGH]

Reads ``arxiv-background`` (titles, abstracts and categories of 35,456 papers, CC0) and writes
``daemon/larkpost/text/term_specificity.txt``. Three figures distinguish a topic from academic
English, each too weak alone: how often a paper with a word has it in the title; how often it
repeats the word (burstiness: Church & Gale 1995); how different the categories of its papers are
from those of all papers (Kullback-Leibler divergence). "Commonly" is in no title, is not repeated,
and occurs in every field.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.support.readers import data_folder
from bench.support.term_labels import MODIFIERS, PARTICULAR, corrected

from larkpost.ranking.words.tokenizer import is_stop_word, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RAREST, RAREST_COMPOUND = 5, 20  # papers; rarer words are not measured
LOWEST, HIGHEST = -8.0, -3.0  # specificity of grade 0, and of a word that needs no entry
GRADES = 10
VERB, SURE_VERB, HEAD = 0.2, 0.3, 0.35  # shares of occurrences
ADJECTIVES = ("able", "ible", "ous", "ful", "ed")
MODEST, FEEBLE = 7, 3  # up to these grades a verb form, or an adjective, is in no phrase
TARGET = Path(__file__).resolve().parents[2] / "daemon/larkpost/text/term_specificity.txt"
_TOKEN = re.compile(r"\w+(?:-\w+)*|[.,;:()!?]")
_BEFORE_VERBS = frozenset(
    [
        "we",
        "to",
        "can",
        "they",
        "which",
        "that",
        "it",
        "not",
        "will",
        "could",
        "would",
        "may",
        "might",
        "must",
        "should",
        "cannot",
        "also",
    ]
)
_AFTER_VERBS = frozenset(
    ["the", "a", "an", "our", "its", "their", "this", "these", "how", "whether"]
)


@dataclass
class Usage:
    """How a word is used: papers, occurrences, papers with it in the abstract and in both."""

    papers: int = 0
    said: int = 0
    in_abstract: int = 0
    in_both: int = 0
    running: int = 0  # occurrences in running text, of which …
    as_verb: int = 0  # … in the position of a verb
    at_end: int = 0  # … before a stop word or a mark, as the head of a noun phrase
    categories: Counter[str] = field(default_factory=Counter)

    def particularity(self, expected: Mapping[str, float]) -> float:
        """Return the weighted sum of the logarithms of the three figures."""
        total = self.categories.total()
        apart = sum(
            n / total * math.log(n / total / expected[name]) for name, n in self.categories.items()
        ) - (len(self.categories) - 1) / (2 * total)  # its bias (Miller 1955)
        in_title = (self.in_both + 0.3) / (self.in_abstract + 3)
        again = self.said / self.papers
        return 1.2 * math.log(in_title) + 2.5 * math.log(again) + 1.5 * math.log(max(apart, 0.01))

    @property
    def verb(self) -> float:
        """Return the share of its occurrences in the position of a verb."""
        return self.as_verb / max(1, self.running)

    @property
    def head(self) -> float:
        """Return the share of its occurrences in which it ends a noun phrase."""
        return self.at_end / max(1, self.running)


def read(lines: Iterable[str]) -> tuple[dict[str, Usage], dict[str, float], int]:
    """Count all words; also returns the share of each category and the number of papers."""
    usage: defaultdict[str, Usage] = defaultdict(Usage)
    categories: Counter[str] = Counter()
    for line in lines:
        paper = json.loads(line)
        category = paper["cats"][0]
        categories[category] += 1
        title, abstract = _words(paper["title"]), _words(paper["abs"])
        for word in title.keys() | abstract.keys():
            one = usage[word]
            one.papers += 1
            one.said += title[word] + abstract[word]
            one.in_abstract += word in abstract
            one.in_both += word in abstract and word in title
            one.categories[category] += 1
        _read_places(_TOKEN.findall(paper["abs"].lower()), usage)
    papers = categories.total()
    return dict(usage), {name: n / papers for name, n in categories.items()}, papers


def _words(text: str) -> Counter[str]:
    """Count words and compounds: ``real-world`` is one word, not ``real`` and ``world``."""
    found = _TOKEN.findall(text.lower())
    return Counter(one for one in found if one[0].isalpha() and ("-" in one or terms(one)))


def _read_places(tokens: list[str], usage: Mapping[str, Usage]) -> None:
    for before, word, after in zip([".", *tokens], tokens, [*tokens[1:], "."], strict=False):
        if len(word) < 2 or is_stop_word(word) or (one := usage.get(word)) is None:
            continue
        one.running += 1
        verb = before in _BEFORE_VERBS or after in _AFTER_VERBS
        one.as_verb += verb
        one.at_end += not verb and (len(after) == 1 or is_stop_word(after))


def kind_of(word: str, usage: Mapping[str, Usage], grade: int) -> str:
    """Return where in a phrase a word may be: ``head``, ``modifier`` or ``never``."""
    one = usage[word]
    if word.endswith(ADJECTIVES) and grade < GRADES and word not in PARTICULAR:
        return "never" if grade <= FEEBLE else "modifier"
    if one.verb > VERB or (grade <= MODEST and _is_verb_form(word, usage)):
        return "never"
    if one.head > HEAD:
        return "head"
    return "never" if grade <= FEEBLE else "modifier"


def _is_verb_form(word: str, usage: Mapping[str, Usage]) -> bool:
    """Return whether a word in -s, -ed or -ing is a form of a word that is used as a verb."""
    for ending in ("s", "es", "ed", "ing", "d"):
        if (base := word.removesuffix(ending)) != word:
            for form in (base, f"{base}e", base[:-1]):
                if (one := usage.get(form)) and one.papers >= RAREST and one.verb > SURE_VERB:
                    return True
    return False


def entries(
    usage: Mapping[str, Usage], expected: Mapping[str, float]
) -> Iterator[tuple[int, str, str, int]]:
    """Yield grade, kind, word and papers of each word that is not fully specific."""
    for word, one in sorted(usage.items()):
        rarest = RAREST_COMPOUND if "-" in word else RAREST
        if one.papers < rarest and word not in MODIFIERS:
            continue
        part = (one.particularity(expected) - LOWEST) / (HIGHEST - LOWEST)
        grade = math.floor(min(max(part, 0), 1) * GRADES)
        kind = kind_of(word, usage, grade)
        if word.endswith("ly") and word not in PARTICULAR:
            grade, kind = min(grade, 1), "never"
        grade, kind = corrected(word, grade, kind)
        if word not in PARTICULAR and (grade < GRADES or kind == "never"):
            yield grade, kind, word, one.papers


def main() -> None:
    """Write the table, or print the words between two specificities."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path)
    options.add_argument("--show", type=float, nargs=2, metavar=("LOW", "HIGH"))
    given = options.parse_args()
    path = data_folder(given.data) / "arxiv-background" / "docs.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        usage, expected, papers = read(lines)
    if given.show:
        low, high = given.show
        rank = {w: one.particularity(expected) for w, one in usage.items() if one.papers >= 30}
        print(*(w for w in sorted(rank, key=lambda w: rank[w]) if low <= rank[w] < high))
        return
    TARGET.write_text(table(entries(usage, expected), papers), "utf-8")


def table(found: Iterable[tuple[int, str, str, int]], papers: int) -> str:
    """Write the table: a line per grade and kind, with its words in order."""
    groups: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for grade, kind, word, _ in found:
        groups[grade, kind].append(word)
    head = [
        "# How particular English words are to a topic, from 0 (fits any abstract) to 9; words",
        "# that are not here are wholly particular. Made of the titles",
        f"# and abstracts of {papers:,} arXiv papers, 2025-03-18 to 2026-01-31 (metadata CC0),",
        "# mostly computer vision and language. Then the place a word may have in a phrase: head,",
        "# modifier, or never; then the words. Made by bench/support/term_table.py.",
    ]
    body = [f"{grade} {kind} {' '.join(words)}" for (grade, kind), words in sorted(groups.items())]
    return "\n".join([*head, *body, ""])


if __name__ == "__main__":
    main()
