"""Serialises models: arrays in npz with a format number, never a pickle."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from larkpost.ranking.collaborative import CollaborativeFactors
from larkpost.ranking.tfidf import TextSpace

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPACE_FORMAT = 5
# The errors of numpy, zipfile and the checks below for damaged bytes.
DAMAGE = (
    ValueError,
    KeyError,
    OSError,
    EOFError,
    TypeError,
    IndexError,
    OverflowError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def space_to_bytes(space: TextSpace) -> bytes:
    """Serialise a model."""
    kept = {} if space.companions is None else _pack_companions(space.companions)
    return _packed(
        format=np.int64(SPACE_FORMAT),
        vocabulary=np.frombuffer("\n".join(space.vocabulary).encode(), dtype=np.uint8),
        spread=space.spread,
        stem_spread=space.stem_spread,
        common=np.frombuffer("\n".join(space.too_common).encode(), dtype=np.uint8),
        common_spread=np.array(list(space.too_common.values()), dtype=np.int32),
        papers=np.int64(space.papers),
        axes=space.axes.astype(np.float16),
        data=space.plain.data.astype(np.float16),
        indices=space.plain.indices.astype(np.int32),
        indptr=space.plain.indptr.astype(np.int32),
        unread=space.unread,
        **_pack_categories(space.categories),
        **kept,
    )


def _pack_categories(categories: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    columns = [column for terms in categories.values() for column in terms]
    return {
        "categories": np.frombuffer("\n".join(categories).encode(), dtype=np.uint8),
        "category_sizes": np.array([len(one) for one in categories.values()], dtype=np.int32),
        "category_terms": np.array(columns, dtype=np.int32),
    }


def _pack_companions(companions: CollaborativeFactors) -> dict[str, NDArray[Any]]:
    return {
        "through": companions.through,
        "base": companions.base,
        "ids": companions.ids,
        "places": companions.places.astype(np.float16),
    }


def space_from(body: bytes) -> TextSpace | None:
    """Read the bytes of ``space_to_bytes``; None if they are damaged or of another format."""
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as kept:
            return _space(kept)
    except DAMAGE:
        return None


def _packed(**arrays: Any) -> bytes:
    body = io.BytesIO()
    np.savez_compressed(body, **arrays)
    return body.getvalue()


def _space(kept: Any) -> TextSpace | None:
    if int(kept["format"]) != SPACE_FORMAT:
        return None
    vocabulary = tuple(_lines(kept["vocabulary"]))
    axes = _finite(kept["axes"].astype(np.float32))
    data = _finite(kept["data"].astype(np.float32))
    shape = (len(kept["indptr"]) - 1, len(vocabulary))
    plain = csr_array((data, kept["indices"], kept["indptr"]), shape=shape)
    plain.check_format()
    spread, papers, unread = kept["spread"], int(kept["papers"]), kept["unread"]
    _hold(axes.ndim == 2 and axes.shape[1] == len(vocabulary) == len(set(vocabulary)))
    _hold(spread.shape == (len(vocabulary),) and spread.dtype.kind == "i")
    _hold(unread.dtype == np.int64 and unread.ndim == 1 and len(unread) <= plain.shape[0])
    _hold(plain.shape[0] <= papers and (not spread.size or 0 <= spread.min() <= spread.max()))
    _hold(not spread.size or spread.max() <= papers)
    stem_spread, common = kept["stem_spread"], _common(kept)
    _hold(stem_spread.shape == spread.shape and stem_spread.dtype.kind == "i")
    _hold(bool((spread <= stem_spread).all() and (stem_spread <= papers).all()))
    companions = _companions(kept, len(axes))
    categories = _categories(kept, len(vocabulary))
    return TextSpace(
        vocabulary, spread, stem_spread, common, papers, axes, plain, unread, companions, categories
    )


def _lines(text: NDArray[np.uint8]) -> list[str]:
    joined = text.tobytes().decode()
    return joined.split("\n") if joined else []


def _common(kept: Any) -> dict[str, int]:
    words, papers = _lines(kept["common"]), kept["common_spread"]
    _hold(papers.dtype.kind == "i" and papers.shape == (len(words),))
    return dict(zip(words, papers.tolist(), strict=True))


def _categories(kept: Any, width: int) -> dict[str, tuple[int, ...]]:
    names = _lines(kept["categories"])
    sizes, columns = kept["category_sizes"], kept["category_terms"]
    _hold(sizes.dtype.kind == columns.dtype.kind == "i" and sizes.shape == (len(names),))
    _hold(columns.ndim == 1 and sizes.sum() == len(columns) and (sizes >= 0).all())
    _hold(not columns.size or 0 <= columns.min() <= columns.max() < width)
    ends = np.cumsum(sizes)
    parts = np.split(columns, ends[:-1]) if len(names) else []
    return {name: tuple(part.tolist()) for name, part in zip(names, parts, strict=True)}


def _companions(kept: Any, themes: int) -> CollaborativeFactors | None:
    if "through" not in kept:
        return None
    through, base = _finite(kept["through"]), _finite(kept["base"])
    _hold(through.dtype == base.dtype == np.float32)
    _hold(through.ndim == 2 and through.shape == (themes, *base.shape))
    ids, places = kept["ids"], _finite(kept["places"].astype(np.float32))
    _hold(ids.dtype == np.int64 and ids.ndim == 1 and places.shape == (*ids.shape, *base.shape))
    return CollaborativeFactors(through, base, ids, places)


def _hold(sound: bool) -> None:
    """Raise an error for arrays that do not fit together, despite the right format number."""
    if not sound:
        raise ValueError("the arrays of a space do not go together")


def _finite(array: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(array).all():
        raise ValueError("an array holds what is no number")
    return array
