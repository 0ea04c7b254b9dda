"""Tests that dependencies are pinned: by version for tests, by hash for releases."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts import audit, lock_hashes

ROOT = Path(__file__).parents[3]
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OLD = {"name": "idna", "version": "3.6", "vulns": [{"id": "X-1", "fix_versions": ["3.7"]}]}
GOOD: dict[str, Any] = {"name": "click", "version": "8.5.1", "vulns": []}
SKIPPED = {"name": "click", "skip_reason": "Dependency not found"}


def test_the_files_of_hashes_name_the_versions_that_are_tested() -> None:
    runtime, dev = (lock_hashes.pinned(path.read_text("utf-8")) for path in LOCKS)

    assert runtime | dev == lock_hashes.pinned(CONSTRAINTS)
    assert not runtime.keys() & dev.keys()


def test_constraints_hold_names_and_versions_only() -> None:
    for line in CONSTRAINTS.splitlines()[1:]:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_package_has_hashes_and_there_is_no_address(path: Path) -> None:
    comment, *lines = path.read_text("utf-8").splitlines()

    assert comment.startswith("# ")
    assert lines
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        assert re.fullmatch(r"\S+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)
        assert line.endswith("\\") == after.startswith("    --hash")


def test_what_the_project_needs_where_it_runs_is_in_the_file_for_that() -> None:
    project = PROJECT["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    needed = {
        canonicalize_name(Requirement(one).name) for one in [*project["dependencies"], *extras]
    }

    assert needed <= lock_hashes.pinned(LOCKS[0].read_text("utf-8")).keys()


def test_the_build_backend_is_pinned_to_the_version_that_is_tested() -> None:
    (backend,) = PROJECT["build-system"]["requires"]

    assert backend in CONSTRAINTS.splitlines()
    assert lock_hashes.pinned(CONSTRAINTS).keys() >= {"pip", "setuptools", "wheel"}


def test_every_call_of_pip_is_held_to_pinned_versions() -> None:
    script = (ROOT / "run").read_text("utf-8").replace("\\\n", " ")
    calls = [line for line in script.splitlines() if re.search(r"-m pip .*\binstall\b", line)]

    assert len(calls) == 4
    for call in calls:
        assert re.search(r"--constraint|--require-hashes|--no-deps", call)


@pytest.mark.parametrize(
    ("probe", "answer", "code", "said"),
    [
        (None, None, audit.NOT_ASKED, "NOT AUDITED"),
        ([SKIPPED], None, audit.NOT_ASKED, "NOT AUDITED"),
        ([{**OLD, "vulns": []}], [GOOD], audit.NOT_ASKED, "NOT AUDITED"),
        ([OLD], None, audit.NOT_ASKED, "NOT AUDITED"),
        ([OLD], [GOOD], audit.NOTHING_FOUND, "No known vulnerability in 1 packages"),
        ([OLD], [GOOD, SKIPPED], audit.NOT_ASKED, "nothing is known of click"),
        ([OLD], [GOOD, SKIPPED, OLD], audit.FOUND, "idna 3.6: X-1, fixed in 3.7"),
    ],
)
def test_an_audit_that_could_not_ask_says_so_and_never_that_all_is_well(
    capsys: pytest.CaptureFixture[str],
    probe: list[dict[str, Any]] | None,
    answer: list[dict[str, Any]] | None,
    code: int,
    said: str,
) -> None:
    assert audit.verdict(probe, answer) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit(2)", "pip-audit broke"),
        ("import no_such_module", "pip-audit broke"),
        (None, "pip-audit is not installed here"),
    ],
)
def test_an_audit_whose_program_is_broken_fails(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    program: str | None,
    said: str,
) -> None:
    file = tmp_path / "pip_audit.py"
    file.write_text(program or "")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(audit, "find_spec", lambda _: None if program is None else object())

    assert audit.main() == audit.BROKEN == 1
    assert said in capsys.readouterr().out


def test_an_audit_without_an_answer_is_none_and_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pip_audit.py").write_text("import sys; sys.exit('ERROR: no connection')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(audit, "find_spec", lambda _: object())

    assert audit.main() == audit.NOT_ASKED
    assert "no database of advisories can be reached" in capsys.readouterr().out
