"""arXiv's categories by name and by code."""

from __future__ import annotations

import pytest

from larkpost.text.arxiv_categories import ALL_CODES, ARCHIVES, CODES


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("machine learning", ("cs.lg", "stat.ml")),
        ("fluid dynamics", ("physics.flu-dyn",)),
        ("quantum physics", ("quant-ph",)),
        ("mathematical physics", ("math.mp", "math-ph")),
        ("superconductivity", ("cond-mat.supr-con",)),
        ("econometrics", ("econ.em",)),
        ("portfolio management", ("q-fin.pm",)),
        ("astrophysics of galaxies", ("astro-ph.ga",)),
        ("systems and control", ("cs.sy", "eess.sy")),
        ("tissues and organs", ("q-bio.to",)),
    ],
)
def test_a_name_has_its_codes(name: str, codes: tuple[str, ...]) -> None:
    assert CODES[name] == codes


def test_every_archive_has_as_many_categories_as_arxiv_lists() -> None:
    counts = {
        archive: sum(code.startswith(f"{archive}.") for code in ALL_CODES) for archive in ARCHIVES
    }

    assert counts == {
        "cs": 40, "econ": 3, "eess": 4, "math": 32, "astro-ph": 6, "cond-mat": 9, "nlin": 5,
        "physics": 22, "q-bio": 10, "q-fin": 9, "stat": 6,
    }  # fmt: skip
    undotted = {code for code in ALL_CODES if "." not in code}
    assert undotted >= {"gr-qc", "hep-th", "hep-ex", "hep-lat", "hep-ph", "math-ph", "nucl-th"}
    assert undotted >= {"nucl-ex", "quant-ph"}
