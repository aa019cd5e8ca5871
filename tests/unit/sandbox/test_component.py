"""A process that is forked from one that has loaded its program looks and ends as one that was started by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from harness.sandbox.component import ROOM

if TYPE_CHECKING:
    from pathlib import Path

PART = """\
import json, os, signal, sys

def main():
    print(json.dumps({"ready": {
        "command": open("/proc/self/cmdline").read().rstrip("\\0").split("\\0"),
        "argv": sys.argv[1:],
        "mark": "MARK=here" in open("/proc/self/environ").read().split("\\0"),
        "descriptors": [number for number in range(64) if os.path.exists(f"/proc/self/fd/{number}")],
        "handled": [signal.getsignal(each) != signal.SIG_DFL for each in (signal.SIGCHLD, signal.SIGTERM)],
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "directory": os.getcwd(),
    }}), flush=True)
    exec(os.environ["END"])
"""
FORKING = """\
import fcntl, json, os, resource, signal, sys
from pathlib import Path
from harness.sandbox.component import Plan, load, start

fcntl.fcntl(0, fcntl.F_DUPFD, 60)  # what is open stays open when a limit below it comes, which therefore tells nothing
resource.setrlimit(resource.RLIMIT_NOFILE, (50, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
heard = os.pipe()
try:
    load(["part"])
    part = start(Plan(name="part", module="part", arguments=("--state", os.environ["STATE"])), Path("stderr"))
    while part.read():
        pass
    print(json.dumps({"ready": part.ready, "status": os.waitstatus_to_exitcode(os.waitpid(part.pid, 0)[1])}))
finally:
    assert os.path.exists("ended") or not os.mkdir("ended")  # by one process, not by its copy too
"""


def forked(folder: Path, end: str, state: str = "/dev/shm") -> dict[str, Any]:
    """What a part told that ends by these statements, how it ended, and its last words."""
    (folder / "part.py").write_text(PART)
    path = os.pathsep.join((str(folder), *sys.path[1:]))
    done = subprocess.run(
        [sys.executable, "-c", FORKING, ROOM],
        env={"PYTHONPATH": path, "MARK": "here", "END": end, "STATE": state},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return {**told, "stderr": (folder / "stderr").read_text()}


def test_it_looks_as_a_program_that_was_started_by_itself(tmp_path: Path) -> None:
    told = forked(tmp_path, "pass")
    assert (told["status"], told["stderr"]) == (0, "")
    assert told["ready"] == {
        "command": [sys.executable, "-m", "part", "--state", "/dev/shm"],
        "argv": ["--state", "/dev/shm"],
        "mark": True,
        "descriptors": [0, 1, 2],
        "handled": [False, False],
        "blocked": 0,
        "directory": "/",
    }


def test_a_command_line_longer_than_its_room_is_cut_and_leaves_the_environment(tmp_path: Path) -> None:
    told = forked(tmp_path, "pass", "x" * 10_000)
    assert told["ready"]["argv"] == ["--state", "x" * 10_000]
    *whole, cut = told["ready"]["command"]
    assert whole == [sys.executable, "-m", "part", "--state"]
    assert 0 < len(cut) < 10_000
    assert not cut.strip("x")
    assert told["ready"]["mark"]


@pytest.mark.parametrize(
    ("end", "status", "words"),
    [
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no room')", 1, "no room\n"),
        ("raise KeyError('mine')", 1, "KeyError: 'mine'\n"),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
    ],
)
def test_it_ends_as_a_program_does(tmp_path: Path, end: str, status: int, words: str) -> None:
    told = forked(tmp_path, end)
    assert told["status"] == status
    assert told["stderr"].endswith(words)
    assert ("Traceback" in told["stderr"]) == ("KeyError" in words)
