"""Parameters of paths: numbers limited in length, and names without a full stop."""

from __future__ import annotations

from typing import ClassVar

from starlette.convertors import Convertor, StringConvertor, register_url_convertor


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


class PathName(StringConvertor):
    """``{name:name}`` in a route: text without slash and full stop.

    For parameters that a full stop separates. Starlette's own ``str`` takes full stops as well, so
    that two of them match in any number of ways: a path of 31,000 full stops took the event loop
    for two seconds.
    """

    regex: ClassVar[str] = "[^/.]+"


def register_path_parameters() -> None:
    """Make ``{name:number}`` and ``{name:name}`` known to routes that are made from now on."""
    register_url_convertor("number", PathNumber())
    register_url_convertor("name", PathName())
