"""Caches the TF-IDF rows of recent texts, because tokenising costs the most."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.domain import Paper

MOST = 10_000  # rows of about 150 terms and 200 themes: at most 25 MB
BATCH = 500  # texts made into rows at once: the words of a year's votes would take 100 MB


class SparseRow(NamedTuple):
    """One sparse row: its columns and values."""

    columns: NDArray[np.int32]
    weights: NDArray[np.float32]


class CachedRow(NamedTuple):
    """One row of a text, and its themes (d)."""

    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    themes: NDArray[np.float32]


class TextRows(NamedTuple):
    """Rows of texts (n, v), and their themes (n, d)."""

    plain: csr_array
    themes: NDArray[np.float32]


class PaperTexts(Sequence[str | Mapping[str, float]]):
    """The texts of papers, made when they are read, and the counts of hints."""

    def __init__(self, sources: Sequence[Paper | Mapping[str, float]]) -> None:
        self._sources = sources

    def __len__(self) -> int:
        return len(self._sources)

    @overload
    def __getitem__(self, at: int) -> str | Mapping[str, float]: ...

    @overload
    def __getitem__(self, at: slice) -> PaperTexts: ...

    def __getitem__(self, at: int | slice) -> str | Mapping[str, float] | PaperTexts:
        """Return the text of a paper, or the counts of a hint."""
        if isinstance(at, slice):
            return PaperTexts(self._sources[at])
        source = self._sources[at]
        return source if isinstance(source, Mapping) else source.text


class NameCache:
    """The keys of papers' texts, each made once for a paper that stays the same object."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[Paper, bytes]] = {}

    def names(self, papers: Sequence[Paper]) -> list[bytes]:
        """Return the key of each text, as ``name_text``."""
        if len(self._names) > MOST:
            self._names = {}
        known, names = self._names, []
        for paper in papers:
            found = known.get(paper.id)
            if found is None or found[0] is not paper:
                found = known[paper.id] = paper, name_text(paper.text)
            names.append(found[1])
        return names


class RowCache:
    """Rows of a model, each made once by ``make`` (texts to l2 rows of the model's width).

    ``axes`` (d, width) give the themes of a row. A text given as counts, the hint of an interest,
    is never cached.
    """

    def __init__(
        self,
        make: Callable[[Sequence[str | Mapping[str, float]]], csr_array],
        axes: NDArray[np.float32],
    ) -> None:
        self._make = make
        self._axes = axes
        self._rows: OrderedDict[bytes, CachedRow] = OrderedDict()
        self._lock = Lock()

    def rows(
        self, texts: Sequence[str | Mapping[str, float]], names: Sequence[bytes] = ()
    ) -> TextRows:
        """Return the rows of these texts, in order.

        ``names`` are their keys, if known.
        """
        names = names or [name_text(text) for text in texts]
        with self._lock:
            found = [self._rows.get(name) if name else None for name in names]
        missing = [at for at, row in enumerate(found) if row is None]
        for start in range(0, len(missing), BATCH):
            some = missing[start : start + BATCH]
            plain = self._make([texts[at] for at in some])
            made = _split(plain, np.asarray(plain @ self._axes.T, dtype=np.float32))
            for at, row in zip(some, made, strict=True):
                found[at] = row
            self._keep({names[at]: row for at, row in zip(some, made, strict=True)})
        return self._join([row for row in found if row is not None])

    def _keep(self, made: Mapping[bytes, CachedRow]) -> None:
        with self._lock:
            self._rows.update((name, row) for name, row in made.items() if name)
            while len(self._rows) > MOST:
                self._rows.popitem(last=False)

    def _join(self, rows: Sequence[CachedRow]) -> TextRows:
        ends = np.concatenate([[0], np.cumsum([len(row.columns) for row in rows])])
        columns = np.concatenate([np.zeros(0, np.int32), *(row.columns for row in rows)])
        weights = np.concatenate([np.zeros(0, np.float32), *(row.weights for row in rows)])
        count, width = self._axes.shape
        themes = np.concatenate([np.zeros(0, np.float32), *(row.themes for row in rows)])
        shape = len(rows), width
        plain = csr_array((weights, columns, ends.astype(np.int32)), shape=shape)
        return TextRows(plain, themes.reshape(len(rows), count))


def name_text(text: str | Mapping[str, float]) -> bytes:
    """Return a text's key, 16 bytes; none for counts."""
    return (
        blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        if isinstance(text, str)
        else b""
    )


def _split(rows: csr_array, themes: NDArray[np.float32]) -> list[CachedRow]:
    """Split a matrix into its rows; copies, so that no row keeps the whole matrix in memory."""
    ends = rows.indptr.tolist()
    return [
        CachedRow(
            rows.indices[start:end].astype(np.int32),
            rows.data[start:end].astype(np.float32),
            theme.copy(),
        )
        for (start, end), theme in zip(pairwise(ends), themes, strict=True)
    ]
