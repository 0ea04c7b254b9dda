"""Tests when the temporary files of the tests are put into memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.helpers.speed import memory_folder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_folder_with_too_little_room_and_none_at_all_are_left_alone(tmp_path: Path) -> None:
    assert memory_folder.has_room(tmp_path, 1)
    assert not memory_folder.has_room(tmp_path, 1 << 60)
    assert not memory_folder.has_room(tmp_path / "none", 1)


def test_a_folder_that_the_caller_named_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(memory_folder, "has_room", lambda _folder: True)

    memory_folder.use_memory()

    assert os.environ["TMPDIR"] == str(tmp_path)
