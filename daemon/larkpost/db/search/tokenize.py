"""Tokenises papers for the search index, and queries to match them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from larkpost.domain import Paper
from larkpost.text.normalize import as_ascii, normal_form, without_marks
from larkpost.text.stemming import stem_words

# These rules decide the search results on both databases, whose own text parsers agree neither on
# words nor on stems. Every existing index was made with these rules: a change needs a migration
# that fills the index again.

# A script that is written without spaces is cut into characters, so that any part of it is found.
UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_LONGEST = 64  # characters; a longer run is cut, in papers and in queries
# Its marks that are no letters (Thai vowels) are removed like the accents of other scripts.
_WORD = re.compile(rf"(?=[^\W_])[{UNSPACED}]|[^\W_{UNSPACED}]{{1,{_LONGEST}}}")
# ASCII letters become lower case; other ASCII characters except digits become spaces.
_APART = bytes(ord(chr(c).lower()) if c < 128 and chr(c).isalnum() else 32 for c in range(256))

# Words of each part that are indexed. PostgreSQL counts positions up to 16,383.
MOST_IN_TITLE = 500
MOST_IN_BODY = 5_000
_MOST_STEMS = 50_000  # the number of stems in memory
MOST_IN_FACTS = 500  # words of categories and the like
BREAK = "¶"  # separates authors; no word, so that no phrase spans two authors

# Words without a subject, ignored when titles are compared; queries may contain them.
_EMPTY = frozenset(
    ("about", "and", "are", "can", "does", "for", "from", "has", "have", "how", "into", "its",
     "not", "our", "over", "that", "the", "their", "they", "this", "through", "towards", "under",
     "using", "via", "was", "what", "when", "where", "which", "who", "why", "with", "without")
)  # fmt: skip  # a word a line would be longer than the module


@dataclass(frozen=True, slots=True)
class Document:
    """A paper in the form of the index: words separated by spaces; stems, except authors' names."""

    title: str
    authors: str
    abstract: str


def words(text: str) -> list[str]:
    """Split a text into words: lower case, without accents or ligatures."""
    if (plain := as_ascii(text)) is not None:
        runs = _runs(plain)
        return _cut_long(runs) if max(map(len, runs), default=0) > _LONGEST else runs
    return _WORD.findall(_fold_case(text))


def _runs(text: str) -> list[str]:
    """Split an ASCII text at all characters but letters and digits."""
    return text.encode().translate(_APART).decode().split()


def _cut_long(runs: Iterable[str]) -> list[str]:
    return [run[at : at + _LONGEST] for run in runs for at in range(0, len(run), _LONGEST)]


def stems(text: str) -> list[str]:
    """Split a text into words, and reduce these to their stems (Porter, 1980).

    Its author froze the algorithm, so an index stays valid with the library's next release.
    """
    if (plain := as_ascii(text)) is not None:
        try:
            return list(map(_STEMS.__getitem__, _runs(plain)))
        except _LongWordError:
            pass
    return list(map(_STEMS.__getitem__, words(text)))


class _LongWordError(Exception):
    """A word has more than ``_LONGEST`` characters."""


class _StemCache(dict[str, str]):
    """Stems by their words, computed on first use; faster than a cached function.

    It raises _LongWordError for a long word: measuring every word of a text takes longer.
    """

    def __missing__(self, word: str) -> str:
        if len(word) > _LONGEST:
            raise _LongWordError
        if len(self) >= _MOST_STEMS:
            self.clear()
        stem = stem_words([word])[0]
        self[word] = stem if stem != word else word  # one object, not two equal ones
        return stem


_STEMS = _StemCache()


def document(paper: Paper) -> Document:
    """Return the searchable words of a paper."""
    told = (paper.organisation, paper.journal_ref, paper.comment)
    facts = (*paper.categories, *paper.keywords, *filter(None, told))
    return index_document(paper.title, paper.authors, paper.abstract, facts)


def index_document(
    title: str, authors: Sequence[str], abstract: str, facts: Sequence[str] = ()
) -> Document:
    """Convert a title, names, an abstract and ``facts``, such as categories, for the index.

    Facts are found like words of the abstract; a phrase never spans two of them or the abstract.
    """
    body = stems(abstract)[: MOST_IN_BODY - MOST_IN_FACTS] if facts else stems(abstract)
    more = [word for fact in facts for word in (BREAK, *stems(fact))][:MOST_IN_FACTS]
    named = [word for author in authors for word in (*words(author), BREAK)]
    return Document(
        " ".join(stems(title)[:MOST_IN_TITLE]),
        " ".join(named[:MOST_IN_BODY]),
        " ".join((body + more)[:MOST_IN_BODY]),
    )


def telling(title: str, most: int = 8) -> list[str]:
    """Choose the longest words of a title that name its subject, in order."""
    found = dict.fromkeys(w for w in words(title) if len(w) > 2 and w not in _EMPTY)
    longest = sorted(found, key=lambda word: (-len(word), word))[:most]
    return [word for word in found if word in longest]


def _fold_case(text: str) -> str:
    decomposed = normal_form("NFKD", text).casefold()
    return unicodedata.normalize("NFC", without_marks(normal_form("NFKD", decomposed)))
