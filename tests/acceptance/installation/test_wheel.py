"""Tests that the wheel is complete: installed into an empty environment, it makes an edition."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "-o",
            str(folder),
            str(CHECKOUT),
        ],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("larkpost-*.whl")
    return built


def test_the_wheel_holds_templates_settings_and_the_sample(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    for folder in ("templates", "config", "seeds"):
        files = [p for p in (CHECKOUT / folder).rglob("*") if p.is_file()]
        assert {f"larkpost/{p.relative_to(CHECKOUT)}" for p in files} <= set(names)
    assert "larkpost/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "daemon/", "bench/"))]


@pytest.mark.timeout(600)
def test_the_demo_runs_from_the_wheel_alone_in_another_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "empty"
    venv.create(environment, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    # Most modules of scikit-learn and what it needs are never imported: they need no compiling.
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run(
        [*install, "--constraint", str(CHECKOUT / "constraints.txt"), str(wheel)],
        check=True,
        capture_output=True,
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LARKPOST_")}

    done = subprocess.run(
        [environment / "bin" / "larkpost", "demo", "--dir", "out"],
        cwd=elsewhere,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "108" in done.stdout
    assert {"feed.xml", "feed.atom", "feed.json"} <= {p.name for p in (elsewhere / "out").iterdir()}
