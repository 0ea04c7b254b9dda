"""What the figures of ``term_table`` get wrong, corrected by hand after reading picks."""

from __future__ import annotations

NEVER = frozenset(
    """
    """.split()
)
PARTICULAR = frozenset(
    """
    anomaly assembly family supply fly
    """.split()
)
