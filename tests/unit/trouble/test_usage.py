"""Options that contradict each other, or that mean nothing, and a machine that grants too little, are told at once."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from program import PROGRAM, Told, called, told

from harness.exit_codes import ExitCode
from harness.runner.machine import check_open_files

from .test_inputs import APP

EXPERIMENT = """\
version: 1
name: shop
manifests: [app.yaml]
target: deployment/shop
service: {name: shop, port: 80}
load: {new: {rate: 20}, kept: {rate: 10, connections: 2}}
"""
CONTEXT = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "staging",
    "contexts": [{"name": "staging", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t0ps3cret"}}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "experiment.yaml").write_text(EXPERIMENT)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("mitigate", "app.yaml", "--prestop", "5s", "--prestop-exec", "5s"), "prestop-exec .*either, not both"),
        (("mitigate", "app.yaml", "--grace", "3s", "--prestop", "5s"), "grace 3s and prestop 5s contradict"),
        (("mitigate", "app.yaml", "--prestop", "-5s"), "--prestop: '-5s' is not a duration"),
        (("mitigate", "app.yaml", "--prestop", "5"), "--prestop: '5' .*write 5s"),
        (("mitigate", "app.yaml", "--grace", "9" * 400 + "s"), "--grace: .*too long"),
        (("mitigate", "nowhere.yaml", "--grace", "9s"), "nowhere.yaml: there is no such file"),
        (("mitigate", "-", "--grace", "9s"), "standard input: nothing came"),
        (("mitigate", "https://example.com/app.yaml", "--grace", "9s"), "it is a URL, and files are read. Download it"),
        (
            ("mitigate", "", "--grace", "9s"),
            "word 2 after rollout-harness is empty. Is a variable of the shell not set",
        ),
        (("run", "experiment.yaml", "--out="), "--out is empty. Is a variable of the shell not set"),
        (("trace", "diff", "/dev/zero", "app.yaml"), "/dev/zero: it is a device"),
        (("sandbox", "up", "--min-sync-period", "1"), "reading --min-sync-period 1: '1' is not a duration"),
        (("run", "experiment.yaml", "--budget", "failed=-1"), "failed=-1: input should be a valid integer, not '-1'"),
        (("run", "experiment.yaml", "--latency", "5ms"), "latency"),
        (("run", "experiment.yaml", "--cluster", "sandbx"), "sandbx"),
        (("reprot", "x"), "report"),
        (("run", "experiment.yaml", "--dryrun"), "--dry-run"),
        (("run",), "experiment"),
        (("report", "nowhere"), "nowhere: there is no such folder"),
    ],
)
def test_a_wrong_command_line_is_one_line(folder: Path, words: tuple[str, ...], says: str) -> None:
    said = called(*words, cwd=folder)
    assert said.code == ExitCode.USAGE
    assert re.search(says, said.error), said.error
    assert said.out == ""


def test_what_a_header_needs_is_asked_for_before_the_cluster_is(folder: Path) -> None:
    more = "request: {headers: {Authorization: {env: TOKEN_OF_THE_SHOP}}}\n"
    (folder / "experiment.yaml").write_text(EXPERIMENT + more)
    (folder / "config").write_text(json.dumps(CONTEXT))
    words = ("run", "experiment.yaml", "--cluster", "context:staging", "--yes")
    env = {"KUBECONFIG": "config", "TOKEN_OF_THE_SHOP": None}
    said = called(*words, cwd=folder, env=env)
    assert said.code == ExitCode.USAGE
    assert "TOKEN_OF_THE_SHOP is not set" in said.error


# The environment


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (bytes(range(256)) * 8, "reading kubeconfig .*not text in UTF-8"),
        (b"a: [", "reading kubeconfig .*line 2"),
        (b"[1, 2]", "holds no mapping"),
        ({"contexts": 5}, "contexts is not a list"),
        ({"contexts": [5]}, r"contexts\[0\] is not a mapping"),
        ({"clusters": [{"name": "c", "cluster": {"server": 5}}]}, r"clusters\[0\]\.cluster\.server is not text"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:99999"}}]}, "127.0.0.1:99999|staging"),
        ({"clusters": [{"name": "c", "cluster": {"server": "no where"}}]}, "."),
        ({"clusters": []}, "staging"),
        (
            {"users": [{"name": "u", "user": {"client-certificate-data": "%%%"}}]},
            "certificates cannot be used|credentials cannot be had",
        ),
        ({"contexts": [{"name": "stagin", "context": {"cluster": "c"}}]}, "no context 'staging'; did you mean stagin?"),
    ],
)
def test_a_kubeconfig_that_is_none_is_one_line(folder: Path, change: bytes | dict[str, object], says: str) -> None:
    text = change if isinstance(change, bytes) else json.dumps(CONTEXT | change).encode()
    (folder / "config").write_bytes(text)
    words = ("run", "experiment.yaml", "--cluster", "context:staging", "--yes", "--worker-image", "w:1")
    said = called(*words, cwd=folder, env={"KUBECONFIG": str(folder / "config")})
    assert said.code == ExitCode.USAGE, said
    assert re.search(says, said.error), said.error
    assert "t0ps3cret" not in said.err


def test_too_few_descriptors_are_told_with_how_many_are_needed(folder: Path) -> None:
    (folder / "experiment.yaml").write_text(EXPERIMENT.replace("rate: 20", "rate: 200"))
    said = told("run", "experiment.yaml", "--out", "out", cwd=folder, sh="ulimit -n 512")
    assert said.code == ExitCode.USAGE
    # (200 + 10) a second for 2.5 s + 5 s, 16 to spare a stream, 2 kept, 32 of its own
    assert "it needs up to 1641 open files (descriptors) at once, and this process may have 512" in said.error
    assert not (folder / "out").exists()
    check_open_files(100)


@pytest.mark.parametrize(
    ("run", "env"),
    [
        (called, {"HOME": None}),
        (called, {"HOME": "/nowhere"}),
        (called, {"XDG_STATE_HOME": "/dev/null"}),
        (told, {"LC_ALL": "xx_YY"}),  # a process has its language from its start
    ],
)
def test_a_bare_environment_changes_nothing(folder: Path, run: Callable[..., Told], env: dict[str, str | None]) -> None:
    assert run("run", "experiment.yaml", "--dry-run", cwd=folder, env=env).code == 0
    words = ("run", "experiment.yaml", "--cluster", "context:a", "--yes")
    said = run(*words, cwd=folder, env={**env, "KUBECONFIG": None})
    assert said.code == ExitCode.USAGE
    assert "kubeconfig" in said.error


@pytest.mark.parametrize("words", [("report", "."), ("run", "experiment.yaml", "--out", "out")])
def test_too_little_memory_is_told_before_anything_is_loaded(folder: Path, words: tuple[str, ...]) -> None:
    said = told(*words, cwd=folder, sh="ulimit -v 500000")
    assert said.code == ExitCode.USAGE
    assert "needs 2000 MB of memory (address space), and this process may have 512 MB" in said.error


@pytest.mark.parametrize("env", [{"XDG_RUNTIME_DIR": "/nowhere"}, {"XDG_RUNTIME_DIR": "/dev/null"}])
def test_a_runtime_folder_that_is_none_is_said(env: dict[str, str | None]) -> None:
    said = called("sandbox", "up", env=env)
    assert said.code == ExitCode.USAGE
    assert "Set XDG_RUNTIME_DIR." in said.error


def test_a_kubeconfig_that_cannot_be_written_is_said_before_a_sandbox_is_started(folder: Path) -> None:
    said = called("sandbox", "up", "--kubeconfig", "app.yaml/config", cwd=folder, env={"XDG_RUNTIME_DIR": str(folder)})
    assert said.code == ExitCode.USAGE
    assert "app.yaml/config cannot be written (not a directory)" in said.error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_anything_was_done_ends_with_its_code(number: signal.Signals) -> None:
    with subprocess.Popen(
        [*PROGRAM, "mitigate", "-", "--grace", "9s"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as waiting:
        assert waiting.stdin is not None
        waiting.stdin.write(b"a")
        waiting.stdin.flush()
        until = time.monotonic() + 30
        while _unread(waiting.stdin) and time.monotonic() < until:
            os.sched_yield()  # until it waits for more
        waiting.send_signal(number)
        out, err = waiting.communicate(timeout=200)
    assert (waiting.returncode, out, err) == (ExitCode.of_signal(number), b"", b"")


def _unread(pipe: IO[bytes]) -> int:
    """How many bytes lie in the pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
