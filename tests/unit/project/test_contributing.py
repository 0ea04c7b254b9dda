"""Tests that every path and name in CONTRIBUTING.md exists."""

from __future__ import annotations

import re

from larkpost.packaged_files import CHECKOUT, PACKAGE

PAGE = (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")
_PLACEHOLDER = re.compile(r"NAME|NNNN|…|\*")
_FILE = re.compile(r"[\w.…*-]+(?:/[\w.…*-]+)*/?\Z")
_ENDING = re.compile(r"\.(?:py|md|toml|txt|html|lock|service)\Z")
_IDENTIFIER = re.compile(r"(?:[a-z_]+\.)?(?!NAME)([A-Z][A-Z_]{3,}|(?:[A-Z][a-z]+)+)\Z")


def quoted(text: str) -> list[str]:
    """Return each text between backticks once, also if a line ends within it."""
    found = re.findall(
        r"`([^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    )
    return sorted({" ".join(one.split()) for one in found})


def paths(text: str) -> list[str]:
    """The files and folders that a text names: with a slash, or with the ending of a file."""
    return [
        one
        for one in quoted(text)
        if _FILE.match(one) and ("/" in one or _ENDING.search(one)) and not one.startswith("./")
    ]


def is_there(path: str) -> bool:
    """Return whether it is in the checkout or the package; of a pattern, whether its folder is."""
    folder = path.rpartition("/")[0] if _PLACEHOLDER.search(path) else path
    return any((root / folder).exists() for root in (CHECKOUT, PACKAGE))


def test_every_path_that_the_page_names_is_there() -> None:
    named = paths(PAGE)

    assert len(named) > 50
    assert [path for path in named if not is_there(path)] == []


def test_every_constant_and_class_that_the_page_names_is_a_word_of_the_code() -> None:
    code = "\n".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    words = {match[1] for one in quoted(PAGE) if (match := _IDENTIFIER.match(one))}
    missing = [one for one in sorted(words) if not re.search(rf"\b{one}\b", code)]

    assert {"DUMP_FORMATS", "AT_START", "STEPS", "MessageKind", "DumpFormat"} <= words
    assert missing == []


def test_a_path_that_is_gone_and_a_folder_that_is_gone_are_found() -> None:
    text = (
        "`formats/gone.py` `gone/NAME.py` `formats/NAME.py` `./run test` `up` `settings/model.py`"
    )

    assert [path for path in paths(text) if not is_there(path)] == [
        "formats/gone.py",
        "gone/NAME.py",
    ]
