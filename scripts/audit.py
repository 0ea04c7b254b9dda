"""Ask whether any pinned package has a known vulnerability.

Exit code 0: none; 1: some, each is named, or pip-audit itself broke; 75: the database did not
answer, and nothing is known.
pip-audit asks the index's database of advisories. First it is asked for an old package that has an
advisory: a mirror without the database says of everything that it knows nothing bad.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
KNOWN_BAD = "idna==3.6\n"  # CVE-2024-3651
_OPTIONS = "--vulnerability-service pypi --no-deps --disable-pip --format json --timeout 15"
_SECONDS = 600
NOTHING_FOUND, FOUND, NOT_ASKED = 0, 1, 75
BROKEN = 1  # pip-audit, so that a check which asks nobody any more does not pass for years


class BrokenAudit(Exception):
    """pip-audit cannot be run: that says nothing of the database, nor of the packages."""


def ask(*requirements: Path) -> list[dict[str, Any]] | None:
    """Return what pip-audit says of each package in files of requirements; None: no answer.

    Raises BrokenAudit if pip-audit cannot be run, or not with these words.
    """
    if find_spec("pip_audit") is None:
        raise BrokenAudit("pip-audit is not installed here")
    files = [word for path in requirements for word in ("--requirement", str(path))]
    call = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", *_OPTIONS.split()]
    call += files
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            call, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        return list(json.loads(done.stdout)["dependencies"])
    except subprocess.TimeoutExpired:
        return None
    except (ValueError, LookupError) as error:
        if done.returncode in (0, 1) and "Traceback" not in done.stderr:
            return None
        raise BrokenAudit(f"pip-audit broke:\n{done.stderr[-2000:]}") from error


def vulnerabilities(answer: list[dict[str, Any]]) -> list[str]:
    """List the advisories in an answer, a line each."""
    return [
        f"{one['name']} {one['version']}: {bad['id']}, fixed in "
        f"{', '.join(bad.get('fix_versions') or []) or 'no version yet'}"
        for one in answer
        for bad in one.get("vulns", ())
    ]


def unknown(answer: list[dict[str, Any]]) -> list[str]:
    """List the packages of which the database said nothing."""
    return [one["name"] for one in answer if "skip_reason" in one]


def verdict(probe: list[dict[str, Any]] | None, answer: list[dict[str, Any]] | None) -> int:
    """Print what was found, and give the exit code."""
    if not probe or not vulnerabilities(probe):
        print("NOT AUDITED: no database of advisories can be reached from here.")
        print("Run `./run audit` where the index has one, before a release (SECURITY.md).")
        return NOT_ASKED
    if answer is None:
        print("NOT AUDITED: pip-audit gave no answer.")
        return NOT_ASKED
    if found := vulnerabilities(answer):
        print("\n".join(["Known vulnerabilities:", *found]))
        return FOUND
    if missing := unknown(answer):
        print(f"NOT AUDITED: nothing is known of {', '.join(missing)}.")
        return NOT_ASKED
    print(f"No known vulnerability in {len(answer)} packages.")
    return NOTHING_FOUND


def main() -> int:
    """Ask for the old package, and then, where that was answered, for ours."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            probe_file = Path(folder, "probe.txt")
            probe_file.write_text(KNOWN_BAD, "utf-8")
            probe = ask(probe_file)
        answer = ask(*LOCKS) if probe and vulnerabilities(probe) else None
    except BrokenAudit as error:
        print(f"NOT AUDITED: {error}")
        return BROKEN
    return verdict(probe, answer)


if __name__ == "__main__":
    sys.exit(main())
