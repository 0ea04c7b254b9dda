"""Write the files of hashes anew: every artifact of every version that constraints.txt names.

``requirements.lock`` holds what Larkpost needs where it runs, ``requirements-dev.lock`` the rest.
pip-tools asks the index that pip is configured for; no address of one is recorded.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
RUNTIME = ROOT / "requirements.lock"
DEV = ROOT / "requirements-dev.lock"
_HEAD = "# {what}, with the SHA-256 of every artifact. Made by `./run hashes`.\n"
_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)


def pinned(text: str) -> dict[str, str]:
    """Return the version of each package that a file of constraints or of hashes names."""
    return {canonicalize_name(name): version for name, version in _ENTRY.findall(text)}


def compile_hashes() -> dict[str, str]:
    """Ask for the hashes of all that is pinned; gives the entry of each package."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "constraints.in"), Path(folder, "hashes.txt")
        source.write_text(CONSTRAINTS.read_text("utf-8"), "utf-8")
        options = (
            "--generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links"
        )
        options += " --no-annotate --no-header --allow-unsafe --strip-extras --quiet"
        call = [sys.executable, "-m", "piptools", "compile", *options.split()]
        call += ["-o", str(target), str(source)]
        subprocess.run(call, check=True, cwd=folder)  # noqa: S603 - our own words
        lines = target.read_text("utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if line.strip() and not line.startswith("#"))
    starts = [match.start() for match in _ENTRY.finditer(text)]
    entries = [text[one:end] for one, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return {next(iter(pinned(entry))): f"{entry.rstrip()}\n" for entry in entries}


def runtime_names(known: set[str]) -> set[str]:
    """Name what the project and its extras need, directly or not, on any system."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    waiting = [Requirement(line) for line in [*project["dependencies"], *extras]]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        one = waiting.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        if key in seen or key[0] not in known:
            continue
        seen.add(key)
        needs = [Requirement(line) for line in requires(one.name) or []]
        waiting += [need for need in needs if _is_wanted(need, one.extras)]
    return {name for name, _ in seen}


def _is_wanted(need: Requirement, extras: set[str]) -> bool:
    """Whether it is needed with these extras; on which systems does not matter."""
    if need.marker is None or "extra" not in str(need.marker):
        return True
    return any(need.marker.evaluate({"extra": extra}) for extra in extras)


def main() -> None:
    """Write both files, unless they would not name what constraints.txt names."""
    wanted = pinned(CONSTRAINTS.read_text("utf-8"))
    entries = compile_hashes()
    if pinned("".join(entries.values())) != wanted:
        sys.exit("constraints.txt does not name all that is needed, or not what can be had")
    names = runtime_names(set(wanted))
    for path, what, some in (
        (RUNTIME, "What Larkpost needs where it runs", names),
        (DEV, "What tests, tools and releases need besides", set(wanted) - names),
    ):
        text = "".join(entries[name] for name in sorted(some))
        path.write_text(_HEAD.format(what=what) + text, "utf-8")


if __name__ == "__main__":
    main()
