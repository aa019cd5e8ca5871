"""Settings on stdin -> a whole sandbox, for as long as stdin stays open: PID 1 of the sandbox's PID namespace.

    python -m harness.sandbox.supervisor      (as the first process of new PID and mount namespaces)

stdin: one line of JSON settings, then nothing; its end is the end of the sandbox. Where the line `stay` comes, it is
kept: SIGTERM ends it, and it removes its record and kubeconfig. stdout: one JSON object a line, `{"ready": {...}}`
once, or `{"died": {"component", "how", "stderr"}}` as the last. State lives in a tmpfs that only this mount namespace
has. The kernel kills every process of a PID namespace whose first process ends, so nothing can be left. Plain poll
instead of an event loop: as PID 1 it must reap orphans that it never started.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from harness.sandbox import state_folder
from harness.sandbox.component_end import how, last_lines, processes_killed_for_memory, sentence
from harness.sandbox.netns import network_script, node_name
from harness.sandbox.running import MARK, Mark
from harness.sandbox.settings import Settings

# A place that every Linux has and that the sandbox can cover with its own tmpfs: nothing is ever made on the machine.
STATE = Path("/dev/shm")
_STATE_OPTIONS = "mode=0700,size=1g"
_READY_WITHIN_S = 15.0
STAY = b"stay"


@dataclass(slots=True, kw_only=True)
class Component:
    """A process of the sandbox and what it said when it was ready (None: not yet)."""

    name: str
    process: subprocess.Popen[bytes]
    stderr: Path
    ready: dict[str, Any] | None = None
    output: bytes = field(default=b"")

    def read(self) -> bool:
        """Takes what the component wrote on its stdout; False at its end."""
        assert self.process.stdout is not None
        chunk = os.read(self.process.stdout.fileno(), 65536)
        *lines, self.output = (self.output + chunk).split(b"\n")
        for line in lines:
            if self.ready is None and line.startswith(b"{"):
                self.ready = json.loads(line).get("ready")
        return bool(chunk)


def main() -> NoReturn:
    """Runs the sandbox; ends with status 0 when stdin ends, 1 when a component died."""
    if os.getpid() != 1:
        sys.exit("harness.sandbox.supervisor must be the first process of a PID namespace of its own")
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    settings = Settings.from_json(line.decode())
    wakeup, signalled = os.pipe()
    for end in (wakeup, signalled):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(signalled)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    died: dict[str, Any] | None = None
    try:
        _prepare(settings)
        died = _run(settings, wakeup)
        sys.exit(0 if died is None else 1)
    finally:
        _forget(died)


def _forget(died: dict[str, Any] | None) -> None:
    """Removes the record and the kubeconfig of a kept sandbox; leaves word of what died for who asks for it next."""
    mark = Mark.from_json(os.environ.get(MARK, ""))
    if mark is None:
        return
    state_folder.forget(mark)
    if died is not None:
        state_folder.leave_word(mark, f"on {time.strftime('%Y-%m-%d at %H:%M:%S %Z')} {sentence(died)}")


def _prepare(settings: Settings) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", _STATE_OPTIONS, "sandbox", str(STATE)], check=True)
    for name in ("netns", "stderr", "pods"):
        (STATE / name).mkdir()
    script = network_script(STATE / "netns", settings.nodes, settings.client_addresses)
    if settings.balancer is not None:
        from harness.sandbox.balancer.network import balancer_script

        script += balancer_script(STATE / "netns", settings.nodes, settings.client_addresses)
    built = subprocess.run(["sh"], input=script, text=True, capture_output=True, check=False)
    if built.returncode != 0:
        _tell(died={"component": "network", "how": "could not be built", "stderr": built.stderr.splitlines()})
        sys.exit(1)
    (STATE / "settings.json").write_text(settings.to_json())


def _run(settings: Settings, wakeup: int) -> dict[str, Any] | None:
    """Runs until stdin ends, or until a component does: what was told of that then."""
    killed_before = processes_killed_for_memory()
    components = {component.process.pid: component for component in _started(settings)}
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "stdin")
    selector.register(wakeup, selectors.EVENT_READ, "signal")
    for component in components.values():
        selector.register(_stdout(component), selectors.EVENT_READ, component)
    deadline: float | None = time.monotonic() + _READY_WITHIN_S
    while True:
        if _stdin_ended(selector, None if deadline is None else max(0.0, deadline - time.monotonic())):
            return None
        dead = _reap(components)
        if dead is not None:
            short = processes_killed_for_memory() > killed_before
            return _tell_died(dead[0], how(dead[1], memory_was_short=short))
        waiting = [component for component in components.values() if component.ready is None]
        if deadline is not None and not waiting:
            _tell(ready={component.name: component.ready for component in components.values()})
            deadline = None
        elif deadline is not None and time.monotonic() >= deadline:
            return _tell_died(waiting[0], f"was not ready within {_READY_WITHIN_S:.0f} s")


def _stdin_ended(selector: selectors.BaseSelector, timeout_s: float | None) -> bool:
    """Takes what has come within the time, None for ever: True where that was the end of stdin.

    A sandbox that is told to stay does not look at its stdin any more.
    """
    for key, _ in selector.select(timeout_s):
        if key.data == "stdin":
            said = os.read(key.fd, 4096)
            if not said:
                return True
            if STAY in said.splitlines():
                selector.unregister(key.fileobj)
        if key.data == "signal":
            os.read(key.fd, 4096)
        if isinstance(key.data, Component) and not key.data.read():
            selector.unregister(key.fileobj)
    return False


def _started(settings: Settings) -> list[Component]:
    module = [sys.executable, "-m"]
    started = [_start("control plane", [*module, "harness.sandbox.controlplane", "--state", str(STATE)])]
    for number in range(1, settings.nodes + 1):
        name = node_name(number)
        inside = ["nsenter", f"--net={STATE / 'netns' / name}"]
        command = [*module, "harness.sandbox.node", "--state", str(STATE), "--node", name]
        started.append(_start(name, [*inside, *command]))
        if settings.truth is not None:
            command = [*module, "harness.sandbox.instruments.truth.recorder", "--state", str(STATE), "--node", name]
            started.append(_start(f"{name}'s truth", [*inside, *command, "--out", str(settings.truth)]))
    if settings.balancer is not None:
        inside = ["nsenter", f"--net={STATE / 'netns' / 'balancer'}"]
        command = [*module, "harness.sandbox.balancer.controller", "--state", str(STATE)]
        started.append(_start("load balancer", [*inside, *command]))
    return started


def _start(name: str, command: list[str]) -> Component:
    path = STATE / "stderr" / name.replace(" ", "-")
    with path.open("wb") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, cwd="/")
    return Component(name=name, process=process, stderr=path)


def _reap(components: dict[int, Component]) -> tuple[Component, int] | None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == 0:
            return None
        if pid in components:
            return components[pid], status


def _stdout(component: Component) -> IO[bytes]:
    assert component.process.stdout is not None
    return component.process.stdout


def _tell_died(component: Component, end: str) -> dict[str, Any]:
    died = {"component": component.name, "how": end, "stderr": last_lines(component.stderr)}
    _tell(died=died)
    return died


def _tell(**message: Any) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # a kept sandbox: nobody listens any more


if __name__ == "__main__":
    main()
