"""A sandbox whose start is interrupted, at whatever moment and by whatever signal, leaves nothing on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wholecluster import polled

from harness.sandbox import running
from harness.sandbox.supervisor import STATE

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

PROGRAM = (sys.executable, "-m", "harness")
EXPERIMENT = """\
version: 1
name: interrupted
manifests: [{manifests}]
service: {{name: web, port: 80}}
update: {{image: {{nginx: ["nginx:1.29.1", "nginx:1.28.0"]}}}}
load: {{new: {{rate: 20}}}}
"""
# Every fifth is enough for every day, since each step is tried too, below; all with `-m "slow or not slow"`.
MOMENTS = [pytest.param(tenths / 10, marks=[pytest.mark.slow] * (tenths % 5 > 0)) for tenths in range(16)]


class Started:
    """A command that starts a sandbox, and what of that runs."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*PROGRAM, *command],
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._identity = running.identity(self.process.pid)

    def left(self) -> list[running.Running]:
        """The sandboxes that it started and that run."""
        return [one for one in running.running() if one.mark.starter == self._identity]

    def below(self) -> list[int]:
        """The processes of the sandbox that it is starting: a look at these alone, as this is asked a hundred times a
        second beside a start that needs the processor."""
        found, parents = list[int](), [self.process.pid]
        while parents:
            children = [int(pid) for parent in parents for pid in said(parent, f"task/{parent}/children").split()]
            found += (parents := children)
        return [pid for pid in found if running.MARK.encode() in said(pid, "environ")]

    def parts(self, word: str) -> list[str]:
        """The command lines of those in which the word is."""
        commands = [said(pid, "cmdline").replace(b"\0", b" ").decode().strip() for pid in self.below()]
        return [command for command in commands if word in command]

    def files(self) -> list[str]:
        """What it wrote."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def ended_by(self, number: signal.Signals) -> int:
        """Send the signal, and wait for the end: gives the exit code."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=200)
        assert "Traceback" not in said
        return self.process.returncode

    def close(self) -> None:
        """End what is left."""
        self.process.kill()
        self.process.communicate()
        for one in self.left():
            running.end(one.mark)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Started]:
    started = Started(["sandbox", "up", "--name", "play"], tmp_path)
    yield started
    started.close()


@pytest.fixture
def run(tmp_path: Path, repository: Path) -> Iterator[Started]:
    file = tmp_path / "experiment.yaml"
    file.write_text(EXPERIMENT.format(manifests=repository / "fixtures" / "manifests" / "nginx.yaml"))
    started = Started(["run", str(file), "--out", str(tmp_path / "out")], tmp_path)
    yield started
    started.close()


def said(pid: int, file: str) -> bytes:
    """What the kernel says of a process; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:
        return b""


def after(process: subprocess.Popen[str], seconds: float) -> None:
    """Let it run for so long, or to its end."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def down(up: Started, *, check: bool) -> None:
    """End the sandbox that is left."""
    command = [*PROGRAM, "sandbox", "down", "--name", "play"]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(up.folder)}
    subprocess.run(command, check=check, env=environment, timeout=200, capture_output=True)


def is_up_or_gone(up: Started, code: int) -> None:
    """What `up` says is so: 0, and the sandbox stays; else nothing is there any more, in that very moment."""
    if code == 0:
        assert len(up.left()) == 1
        down(up, check=True)
    else:
        assert code in (143, -signal.SIGTERM)
    assert (up.left(), up.files()) == ([], [])


@pytest.mark.parametrize("seconds", MOMENTS)
async def test_up_that_is_ended_after_so_long_leaves_nothing(up: Started, seconds: float) -> None:
    after(up.process, seconds)
    is_up_or_gone(up, up.ended_by(signal.SIGTERM))


# However fast the machine is: as soon as something of a start can be seen.
STEPS: dict[str, Callable[[Started], object]] = {
    "lock": lambda up: any(name.endswith(".lock") for name in up.files()),
    "record": lambda up: any(name.endswith(".json") for name in up.files()),
    "outermost process": lambda up: up.below(),
    "supervisor": lambda up: any(
        line.startswith(sys.executable) and line.endswith("sandbox.supervisor") for line in up.parts("supervisor")
    ),
    "network": lambda up: any(Path(f"/proc/{pid}/root{STATE}/netns/node1").exists() for pid in up.below()),
    "control plane": lambda up: up.parts("controlplane"),
    "node": lambda up: any(line.startswith(sys.executable) for line in up.parts("sandbox.node")),
    "kubeconfig": lambda up: any(path.stat().st_size for path in up.folder.rglob("*.kubeconfig")),
}


@pytest.mark.parametrize("step", STEPS)
async def test_up_that_is_ended_at_a_step_leaves_nothing(up: Started, step: str) -> None:
    await polled(step, lambda: STEPS[step](up) or None)
    is_up_or_gone(up, up.ended_by(signal.SIGTERM))


@pytest.mark.parametrize("step", STEPS)
async def test_up_that_is_killed_at_a_step_leaves_what_down_finds_at_most(up: Started, step: str) -> None:
    await polled(step, lambda: STEPS[step](up) or None)
    up.ended_by(signal.SIGKILL)
    if not STEPS["kubeconfig"](up):  # from there on it may have been handed over, and stays
        await polled("the end of its sandbox", lambda: not up.left() or None)
    down(up, check=False)  # 2 where nothing is left
    assert (up.left(), up.files()) == ([], [])


@pytest.mark.parametrize("seconds", MOMENTS)
async def test_a_run_that_is_ended_after_so_long_leaves_nothing(run: Started, seconds: float) -> None:
    after(run.process, seconds)
    assert run.ended_by(signal.SIGTERM) in (143, -signal.SIGTERM)
    assert (run.left(), run.files()) == ([], ["experiment.yaml"])


RUN_STEPS = [step for step in STEPS if step not in ("lock", "record", "kubeconfig")]
ENDING = [(step, signal.SIGTERM) for step in RUN_STEPS]


@pytest.mark.parametrize(("step", "number"), [*ENDING, ("network", signal.SIGHUP), ("node", signal.SIGINT)])
async def test_a_run_that_is_ended_at_a_step_leaves_nothing(run: Started, step: str, number: signal.Signals) -> None:
    await polled(step, lambda: STEPS[step](run) or None)
    assert run.ended_by(number) == 128 + number
    assert (run.left(), run.files()) == ([], ["experiment.yaml"])


@pytest.mark.parametrize("step", RUN_STEPS)
async def test_the_sandbox_of_a_run_that_is_killed_ends_with_it(run: Started, step: str) -> None:
    await polled(step, lambda: STEPS[step](run) or None)
    run.ended_by(signal.SIGKILL)
    await polled("the end of its sandbox", lambda: not run.left() or None)
