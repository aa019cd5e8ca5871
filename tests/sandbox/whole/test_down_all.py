"""`rollout-harness sandbox down --all`: what it ends, what it leaves alone, and that it says so.

It looks at all processes of this machine, so each test has a PID namespace of its own: a program runs in it that sees
and ends nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)

# What each program may use. `left` waits for the end of all that was started, the program's own helpers apart.
PRELUDE = """
import os, re, shutil, signal, subprocess, sys, time
from pathlib import Path
from harness.sandbox import running

RUNTIME = Path(os.environ["XDG_RUNTIME_DIR"])
FOLDER = RUNTIME / f"rollout-harness-{os.geteuid()}"
PROGRAM = [sys.executable, "-m", "harness"]
HARNESS = '''
import anyio, sys
from harness.sandbox.embedded import Sandbox
from harness.sandbox.settings import Settings

async def main():
    async with Sandbox.start(Settings()) as sandbox:
        command = sandbox.client_command(["sleep", "600"])
        async with await anyio.open_process(command, start_new_session=True):
            print(sandbox.pid, flush=True)
            await anyio.sleep_forever()

anyio.run(main)
'''

def sandbox(*words, code=0, **changed):
    environment = {**os.environ, **changed}
    done = subprocess.run([*PROGRAM, "sandbox", *words], capture_output=True, text=True, env=environment, timeout=200)
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr

def harness():
    process = subprocess.Popen([sys.executable, "-c", HARNESS], stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())

def processes():
    mine = (os.getpid(), os.getppid())
    return [one.command for one in running.processes() if one.pid not in mine and one.command]

def until(what, holds):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, (what, processes())
        os.sched_yield()

def masked(said):
    return re.sub(r"process \\d+", "process N", said).splitlines()
"""


def in_a_machine_of_its_own(tmp_path: Path, program: str) -> None:
    """Run the program as the first process of a PID namespace; it fails as it does there."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-c", PRELUDE + program]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=170, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


def test_everything_that_is_kept_is_ended_and_named_also_without_its_record(tmp_path: Path) -> None:
    in_a_machine_of_its_own(
        tmp_path,
        """
sandbox("up", "--name", "one")
sandbox("up", "--name", "two", "--kubeconfig", str(RUNTIME / "config"))
elsewhere = RUNTIME / "elsewhere"
elsewhere.mkdir()
sandbox("up", "--name", "three", XDG_RUNTIME_DIR=str(elsewhere))
subprocess.Popen([*PROGRAM, "sandbox", "exec", "--name", "two", "--", "sleep", "600"])
until("it runs", lambda: "sleep 600" in processes())
shutil.rmtree(FOLDER)
said = masked(sandbox("down", "--all"))
assert sorted(said) == [
    "Ended: sandbox one (process N).",
    "Ended: sandbox three (process N).",
    "Ended: sandbox two (process N).",
    "Ended: what ran on its client host (process N: sleep 600).",
], said
assert processes() == []
assert [str(path) for path in RUNTIME.rglob("*")] == [str(elsewhere)]
assert masked(sandbox("down", "--all")) == ["There was no sandbox to stop."]
""",
    )


def test_the_sandbox_of_a_living_run_is_left_alone_and_named(tmp_path: Path) -> None:
    in_a_machine_of_its_own(
        tmp_path,
        """
living, outermost = harness()
said = sandbox("down", "--all").splitlines()
assert said[0].startswith(f"Left alone: the sandbox of a run in progress, which ends with it (process {living.pid}: ")
assert said[1:] == ["There was no sandbox to stop."]
assert running.born(outermost)
living.terminate()
living.wait()
until("all ends with it", lambda: running.running() == ())
""",
    )


def test_what_a_killed_run_leaves_is_ended(tmp_path: Path) -> None:
    """Its sandbox ends with it by itself, unless it hangs: here its first process is stopped."""
    in_a_machine_of_its_own(
        tmp_path,
        """
dying, outermost = harness()
(supervisor,) = Path(f"/proc/{outermost}/task/{outermost}/children").read_text().split()
os.kill(int(supervisor), signal.SIGSTOP)
dying.kill()
dying.wait()
assert running.born(outermost)
said = masked(sandbox("down", "--all"))
assert said == [
    "Ended: the sandbox of a run whose harness is gone (process N).",
    "Ended: what ran on its client host (process N: sleep 600).",
], said
assert processes() == []
""",
    )


def test_what_ran_on_the_client_host_of_a_sandbox_that_is_gone_is_ended(tmp_path: Path) -> None:
    in_a_machine_of_its_own(
        tmp_path,
        """
dying, outermost = harness()
dying.kill()
dying.wait()
until("its sandbox ends", lambda: running.running() == ())
assert processes() == ["sleep 600"]
said = masked(sandbox("down", "--all"))
assert said == ["Ended: what ran on the client host of a sandbox that is gone (process N: sleep 600)."], said
assert processes() == []
""",
    )


def test_a_start_that_was_killed_at_any_moment_leaves_nothing_that_it_does_not_find(tmp_path: Path) -> None:
    in_a_machine_of_its_own(
        tmp_path,
        """
for tenths in range(0, 15, 2):
    starting = subprocess.Popen([*PROGRAM, "sandbox", "up", "--name", "play"], stdout=subprocess.DEVNULL)
    try:
        starting.wait(tenths / 10)
    except subprocess.TimeoutExpired:
        starting.kill()
        starting.wait()
    sandbox("down", "--all")
    until("the trial of the kernel ends by itself", lambda: processes() == [])
    left = [str(path) for path in RUNTIME.rglob("*") if path.suffix != ".lock" and path != FOLDER]
    assert left == [], (tenths, left)
""",
    )


def test_a_start_that_is_under_way_is_ended(tmp_path: Path) -> None:
    in_a_machine_of_its_own(
        tmp_path,
        """
starting = subprocess.Popen([*PROGRAM, "sandbox", "up", "--name", "play"], stderr=subprocess.PIPE, text=True)
until("it runs", lambda: running.running())
starting.send_signal(signal.SIGSTOP)  # so that it gets no further meanwhile
assert masked(sandbox("down", "--all")) == ["Ended: sandbox play (process N)."]
starting.send_signal(signal.SIGCONT)
assert "it was stopped while it was starting" in starting.communicate(timeout=200)[1]
assert starting.returncode == 2
assert processes() == []
assert list(RUNTIME.iterdir()) == []
""",
    )


def test_a_shell_on_the_client_host_may_end_it(tmp_path: Path) -> None:
    in_a_machine_of_its_own(
        tmp_path,
        """
sandbox("up")
done = sandbox("exec", "--", "sh", "-c", f"{sys.executable} -m harness sandbox down --all; echo still here")
assert masked(done) == ["Ended: sandbox default (process N).", "still here"], done
assert processes() == []
""",
    )


def test_all_and_a_name_are_not_both_meant() -> None:
    command = [sys.executable, "-m", "harness", "sandbox", "down", "--all", "--name", "play"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "error: stopping sandboxes: both --all and --name were given. Give one of them.\n",
    )
