"""Finds the files that ship with the code, in a wheel or a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent.parent


def shipped_path(name: str) -> Path:
    """Return the path of a shipped file or folder such as ``templates/email``.

    Raises FileNotFoundError if neither the wheel nor the checkout has it.
    """
    for root in (PACKAGE, CHECKOUT):
        if (found := root / name).exists():
            return found
    raise FileNotFoundError(f"{name} does not ship with this installation of Larkpost")
