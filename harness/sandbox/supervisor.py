"""Settings on stdin -> a whole sandbox, for as long as stdin stays open: PID 1 of the sandbox's PID namespace.

    python -m harness.sandbox.supervisor [ROOM]      (as the first process of new PID and mount namespaces)

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
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harness.sandbox import component, state_folder
from harness.sandbox.component import Component, Plan
from harness.sandbox.component_end import how, last_lines, processes_killed_for_memory, sentence
from harness.sandbox.netns import network_script, node_name
from harness.sandbox.running import MARK, Mark
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

# A place that every Linux has and that the sandbox can cover with its own tmpfs: nothing is ever made on the machine.
STATE = Path("/dev/shm")
_STATE_OPTIONS = "mode=0700,size=1g"
_RECORDER = "harness.sandbox.instruments.truth.recorder"
_READY_WITHIN_S = 50.0  # a second or two even on a busy machine; longer only where it is given no time at all
STAY = b"stay"


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
        plans = _plans(settings)
        _prepare(settings, plans)
        died = _run(plans, wakeup)
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


def _prepare(settings: Settings, plans: Sequence[Plan]) -> None:
    """Builds the network, and loads meanwhile what the components will be."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", _STATE_OPTIONS, "sandbox", str(STATE)], check=True)
    for name in ("netns", "stderr", "pods"):
        (STATE / name).mkdir()
    (STATE / "settings.json").write_text(settings.to_json())
    script = network_script(STATE / "netns", settings.nodes, settings.client_addresses)
    if settings.balancer is not None:
        from harness.sandbox.balancer.network import balancer_script

        script += balancer_script(STATE / "netns", settings.nodes, settings.client_addresses)
    (STATE / "network.sh").write_text(script)
    with (STATE / "network.sh").open() as commands:
        building = subprocess.Popen(
            ["sh"], stdin=commands, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    component.load([plan.module for plan in plans])
    _, said = building.communicate()
    if building.returncode != 0:
        _tell(died={"component": "network", "how": "could not be built", "stderr": said.splitlines()})
        sys.exit(1)


def _run(plans: Sequence[Plan], wakeup: int) -> dict[str, Any] | None:
    """Runs until stdin ends, or until a component does: what was told of that then."""
    killed_before = processes_killed_for_memory()
    started = [component.start(plan, STATE / "stderr" / plan.name.replace(" ", "-")) for plan in plans]
    components = {one.pid: one for one in started}
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "stdin")
    selector.register(wakeup, selectors.EVENT_READ, "signal")
    for one in started:
        selector.register(one.stdout, selectors.EVENT_READ, one)
    deadline: float | None = time.monotonic() + _READY_WITHIN_S
    while True:
        if _stdin_ended(selector, None if deadline is None else max(0.0, deadline - time.monotonic())):
            return None
        dead = _reap(components)
        if dead is not None:
            short = processes_killed_for_memory() > killed_before
            return _tell_died(dead[0], how(dead[1], memory_was_short=short))
        waiting = [one for one in started if one.ready is None]
        if deadline is not None and not waiting:
            _tell(ready={one.name: one.ready for one in started})
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


def _plans(settings: Settings) -> list[Plan]:
    state = ("--state", str(STATE))
    plans = [Plan(name="control plane", module="harness.sandbox.controlplane", arguments=state)]
    truth = "" if settings.truth is None else str(settings.truth)
    for number in range(1, settings.nodes + 1):
        name = node_name(number)
        network, node = STATE / "netns" / name, (*state, "--node", name)
        plans.append(Plan(name=name, module="harness.sandbox.node", arguments=node, network=network))
        if truth:
            recorded = (*node, "--out", truth)
            plans.append(Plan(name=f"{name}'s truth", module=_RECORDER, arguments=recorded, network=network))
    if settings.balancer is not None:
        module, network = "harness.sandbox.balancer.controller", STATE / "netns" / "balancer"
        plans.append(Plan(name="load balancer", module=module, arguments=state, network=network))
        if truth:
            passed = (*state, "--node", "balancer", "--only-flows", "--out", truth)
            plans.append(Plan(name="load balancer's truth", module=_RECORDER, arguments=passed, network=network))
    return plans


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


def _tell_died(dead: Component, end: str) -> dict[str, Any]:
    died = {"component": dead.name, "how": end, "stderr": last_lines(dead.stderr)}
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
