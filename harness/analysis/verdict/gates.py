"""What counts on readiness gates, and the gates of the new pods -> what to tell of them, and what of it is a fault."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis.observed.gates import GatedPod
from harness.analysis.observed.observed import Observed
from harness.model.paths import Targets
from harness.model.quantity import things
from harness.spec.readiness_gates import asked_for
from harness.spec.workload import judged_workload

_BY_NODE = "its balancer's targets are nodes, and only pods that are targets themselves get gates (target-type: ip)"
_ABSENT = (
    "was the Service, with its TargetGroupBinding, there before the pods; is the controller's webhook installed, and "
    "does its failurePolicy let pods pass when it is away?"
)


def gate_words(seen: Observed) -> tuple[str, str]:
    """A note for the report, and words for the verdict's sentence where the gates were not what is counted on.

    Both empty where nothing counts on gates and no new pod has one. No words where the path leads past the balancer:
    then nothing was lost without them.
    """
    info, rolled = seen.run.info, min(seen.windows.updates, default=math.inf)
    new, gated = [pod for pod in seen.pods if pod.first_seen >= rolled], {pod.uid: pod for pod in seen.gated}
    pods = [gated.get(pod.uid, GatedPod(uid=pod.uid, name=pod.name)) for pod in new]
    asked = asked_for(info.manifests, judged_workload(info.manifests, info.target))
    note, fault = told(pods, asked, by_node=any(hop.targets == Targets.NODES for hop in info.hops))
    return note, fault if info.way.external else ""


def told(pods: Sequence[GatedPod], asked: str, *, by_node: bool) -> tuple[str, str]:
    """The note, and the words for the sentence. `by_node`: the balancer's targets are nodes."""
    gated = [pod for pod in pods if pod.gates]
    if asked and len(gated) < len(pods):
        fault = f"{asked} counts on readiness gates, and {_of(len(pods) - len(gated), pods)} had none"
        return f"{fault}: {_BY_NODE if by_node else _ABSENT}", fault
    if wrong := _opened_wrongly(gated):
        fault = f"the readiness gates of {_of(len(wrong), pods)} opened without a healthy target"
        name, why = next(iter(wrong.items()))
        return f"{fault}: of {name} {why}", f"{fault} ({why})"
    return (_as_it_should_be(gated), "") if gated else ("", "")


def _opened_wrongly(gated: Sequence[GatedPod]) -> dict[str, str]:
    return {pod.name: found.wrong for pod in gated for _, found in pod.opened.values() if found.wrong}


def _of(number: int, pods: Sequence[GatedPod]) -> str:
    return f"{number} of {things(len(pods), 'new pod')}"


def _as_it_should_be(gated: Sequence[GatedPod]) -> str:
    waits = [at - (pod.up or at) for pod in gated for at, _ in pod.opened.values()]
    shut = sum(pod.opened.keys() < {*pod.gates} for pod in gated)
    opened = f", opened {_whose(gated)} {_range(waits)} after the containers were ready" if waits else ""
    return f"{things(len(gated), 'new pod')} had readiness gates{opened}" + (
        f"; of {_of(shut, gated)} one stayed closed" if shut else ""
    )


def _whose(gated: Sequence[GatedPod]) -> str:
    by = sorted({name for pod in gated for _, found in pod.opened.values() for name in found.by})
    return f"by {' and '.join(by)}" if by else "by whom was not kept,"


def _range(waits: Sequence[float]) -> str:
    least_s, most_s = min(waits), max(waits)
    return f"{least_s:.1f} s" if most_s - least_s < 0.05 else f"{least_s:.1f} to {most_s:.1f} s"
