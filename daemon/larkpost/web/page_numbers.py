"""Numbers in paths, limited in length; a longer one matches no route."""

from __future__ import annotations

from typing import ClassVar

from starlette.convertors import Convertor, register_url_convertor


class PathNumber(Convertor[int]):
    """``{name:number}`` in a route: 1 to 9 digits.

    Starlette's own ``int`` takes any count of them, and Python raises ValueError for more than
    4,300 (CVE-2020-10735), which would break the router outside of every page.
    """

    regex: ClassVar[str] = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        """Read a number out of a path."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Write a number for a path."""
        return str(value)


def register_path_numbers() -> None:
    """Make ``{name:number}`` known to routes that are made from now on."""
    register_url_convertor("number", PathNumber())
