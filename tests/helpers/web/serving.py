"""A running ``larkpost serve``, with its log in a file."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.request import urlopen

from tests.helpers.cli_helpers import PROGRAM
from tests.helpers.polling import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.cli_helpers import Shell


@dataclass(frozen=True)
class Serving:
    """A running ``larkpost serve``."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self, words: str) -> re.Match[str] | None:
        """Search its log for words."""
        return re.search(words, self.log.read_text())

    def page(self) -> str:
        """Request its home page."""
        up = self.said(r"Larkpost is up: (\S+)")
        assert up
        with urlopen(up[1], timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            return str(answer.read().decode())

    def end(self) -> int:
        """Send SIGTERM; returns the exit code, and raises an error if it does not end."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def serving(shell: Shell, **environ: str) -> Iterator[Serving]:
    log = shell.folder / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [PROGRAM, "--home", str(shell.home), "serve", "--port", "0"],
            env=shell.environ | environ,
            stderr=stderr,
        )
    try:
        one = Serving(process, log)
        until(lambda: bool(one.said("Larkpost is up")))
        yield one
    finally:
        process.kill()
        process.wait()
