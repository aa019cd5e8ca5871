"""The watch events of new pods -> their readiness gates: which they had, and when and by whom each was opened."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.model.observation import Observation
from harness.spec.readiness_gates import Opening, gates_of, is_balancers, openings
from harness.spec.workload import Object

SETTLES_S = 5.0
"""How long a balancer may take to send by what its own API shows: as long as the sandbox's AWS profile takes on a good
day at most. No source promises one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedPod:
    """One pod. `gates`: a balancer's, as the API made it; `up`: when its containers were first seen ready;
    `opened`: by gate, when that was first seen open, and how."""

    uid: str
    name: str
    gates: tuple[str, ...] = ()
    up: float | None = None
    opened: dict[str, tuple[float, Opening]] = field(default_factory=dict)

    @property
    def healthy(self) -> float:
        """From when on all its balancers had found it healthy; infinite where that is not known."""
        moments = [at for at, opening in self.opened.values() if not opening.wrong]
        return max(moments) if moments and len(moments) == len(self.gates) else math.inf


def gated_pods(timeline: Iterable[Observation]) -> tuple[GatedPod, ...]:
    """Those that the watch showed with gates, in the order in which it did."""
    seen: dict[str, list[Observation]] = {}
    for event in timeline:
        if event.kind == "Pod" and gates_of(event.object):
            seen.setdefault(str((event.object.get("metadata") or {}).get("uid")), []).append(event)
    return tuple(_pod(uid, events) for uid, events in seen.items())


def _pod(uid: str, events: list[Observation]) -> GatedPod:
    opened: dict[str, tuple[float, Opening]] = {}
    for event in events:
        for each in openings(event.object):
            opened.setdefault(each.gate, (event.t, each))
    gates = gates_of(events[0].object)
    return GatedPod(
        uid=uid,
        name=str((events[0].object.get("metadata") or {}).get("name")),
        gates=tuple(filter(is_balancers, gates)),
        up=next((event.t for event in events if _is_up(event.object)), None),
        opened={gate: found for gate, found in opened.items() if is_balancers(gate)},
    )


def _is_up(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "ContainersReady" and each.get("status") == "True" for each in conditions)
