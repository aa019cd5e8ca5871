"""Standard streams that are closed, full or no longer read change no exit code of a verdict, and break nothing else."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest
from program import PROGRAM, check_harmless, told

from harness.cli import streams as room
from harness.cli.ending import conclude, ended
from harness.errors import HarnessError
from harness.exit_codes import ExitCode
from harness.observers import heartbeat

ROOT = Path(__file__).parents[3]


def test_a_full_standard_output_fails_the_command_whose_product_stands_there() -> None:
    said = told("schema", sh="exec > /dev/full")
    assert said.code == ExitCode.USAGE
    assert "writing to standard output: no space left on the device" in said.error


def test_a_closed_standard_output_is_said() -> None:
    said = told("schema", sh="exec >&-")
    assert said.code == ExitCode.USAGE
    assert "writing to standard output" in said.error


@pytest.mark.parametrize("lost", ["2> /dev/full", "2>&-"])
def test_an_error_that_cannot_be_said_keeps_its_exit_code(lost: str) -> None:
    assert told("run", "nowhere.yaml", sh=f"exec {lost}") == told("run", "nowhere.yaml", sh="exec 2> /dev/null")
    assert told("run", "nowhere.yaml", sh=f"exec {lost}").code == ExitCode.USAGE


def test_a_reader_that_had_enough_is_no_failure() -> None:
    piped = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -1', "bash", *PROGRAM, "schema"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=ROOT,
    )
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, "{\n", "")


def test_nobody_who_reads_is_waited_for_as_long_as_a_stall_of_the_harness_lasts() -> None:
    assert room._PATIENCE_S < heartbeat.LATE_S


def test_all_streams_closed_is_no_fault() -> None:
    assert told("--version", sh="exec <&- >&- 2>&-").code == ExitCode.USAGE


def test_a_locale_that_cannot_write_a_letter_gets_an_escape(tmp_path: Path) -> None:
    said = told("run", tmp_path / "größe\u202e.yaml", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert said.code == ExitCode.USAGE
    assert "gr\\xf6\\xdfe\\u202e.yaml" in said.error
    check_harmless(said)


@pytest.mark.parametrize(("asked", "shown"), [((), False), (("-W", "default"), True)])
def test_a_librarys_warning_is_shown_to_who_asks_for_it(asked: tuple[str, ...], shown: bool) -> None:
    script = (
        "import sys, warnings\n"
        "import harness.cli.app as app\n"
        "app.arranged = lambda words: warnings.warn('of a library')\n"
        "sys.argv = ['rollout-harness']\n"
        "app.main()\n"
    )
    done = subprocess.run(
        [PROGRAM[0], *asked, "-c", script], capture_output=True, text=True, timeout=200, check=True, cwd=ROOT
    )
    assert ("of a library" in done.stderr) == shown


def test_a_verdict_keeps_its_code_whatever_is_printed() -> None:
    assert ended(lambda: conclude(1), "report") == (1, True)
    assert ended(lambda: conclude(0), "report") == (0, True)


def test_a_pipe_that_nobody_reads_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_PATIENCE_S", 0.05)
    read, write = os.pipe()
    outlet = room._Outlet(write, 0.05)
    try:
        for _ in range(100):  # a pipe holds 64 kB
            assert outlet.write(bytes(4096)) == 4096
        assert outlet.failure is None
    finally:
        os.close(read)
        os.close(write)


def test_what_was_read_again_gets_more() -> None:
    read, write = os.pipe()
    outlet = room._Outlet(write, 0.01)
    try:
        while not outlet._stuck:
            outlet.write(bytes(4096))
        os.read(read, 65536)
        outlet.write(b"here again")
        rest = os.read(read, 65536)
        assert rest.endswith(b"here again")
    finally:
        os.close(read)
        os.close(write)


def test_a_reader_that_went_away_is_remembered() -> None:
    read, write = os.pipe()
    os.close(read)
    outlet = room._Outlet(write, None)
    try:
        assert outlet.write(b"nobody") == 6
        assert outlet.failure is not None
        assert outlet.failure.errno == errno.EPIPE
    finally:
        os.close(write)


def test_an_error_of_the_system_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> None:
        raise ExceptionGroup("tasks", [OSError(errno.EMFILE, "x", "a\nfile")])

    assert ended(refused, "rollout-harness run") == (ExitCode.USAGE, False)
    said = capsys.readouterr().err
    assert said == (
        "error: rollout-harness run: a file: too many open files for this process. "
        "Raise the limit on open files (ulimit -n).\n"
    )


def test_memory_that_ran_out_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def greedy() -> None:
        raise MemoryError

    assert ended(greedy, "rollout-harness report") == (ExitCode.USAGE, False)
    assert "memory ran out" in capsys.readouterr().err


def test_a_fault_of_our_own_ends_with_70_and_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def faulty() -> None:
        room._text(None, None)  # type: ignore[arg-type]

    assert ended(faulty, "rollout-harness run") == (ExitCode.FAULT, False)
    (line,) = capsys.readouterr().err.splitlines()
    (file,) = (tmp_path / "rollout-harness").iterdir()
    assert str(file) in line
    assert "AttributeError in cli/streams.py, line " in line
    assert "Traceback (most recent call last)" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_fault_is_said_where_no_folder_takes_its_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.faults._folders", lambda: [Path("/dev/null/nowhere")])

    def faulty() -> None:
        raise KeyError("secret")

    assert ended(faulty, "rollout-harness run")[0] == ExitCode.FAULT
    (line,) = capsys.readouterr().err.splitlines()
    assert "the stack trace could not be saved (HOME, TMPDIR). Please report this line; " in line
    assert "secret" not in line


def test_lasting_streams_are_put_in_place_of_the_given_ones(capsys: pytest.CaptureFixture[str]) -> None:
    script = (
        "from harness.cli.streams import lasting_streams\n"
        "import sys\n"
        "with lasting_streams() as streams:\n"
        "    print('x' * 100000)\n"
        "    lost = streams.lost_output()\n"
        "print(lost is None, file=sys.stderr)\n"
    )
    done = subprocess.run([PROGRAM[0], "-c", script], capture_output=True, text=True, timeout=200, check=True, cwd=ROOT)
    assert (len(done.stdout), done.stderr) == (100001, "True\n")


def test_parts_of_a_message_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> None:
        raise HarnessError("reading " + "x" * 100_000, "\x1b[2J\u202eno\nway", "Stop.")

    ended(refused, "rollout-harness run")
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) < 1000
    assert line.endswith("\\x1b[2J\\u202eno way. Stop.")
