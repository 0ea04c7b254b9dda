"""Copies frozen dataclasses that have slots, where ``dataclasses.replace`` would take too long."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Record = TypeVar("Record")


def copy_with(record: Record, **changes: Any) -> Record:
    """Do what ``dataclasses.replace`` does, without calling ``__init__`` or ``__post_init__``.

    Only for classes with ``slots=True``: each value goes into its slot as it is, which takes a
    third of the time for a record of twenty fields. Raises KeyError for a field that there is not.
    """
    read, write = _slots(type(record))
    made = object.__new__(type(record))
    for store, value in zip(write.values(), read(record), strict=True):
        store(made, value)
    for name, value in changes.items():
        write[name](made, value)
    return made


@cache
def _slots(
    kind: type[Any],
) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, Callable[[Any, Any], None]]]:
    """Give what reads all slots of a class at once, and what writes each of them."""
    names = [one.name for one in fields(kind)]
    return attrgetter(*names), {name: getattr(kind, name).__set__ for name in names}
