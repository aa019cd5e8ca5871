"""A node whose clock is off: what its kubelet wrote moves nothing, and the watch did not stand still for it."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.analysis import judge
from harness.analysis.observed.lateness import SLOW_WATCH_S
from harness.analysis.observed.node_clocks import node_of, untrusted_nodes
from harness.analysis.observed.observed import observe
from harness.analysis.observed.watch_stalls import watch_stalls
from harness.model.observation import Observation
from harness.model.run import Run
from harness.store.reader import read_run

from ..recordings import SMALL
from .test_watch_stalls import held_up

BY_KUBELET = ("Ready", "ContainersReady", "Initialized", "PodReadyToStartContainers")
OFF_S = (-10.0, -2.0, 2.0, 10.0)
NAMES = ("default-3replicas-sync1s", "sigterm-stop", "mitigated-3replicas-sync1s", "app-errors")


def off_by(run: Run, off_s: float) -> Run:
    """The run of a cluster whose nodes' clocks are ahead by so much; the API server's is not."""

    def late(holder: dict[str, Any], *names: str) -> None:
        for name in names:
            if holder.get(name):
                moment = datetime.fromisoformat(holder[name]) + timedelta(seconds=off_s)
                holder[name] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def told(seen: Observation) -> Observation:
        if seen.kind != "Pod":
            return seen
        pod = copy.deepcopy(seen.object)
        status = pod.get("status") or {}
        for condition in status.get("conditions") or ():
            if condition.get("type") in BY_KUBELET:
                late(condition, "lastTransitionTime")
        for container in status.get("containerStatuses") or ():
            for name in ("state", "lastState"):
                for state in (container.get(name) or {}).values():
                    late(state, "startedAt", "finishedAt")
        return replace(seen, object=pod)

    return replace(run, timeline=tuple(map(told, run.timeline)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("off_s", OFF_S)
def test_a_node_s_clock_moves_neither_verdict_nor_windows(name: str, off_s: float) -> None:
    run = read_run(SMALL / name)
    punctual, off = judge(run), judge(off_by(run, off_s))
    assert off.verdict == punctual.verdict
    assert [(r.update, r.settled, r.window.requests) for r in off.rollouts] == [
        (r.update, r.settled, r.window.requests) for r in punctual.rollouts
    ]
    assert [r.own_failures for r in off.rollouts] == [r.own_failures for r in punctual.rollouts]
    assert not any("stood still" in note for note in off.notes)


@pytest.mark.parametrize("off_s", OFF_S)
def test_ends_of_containers_by_a_clock_that_is_off_are_not_taken(off_s: float) -> None:
    run = read_run(SMALL / "default-3replicas-sync1s")
    pairs = zip(observe(run).pods, observe(off_by(run, off_s)).pods, strict=True)
    known = [(punctual, off) for punctual, off in pairs if off.exit is not None]
    assert known
    for punctual, off in known:
        assert off.exit is not None
        assert off.ended is not None
        assert off.exit <= off.ended, "they cannot have ended after that was shown"
        assert punctual.exit is not None
        assert off.exit <= punctual.exit + SLOW_WATCH_S, "nor is more known of it than a clock that is right would tell"


@pytest.mark.parametrize("name", NAMES)
def test_clocks_that_are_in_step_are_trusted(name: str) -> None:
    run = read_run(SMALL / name)
    nodes = {node_of(seen.object) for seen in run.timeline if seen.kind == "Pod"} - {""}
    assert nodes
    assert not untrusted_nodes(run.info.t0_wall, run.timeline)
    for off_s in OFF_S:
        assert untrusted_nodes(run.info.t0_wall, off_by(run, off_s).timeline) == nodes


@pytest.mark.parametrize("off_s", [0.0, *OFF_S])
def test_a_watch_that_stood_still_is_noticed_though_nodes_are_out_of_step(off_s: float) -> None:
    run = read_run(SMALL / "default-3replicas-sync1s")
    update = run.info.rollouts[0].update
    assert not watch_stalls(run.info.t0_wall, off_by(run, off_s).timeline).stalls
    held = off_by(held_up(run, update + 0.2, update + 6.0), off_s)
    assert any(one.kind == "Pod" for one in watch_stalls(run.info.t0_wall, held.timeline).stalls)
