"""Manifests without an experiment -> the experiment that rolls one workload of them, as its file would say it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from harness.manifests.read import Manifest
from harness.model.duration import duration
from harness.runner.choice import Asked, chosen_front, chosen_target
from harness.spec.readiness import readiness_s
from harness.spec.rollout_shape import rollout_s, rollout_shape
from harness.spec.termination import grace_period_s, hooks_take_s
from harness.spec.workload import pod_spec, workload_name

LOAD: dict[str, Any] = {"new": {"rate": 100}, "kept": {"rate": 50, "connections": 10}}
_ROLLOUTS = 3
_CONTROL_S = 5.0
_LEAST_TIMEOUT_S, _START_S = 120.0, 5.0


def described_experiment(
    manifests: Sequence[Manifest],
    *,
    target: str | None,
    service: str | None,
    stand_in: str | None,
    latency_s: float | None,
) -> dict[str, Any]:
    """What the experiment's file would hold, but for `manifests`; `service`: "NAME" or "NAME:PORT".

    Raises:
        UsageError: there is no such target or Service, or more than one would do.
    """
    asked = Asked(target, service)
    workload = chosen_target(manifests, asked)
    front, port = chosen_front(manifests, workload, asked)
    name = re.sub(r"[^a-z0-9-]", "-", workload["metadata"]["name"])[:50].strip("-")
    described: dict[str, Any] = {
        "version": 1,
        "name": name,
        "target": workload_name(workload),
        "service": {"name": front, "port": port},
        "others": "skip",
        "update": "restart",
        "rollouts": _ROLLOUTS,
        "control": duration(_CONTROL_S),
        "rollout_timeout": duration(rollout_timeout_s(manifests, workload)),
        "load": LOAD,
        "variants": {"as-it-is": {"expect": "seamless"}},
    }
    if stand_in is not None:
        described["images"] = {"*": stand_in_entry(stand_in, latency_s)}
    return described


def stand_in_entry(stand_in: str, latency_s: float | None) -> dict[str, str]:
    """An entry of `images:` for a stand-in."""
    return {"stand_in": stand_in, **({} if latency_s is None else {"latency": duration(latency_s)})}


def rollout_timeout_s(manifests: Sequence[Manifest], workload: Manifest) -> float:
    """Twice what a rollout takes that goes well, so that a slow one is not taken for a stuck one."""
    shape, pod = rollout_shape(manifests, workload_name(workload)), pod_spec(workload)
    least_s, period_s = readiness_s(pod)
    stop_s = max(hooks_take_s(pod), grace_period_s(pod))
    takes_s = rollout_s(shape, start_s=least_s + period_s + _START_S, min_ready_s=shape.min_ready_s, stop_s=stop_s)
    return max(_LEAST_TIMEOUT_S, float(round(2 * takes_s)))
