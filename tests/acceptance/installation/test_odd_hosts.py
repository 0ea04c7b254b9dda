"""Tests odd hosts: streams closed or full, homes in odd places, disks without links."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.cli_helpers import PROGRAM, SAMPLE, Shell
from tests.helpers.polling import until
from tests.helpers.scarce_resources import without_rights

FAULT = "internal error"


def by_shell(shell: Shell, line: str, **environ: str) -> tuple[int, str, str]:
    """Run a line of sh in which ``$L`` is the program on its home."""
    done = subprocess.run(
        ["sh", "-c", line.replace("$L", f"'{PROGRAM}' --home '{shell.home}'")],
        capture_output=True,
        cwd=shell.folder,
        env=shell.environ | environ,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(
    "command", ["reader list", "config show", "tick", "papers --json --limit 0"]
)
def test_a_closed_stream_is_taken_for_the_null_device(
    furnished: Shell, command: str, closed: str
) -> None:
    code, out, err = by_shell(furnished, f"$L {command} {closed}")

    assert (code, err) == (0, "")
    assert bool(out) == (">&-" not in closed.replace("2>&-", ""))


def test_with_all_streams_closed_the_work_is_done(furnished: Shell) -> None:
    assert by_shell(furnished, "$L reader add bea@example.org >&- 2>&- <&-")[0] == 0

    assert "bea@example.org" in furnished("reader", "list").out


def test_closed_standard_input_reads_as_empty(shell: Shell) -> None:
    code, _, err = by_shell(shell, "$L ingest - <&-")

    assert code == 1
    assert "standard input is empty" in err


@pytest.mark.parametrize("full", [">/dev/full", ">/dev/full 2>/dev/full", "1</dev/null"])
def test_output_that_cannot_be_written_is_a_failure_in_words(furnished: Shell, full: str) -> None:
    code, _, err = by_shell(furnished, f"$L reader list {full}")

    assert code == (75 if "/dev/full" in full else 1)  # no room left is for later
    assert FAULT not in err
    assert "Traceback" not in err
    assert "2>" in full or "standard output" in err


def test_an_error_that_cannot_be_said_keeps_its_exit_code(furnished: Shell) -> None:
    assert by_shell(furnished, "$L reader show nobody@example.org 2>/dev/full") == (2, "", "")


def test_who_has_read_enough_is_no_error(furnished: Shell) -> None:
    code, out, err = by_shell(furnished, "($L papers --json --limit 0; echo $? >&2) | head -1")

    assert (code, out.count("\n"), err) == (0, 1, "0\n")


@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"TERM": "dumb", "PYTHONOPTIMIZE": "2"},
        {"TMPDIR": "/nonexistent"},
    ],
)
def test_papers_are_printed_in_any_environment(furnished: Shell, environ: dict[str, str]) -> None:
    code, out, err = by_shell(furnished, "$L papers --limit 200 && $L publish --all", **environ)

    assert (code, err) == (0, "")
    assert len(out.splitlines()) > 100


@pytest.mark.parametrize("name", [b"gr\xfcn", "grün 100% ?#".encode(), b"a\nb"])
def test_a_home_may_have_any_name(shell: Shell, name: bytes) -> None:
    home = os.fsencode(shell.folder) + b"/" + name
    environ = {**os.environb, b"LARKPOST_HOME": home}
    calls = (
        ("init",),
        ("ingest", str(SAMPLE)),
        ("reader", "add", "ann@example.org"),
        ("publish", "--all"),
        ("deliver",),
        ("-q", "doctor"),
        ("status", "--json"),
    )

    for call in calls:
        done = subprocess.run(
            [PROGRAM, *call], env=environ, capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr

    place = Path(os.fsdecode(home))
    assert (place / "larkpost.db").is_file()
    assert len(list((place / "mail" / "new").iterdir())) == 1


def test_without_a_home_folder_the_call_is_refused_and_nothing_done(shell: Shell) -> None:
    code = (
        "import pwd\n"
        "def nobody(uid):\n    raise KeyError(uid)\n"
        "pwd.getpwuid = nobody\n"
        "from larkpost.cli import main\nmain(['init'])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"]}, cwd=shell.folder, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 2
    assert "with --home DIR or LARKPOST_HOME" in done.stderr
    assert list(shell.folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "dangling link", "below a file", "empty"])
def test_a_home_that_cannot_be_made_is_refused_in_words(shell: Shell, kind: str) -> None:
    (shell.folder / "file").write_text("no folder")
    (shell.folder / "dangling link").symlink_to(shell.folder / "nowhere" / "at all")
    home = {"below a file": "file/home", "empty": ""}.get(kind, kind)

    done = subprocess.run(
        [PROGRAM, "--home", home, "init"],
        cwd=shell.folder, env=shell.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.startswith("larkpost: ")
    assert FAULT not in done.stderr


def test_an_empty_variable_is_no_home_and_a_link_is_one(shell: Shell) -> None:
    (shell.folder / "real").mkdir()
    (shell.folder / "link").symlink_to("real")

    assert by_shell(shell, f"'{PROGRAM}' init", LARKPOST_HOME="")[0] == 0
    assert by_shell(shell, f"'{PROGRAM}' init", LARKPOST_HOME="link")[0] == 0
    assert by_shell(shell, f"'{PROGRAM}' init", LARKPOST_HOME=str(Path("~", "far", "away")))[0] == 0

    assert (shell.folder / ".local/share/larkpost/larkpost.db").exists()
    assert (shell.folder / "real/larkpost.db").exists()
    assert (shell.folder / "far/away/larkpost.db").exists()


NO_LINKS = (
    "import os, sys\n"
    "def refuse(*_args, **_more):\n    raise PermissionError(1, 'Operation not permitted')\n"
    "os.link = refuse\n"
    "from larkpost.cli import main\nmain(sys.argv[1:])"
)


def test_a_disk_without_hard_links_is_good_enough(shell: Shell) -> None:
    inbox = shell.home / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "today.txt").write_bytes(SAMPLE.read_bytes())
    for call in (["init"], ["tick", "--json"], ["reader", "add", "ann@example.org"]):
        done = subprocess.run(
            [sys.executable, "-c", NO_LINKS, "--home", str(shell.home), *call],
            env=shell.environ | {"LARKPOST_INBOX__STABLE_SECONDS": "0"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")

    assert len((shell.home / "secret.key").read_text().strip()) == 64
    assert [file.name for file in (inbox / "done").iterdir()] == ["today.txt"]
    assert not [file.name for file in shell.home.iterdir() if "claim" in file.name]


def test_nobody_else_may_read_or_write_what_is_private_whatever_the_umask(shell: Shell) -> None:
    line = (
        f"umask 000; $L ingest '{SAMPLE}' && $L reader add ann@example.org && $L publish --all"
        " && $L deliver && $L export out"
    )

    assert by_shell(shell, line)[0] == 0

    made = [path for path in shell.folder.rglob("*") if not path.is_symlink()]
    writable = [path for path in made if path.stat().st_mode & stat.S_IWOTH]
    private = ("secret.key", "larkpost.db", "larkpost.db-wal", "readers.jsonl")
    messages = [path for path in made if path.parent.name in ("new", "sent")]
    readable = [
        path
        for path in [*messages, *(path for path in made if path.name in private)]
        if path.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP)
    ]
    assert len(messages) >= 2
    assert writable == []
    assert readable == []


def test_few_descriptors_are_enough(furnished: Shell) -> None:
    code, _, err = by_shell(furnished, "ulimit -n 32; $L publish --all && $L deliver")

    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ([b"reader", b"add", b"\xff@example.org"], 2),
        ([b"reader", b"set", b"ann@example.org", b"--zone", b"\xff"], 2),
        ([b"vote", b"ann@example.org", b"\xff", b"up"], 2),
        ([b"papers", b"--search", b"\xff"], 0),
    ],
)
def test_words_that_are_no_text_are_refused_in_words(
    furnished: Shell, call: list[bytes], code: int
) -> None:
    done = subprocess.run(
        [PROGRAM, "--home", str(furnished.home), *call],
        env=furnished.environ, capture_output=True, check=False,
    )  # fmt: skip

    assert done.returncode == code
    assert FAULT.encode() not in done.stderr
    assert done.stderr.startswith(b"larkpost: ") is (code == 2)


def test_a_folder_that_is_gone_is_said_so(shell: Shell) -> None:
    code, _, err = by_shell(shell, f"mkdir gone; cd gone; rmdir ../gone; '{PROGRAM}' --home x init")

    assert code == 2
    assert "does not exist any more" in err
    assert FAULT not in err


INIT = f"""
import json, subprocess, sys
done = subprocess.run([{PROGRAM!r}, "--home", sys.argv[1] + "/home", "init"],
    capture_output=True, text=True)
print(json.dumps([done.returncode, done.stderr]))
"""


def test_a_home_in_a_folder_that_is_read_only_is_said_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        ((code, told),) = without_rights(INIT, tmp_path)
    finally:
        tmp_path.chmod(0o700)

    assert code == 2
    assert f"the folder {tmp_path / 'home'} cannot be created" in told


@pytest.mark.parametrize("streams", [">&- 2>&- <&-", ">/dev/full 2>/dev/full"])
def test_a_daemon_without_usable_streams_answers_at_a_unix_socket(
    shell: Shell, streams: str
) -> None:
    shell("init")
    path = shell.home / "s"
    line = f"cd '{shell.home}'; exec '{PROGRAM}' --home . serve --host unix:s {streams}"
    environ = shell.environ | {"LARKPOST_SITE__BASE_URL": "https://paper.example.org"}
    daemon = subprocess.Popen(["sh", "-c", line], env=environ)
    try:
        until(lambda: _health(path) == 200)
    finally:
        daemon.terminate()
        code = daemon.wait(60)

    assert code == 0
    assert not path.exists()


def _health(path: Path) -> int:
    """Ask for /healthz by a Unix socket; 0 if nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(5)
            caller.connect(str(path))
            caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return int(caller.recv(4096).split(b" ")[1])
    except (OSError, IndexError):
        return 0
