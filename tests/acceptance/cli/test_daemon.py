"""Tests the commands that keep the daemon running: tick, status, serve, doctor, config."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import CONTROL, PROGRAM, SAMPLE, Shell, paper_lines
from tests.helpers.polling import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tick_takes_in_what_lies_in_the_inbox(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_INBOX__STABLE_SECONDS": "0"})
    shell("init")
    shutil.copy(SAMPLE, shell.home / "inbox" / "aug-7.txt")

    (done,) = shell.json("tick")

    assert (done["files"], done["errors"]) == (1, {})
    assert len(shell.json("papers", "--limit", 1000)) == 108
    assert list((shell.home / "inbox" / "done").iterdir())


def test_status_sets_values_below_each_other_and_apart_from_the_longest_label(
    tmp_path: Path,
) -> None:
    shell = Shell(tmp_path)
    shell("init")
    shell("tick")

    lines = [line for line in shell("status").out.splitlines() if line.startswith("last ")]

    assert "last clock check" in {line.partition(":")[0] for line in lines}
    starts = {len(line) - len(line.partition(":")[2].lstrip()) for line in lines}
    assert starts == {len("last clock check: ")}


def test_a_refused_file_is_named_with_reason_and_hint_by_tick_and_status(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_INBOX__STABLE_SECONDS": "0"})
    shell("init")
    inbox = shell.home / "inbox"
    bib = b"@article{lantern,\n  title = {Lanterns}\n}\n"
    reason = "mine.bib is a list of references (BibTeX), not a dump"
    (inbox / "mine.bib").write_bytes(bib)
    (inbox / "papers.jsonl").write_bytes(paper_lines("Sparse experts"))

    told = shell("tick").out
    (inbox / "yours.bib").write_bytes(bib + b"\n")
    (record,) = shell.json("tick")
    status = shell("status").out
    (standing,) = shell.json("status")

    assert (
        f"  mine.bib: refused: {reason}\n    hint: it begins a reader's taste: `larkpost r" in told
    )
    assert "  papers.jsonl: 1 paper: 1 new" in told
    (refused,) = record["refused"]
    assert (record["files"], record["ingested"], record["deferred"]) == (1, [], [])
    assert refused["file"] == "yours.bib"
    assert "larkpost reader import-library EMAIL FILE" in refused["hint"]
    assert refused["place"] == str(inbox / "bad" / "yours.bib")
    assert f"refused: {reason}\n  hint: it begins a reader's taste" in status
    assert f"it is in {inbox / 'bad' / 'mine.bib'}" in status
    assert [one["file"] for one in standing["refused"]] == ["mine.bib", "yours.bib"]

    (inbox / "more.jsonl").write_bytes(paper_lines("Dense pupils"))
    shell("tick")

    # For a day they are told, whatever is read meanwhile: sources are read all day.
    assert [one["file"] for one in shell.json("status")[0]["refused"]] == ["mine.bib", "yours.bib"]


def test_the_status_names_a_file_that_a_command_refused(shell: Shell) -> None:
    file = shell.folder / "answer.json"
    file.write_text("[]", encoding="utf-8")
    shell("ingest", "-", stdin=paper_lines("Sparse experts"))

    shell("ingest", file, code=1)

    assert "refused: answer.json is an empty answer, not a dump" in shell("status").out


def test_a_tick_and_the_status_say_that_nothing_in_a_dump_is_new(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_INBOX__STABLE_SECONDS": "0"})
    shell("init")
    two = paper_lines("Sparse experts", "Dense pupils")
    shell("ingest", "-", stdin=two)
    (shell.home / "inbox" / "again.jsonl").write_bytes(two + b"\n")

    done = shell("tick")

    assert "  again.jsonl: no new papers: all 2 were known" in done.out
    (newest,) = [line for line in shell("status").out.splitlines() if "newest dump" in line]
    assert newest.endswith("UTC: no new papers: all 2 were known")
    assert shell.json("status")[0]["newest_dump"]["new"] == 0


def test_the_status_of_an_empty_home_says_why_it_is_quiet(shell: Shell) -> None:
    (record,) = shell.json("status")

    assert record["papers"] == 0
    assert record["empty_day"]
    assert record["empty_day"][0]["text"] in shell("status").out


def test_the_status_counts(furnished: Shell) -> None:
    (record,) = furnished.json("status")

    assert record["papers"] == 108
    assert record["readers"] == {"active": 1}
    assert record["newest_dump"]["name"] == SAMPLE.name


def test_the_status_tells_what_of_the_newest_dump_could_not_be_read(shell: Shell) -> None:
    shell("ingest", "-", stdin=b'{"title": "One"}\n{broken\n{"title": "Two"}\n{"id": 3}\n')

    told = shell("status").out
    (record,) = shell.json("status")

    assert "2 records of standard input could not be read:" in told
    assert "  line 4: it has no title" in told
    assert record["newest_dump"]["rejected"] == 2
    assert [one["line"] for one in record["newest_dump"]["rejected_records"]] == [2, 4]


def test_the_home_is_made_once(shell: Shell) -> None:
    (first,) = shell.json("init")
    (second,) = shell.json("init")

    assert (first["new"], second["new"]) == (True, False)
    assert (shell.home / "secret.key").stat().st_mode & 0o777 == 0o600


def test_migrating_again_changes_nothing(shell: Shell) -> None:
    (first,) = shell.json("migrate")
    (second,) = shell.json("migrate")

    assert first["before"] is None
    assert first["after"] == second["before"] == second["after"]


def test_the_doctor_finds_a_healthy_home_healthy(tmp_path: Path) -> None:
    findings = Shell(tmp_path, {"LARKPOST_WEB__PORT": "0"}).json("doctor")

    assert {finding["state"] for finding in findings} == {"ok"}
    assert {"database", "key", "mail", "settings"} <= {finding["what"] for finding in findings}


def test_the_doctor_names_a_key_that_others_can_read(shell: Shell) -> None:
    shell("init")
    (shell.home / "secret.key").chmod(0o644)

    done = shell("doctor", code=1)

    assert "FAIL" in done.out
    assert "secret.key" in done.out


def test_settings_are_shown_with_their_origin_and_without_passwords(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_SMTP__PASSWORD": "hunter2", "LARKPOST_SMTP__PORT": "2525"})

    rows = {row["setting"]: row for row in shell.json("config", "show")}

    assert rows["smtp.port"] == {"setting": "smtp.port", "value": 2525, "from": "the environment"}
    assert rows["smtp.password"]["value"] == "***"
    assert "hunter2" not in shell("config", "show").out


def test_a_misspelt_setting_ends_every_command_with_2(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_SMPT__PORT": "2525"})

    done = shell("config", "check", code=2)

    assert "LARKPOST_SMPT__PORT" in done.err
    assert "LARKPOST_SMTP__PORT" in done.err
    assert shell("reader", "list", code=2).out == ""


def test_a_password_that_others_can_read_is_warned_of(shell: Shell) -> None:
    shell.home.mkdir()
    file = shell.home / "config.toml"
    file.write_text('[smtp]\npassword = "hunter2"\n', encoding="utf-8")
    file.chmod(0o644)

    done = shell("config", "check")

    assert "chmod 600" in done.err
    assert "hunter2" not in done.err + done.out


def test_the_daemon_starts_and_stops_on_sigterm(shell: Shell) -> None:
    daemon = shell.start("serve", "--port", 0)
    assert daemon.stderr is not None
    try:
        while b"Larkpost is up" not in (line := daemon.stderr.readline()):
            assert line, "the daemon ended before it was up"
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=PATIENCE)
    finally:
        daemon.kill()

    assert daemon.returncode == 0


def test_ctrl_c_ends_with_130_and_keeps_nothing_half_done(shell: Shell) -> None:
    shell("init")
    call = shell.start("ingest", "-")
    assert call.stdin is not None
    try:
        # More than a pipe holds: once all of it is written, the program is reading.
        call.stdin.write(SAMPLE.read_bytes()[:2_000] * 100)
        call.stdin.flush()
        call.send_signal(signal.SIGINT)
        _, err = call.communicate(timeout=PATIENCE)
    finally:
        call.kill()

    assert call.returncode == 130
    assert b"Traceback" not in err
    assert shell.json("papers") == []


def test_a_reader_of_our_output_may_go_away(furnished: Shell) -> None:
    read, write = os.pipe()
    os.close(read)
    call = subprocess.run(
        [PROGRAM, "--home", str(furnished.home), "papers", "--limit", "1000"],
        stdout=write, stderr=subprocess.PIPE, env=furnished.environ, check=False,
    )  # fmt: skip
    os.close(write)

    assert (call.returncode, call.stderr) == (0, b"")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for_every_shell(shell: Shell, name: str) -> None:
    script = shell("completion", name).out

    assert "_LARKPOST_COMPLETE" in script
    assert not CONTROL & set(script)


def test_the_bash_completion_is_bash_and_completes(shell: Shell) -> None:
    script = shell("completion", "bash").out
    bash = shutil.which("bash")
    assert bash is not None

    subprocess.run([bash, "-n"], input=script.encode(), check=True)
    words = subprocess.run(
        [PROGRAM],
        env={**shell.environ, "_LARKPOST_COMPLETE": "bash_complete", "COMP_WORDS": "larkpost pu",
             "COMP_CWORD": "1"},
        capture_output=True, check=True, text=True,
    )  # fmt: skip

    assert "plain,publish" in words.stdout


def test_the_version_is_reported(shell: Shell) -> None:
    assert shell("--version").out.startswith("larkpost ")
