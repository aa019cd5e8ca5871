"""Faults of processes: the harness, its load worker and the parts of the cluster, killed, stopped and told to end."""

from __future__ import annotations

import os
import signal
from typing import Any

from ..fault import (
    AS_IT_IS,
    DROPPING,
    IN_DOUBT,
    INCONCLUSIVE,
    NEVER_DROPPING,
    NEVER_SEAMLESS,
    NONE,
    REFUSED,
    App,
    Fault,
    Group,
    Holds,
    Inject,
    Left,
    Phase,
    Records,
    Where,
)
from ..processes import found, tree
from ..scene import Scene

KILL, TERM, INT, HUP = signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP
BEFORE = (Phase.START, Phase.DEPLOY, Phase.CONTROL)
AFTER = (Phase.ROLLOUT, Phase.QUIET, Phase.CLEAN_UP, Phase.JUDGING)


def row(name: str, phase: Phase, what: str, inject: Inject, holds: Holds, **more: Any) -> Fault:
    return Fault(name=name, group=Group.PROCESS, phase=phase, what=what, inject=inject, holds=holds, **more)


async def _as_it_works(scene: Scene) -> None:
    """At the start: once it has begun to reach the cluster; while its Python starts nobody could heed a signal."""
    if scene.fault.begins is not Phase.START:
        return
    if scene.proxy is not None:
        await scene.way.reached.wait()
    else:
        await scene.until("sandbox", lambda: len(tree(scene.pid)) > 2)
        scene.known |= tree(scene.pid)


def told(number: signal.Signals, *, again: bool = False) -> Inject:
    async def inject(scene: Scene) -> None:
        await _as_it_works(scene)
        await scene.lasting(0.2 if scene.fault.begins in (Phase.CONTROL, Phase.ROLLOUT, Phase.QUIET) else 0.0)
        scene.strike()
        scene.signal(number)
        if again:
            await scene.lasting(0.3)
            scene.signal(number)

    return inject


def stopped(for_s: float) -> Inject:
    """The harness, as where a laptop sleeps."""

    async def inject(scene: Scene) -> None:
        scene.signal(signal.SIGSTOP)
        await scene.lasting(for_s)
        scene.signal(signal.SIGCONT)

    return inject


def worker_gets(number: signal.Signals, *, then: signal.Signals | None = None, after_s: float = 0.0) -> Inject:
    async def inject(scene: Scene) -> None:
        workers = await scene.until("load worker", scene.workers)
        for pid in workers:
            os.kill(pid, number)
        if then is not None:
            await scene.lasting(after_s)
            for pid in workers:
                os.kill(pid, then)

    return inject


def part_gets(part: str, number: signal.Signals, *, then: signal.Signals | None = None, after_s: float = 0.0) -> Inject:
    """A component of the cluster."""

    async def inject(scene: Scene) -> None:
        above = scene.pid if scene.target is None else scene.target.sandbox.pid
        pid = found(above, part)
        os.kill(pid, number)
        if then is not None:
            await scene.lasting(after_s)
            os.kill(pid, then)

    return inject


async def no_kubeconfig(scene: Scene) -> None:
    (scene.folder / "config").unlink()


def _ended_by(name: str, number: signal.Signals, words: str, **more: Any) -> tuple[Fault, ...]:
    code = 128 + number
    # What was recorded before stays, and tells of no rollout.
    early = Holds(verdicts=(NONE, INCONCLUSIVE), codes=(code,), records=Records.ANY, within_s=60)
    late = Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), records=Records.READABLE, within_s=60)
    return (
        *(row(name, phase, words, told(number), early, **more) for phase in BEFORE),
        *(row(name, phase, words, told(number), late, **more) for phase in AFTER),
    )


def _ended_twice(name: str, number: signal.Signals, words: str, **more: Any) -> tuple[Fault, ...]:
    code = 128 + number
    at_once = Holds(
        verdicts=(DROPPING, INCONCLUSIVE, NONE),
        codes=(code, 1, 3),  # 1, 3: it was just over
        records=Records.ANY,
        cluster=Left.NAMED,
        within_s=8,
    )
    return tuple(
        row(name, phase, words, told(number, again=True), at_once, needs_its_end=False, **more)
        for phase in (Phase.CONTROL, Phase.ROLLOUT, Phase.QUIET)
    )


def _killed() -> tuple[Fault, ...]:
    def holds(phase: Phase) -> Holds:
        measuring = phase in (Phase.CONTROL, Phase.ROLLOUT, Phase.QUIET)
        verdicts = (DROPPING, INCONCLUSIVE) if phase in AFTER else (INCONCLUSIVE, NONE)
        records = Records.KEPT if measuring else Records.READABLE if phase in AFTER else Records.ANY
        return Holds(verdicts=verdicts, codes=(-KILL,), records=records, cluster=Left.NO_LOAD, within_s=5)

    words = "the harness is killed (-9)"
    return tuple(
        row(
            "harness-killed",
            phase,
            words,
            told(KILL),
            holds(phase),
        )
        for phase in Phase
    )


_EMBEDDED_GONE = Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), records=Records.READABLE)

ROWS = (
    *_killed(),
    row(
        "harness-killed-embedded",
        Phase.START,
        "the harness is killed (-9) while its sandbox starts",
        told(KILL),
        Holds(verdicts=(NONE,), codes=(-KILL,), records=Records.ANY, within_s=5),
        where=Where.EMBEDDED,
    ),
    row(
        "harness-killed-embedded",
        Phase.ROLLOUT,
        "the harness is killed (-9)",
        told(KILL),
        Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(-KILL,), records=Records.KEPT, within_s=5),
        where=Where.EMBEDDED,
        quick=True,
    ),
    *_ended_by("ctrl-c", INT, "Ctrl-C"),
    *_ended_by("sigterm", TERM, "SIGTERM"),
    *_ended_by("sighup", HUP, "SIGHUP: the terminal is closed"),
    *_ended_twice("ctrl-c-twice", INT, "Ctrl-C, and again 0.3 s later"),
    *_ended_twice("sigterm-twice", TERM, "SIGTERM, and again 0.3 s later"),
    *(
        row("harness-stopped", phase, "the harness stands still for 3 s", stopped(3.0), holds, app=app)
        for phase, app, holds in (
            (Phase.DEPLOY, App.PLAIN, NEVER_SEAMLESS),
            (Phase.CONTROL, App.PLAIN, NEVER_SEAMLESS),
            (Phase.ROLLOUT, App.PLAIN, NEVER_SEAMLESS),
            (Phase.ROLLOUT, App.MITIGATED, NEVER_DROPPING),
            (Phase.QUIET, App.PLAIN, NEVER_SEAMLESS),
            (Phase.CLEAN_UP, App.PLAIN, NEVER_SEAMLESS),
        )
    ),
    *(
        row(
            "worker-killed",
            phase,
            "the load worker is killed (-9)",
            worker_gets(KILL),
            Holds(verdicts=verdicts, codes=codes, records=records),
        )
        for phase, verdicts, codes, records in (
            (Phase.CONTROL, (INCONCLUSIVE, NONE), (2, 3), Records.ANY),
            (Phase.ROLLOUT, (DROPPING, INCONCLUSIVE), (1, 3), Records.KEPT),
            (Phase.QUIET, (DROPPING, INCONCLUSIVE), (1, 3), Records.KEPT),
        )
    ),
    row(
        "worker-ended",
        Phase.ROLLOUT,
        "the load worker is told to end",
        worker_gets(TERM),
        Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), records=Records.READABLE),
    ),
    row(
        "worker-ended",
        Phase.ROLLOUT,
        "the load worker is told to end",
        worker_gets(TERM),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), records=Records.READABLE),
        app=App.MITIGATED,
        quick=True,
    ),
    row(
        "worker-stopped",
        Phase.ROLLOUT,
        "the load worker stands still for 2 s",
        worker_gets(signal.SIGSTOP, then=signal.SIGCONT, after_s=2.0),
        NEVER_SEAMLESS,
    ),
    row(
        "worker-stopped",
        Phase.ROLLOUT,
        "the load worker stands still for 2 s",
        worker_gets(signal.SIGSTOP, then=signal.SIGCONT, after_s=2.0),
        IN_DOUBT,
        app=App.MITIGATED,
    ),
    row(
        "worker-stopped",
        Phase.CONTROL,
        "the load worker stands still for 2 s",
        worker_gets(signal.SIGSTOP, then=signal.SIGCONT, after_s=2.0),
        NEVER_SEAMLESS,
    ),
    row(
        "node-frozen",
        Phase.ROLLOUT,
        "the node's kubelet and proxy stand still for 3 s",
        part_gets("harness.sandbox.node", signal.SIGSTOP, then=signal.SIGCONT, after_s=3.0),
        NEVER_SEAMLESS,
    ),
    row(
        "control-plane-frozen",
        Phase.ROLLOUT,
        "the control plane stands still for 3 s",
        part_gets("harness.sandbox.controlplane", signal.SIGSTOP, then=signal.SIGCONT, after_s=3.0),
        NEVER_SEAMLESS,
    ),
    row(
        "control-plane-frozen",
        Phase.ROLLOUT,
        "the control plane stands still for 3 s",
        part_gets("harness.sandbox.controlplane", signal.SIGSTOP, then=signal.SIGCONT, after_s=3.0),
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    *(
        row(name, phase, words, part_gets(part, KILL), holds, where=Where.EMBEDDED)
        for name, words, part in (
            ("node-killed", "the sandbox's node is killed (-9)", "harness.sandbox.node"),
            ("control-plane-killed", "the sandbox's control plane is killed (-9)", "harness.sandbox.controlplane"),
            ("supervisor-killed", "the sandbox's supervisor is killed (-9)", "harness.sandbox.supervisor"),
        )
        for phase, holds in (
            (Phase.DEPLOY, REFUSED),
            (Phase.ROLLOUT, _EMBEDDED_GONE),
        )
    ),
    row("kubeconfig-removed", Phase.ROLLOUT, "the kubeconfig is removed", no_kubeconfig, AS_IT_IS),
)
