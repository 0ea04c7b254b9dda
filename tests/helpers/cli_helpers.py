"""Calls the installed program as a shell does: in a separate process, with a clean environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.helpers import fork_server

from larkpost.packaged_files import shipped_path

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "larkpost")
SAMPLE = next(iter(sorted(shipped_path("seeds").glob("*.txt"))))
CONTROL = frozenset(map(chr, [*range(9), *range(11, 32), 127]))  # all but tab and line feed


@dataclass(frozen=True)
class Done:
    """The output and exit code of a call."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON objects that were printed, one per line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Shell:
    """Calls ``larkpost`` in ``folder`` with ``--home`` and none of the tester's settings."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The home of the calls."""
        return self.folder / "home"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a login, and nothing else."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            **self.extra,
        }

    def __call__(self, *arguments: object, stdin: bytes = b"", code: int = 0) -> Done:
        """Call and wait; the exit code must be ``code``.

        The call is forked from a process that has imported the libraries (``fork_server``), unless
        ``extra`` has variables that are not settings of Larkpost.
        """
        words = ["--home", str(self.home), *map(str, arguments)]
        if all(name.startswith("LARKPOST_") for name in self.extra):
            done = fork_server.call(words, folder=self.folder, environ=self.environ, stdin=stdin)
        else:
            done = subprocess.run(
                [PROGRAM, *words],
                input=stdin,
                capture_output=True,
                cwd=self.folder,
                env=self.environ,
                timeout=120,
                check=False,
            )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == code, f"{arguments} ended with {done.returncode}\n{out}\n{err}"
        return Done(done.returncode, out, err)

    def json(self, *arguments: object, code: int = 0) -> list[dict[str, Any]]:
        """Call with ``--json`` and parse the output."""
        return self(*arguments, "--json", code=code).lines

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        """Call and do not wait; the call gets Ctrl-C even if the tests ignore it."""
        return subprocess.Popen(
            [PROGRAM, "--home", str(self.home), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environ,
            # If the tests run in the background of a shell, they ignore SIGINT, and ignored signals
            # are inherited.
            preexec_fn=_hear_interrupts,
        )


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def paper_lines(*titles: str) -> bytes:
    """JSON Lines of papers with these titles, named ``url:https://papers.example/0`` and on."""
    records = [
        {"id": f"url:https://papers.example/{n}", "title": title, "abstract": f"About {title}."}
        for n, title in enumerate(titles)
    ]
    return "".join(json.dumps(record) + "\n" for record in records).encode()
