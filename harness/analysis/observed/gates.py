"""The watch events of new pods -> their readiness gates: which they had, and when and by whom each was opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.observation import Observation
from harness.spec.readiness_gates import Opening, gates_of, is_balancers, openings
from harness.spec.workload import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedPod:
    """One new pod. `gates`: a balancer's, as the API made it; `up`: when its containers were first seen ready;
    `opened`: by gate, when that was first seen open, and how."""

    name: str
    gates: tuple[str, ...]
    up: float | None
    opened: dict[str, tuple[float, Opening]]


def gated_pods(timeline: Iterable[Observation], uids: Iterable[str]) -> tuple[GatedPod, ...]:
    """The pods of those uids that the watch showed, in the order in which it did."""
    wanted, seen = set(uids), dict[str, list[Observation]]()
    for event in timeline:
        uid = (event.object.get("metadata") or {}).get("uid") if event.kind == "Pod" else None
        if uid in wanted:
            seen.setdefault(uid, []).append(event)
    return tuple(_pod(events) for events in seen.values())


def _pod(events: list[Observation]) -> GatedPod:
    opened: dict[str, tuple[float, Opening]] = {}
    for event in events:
        for each in openings(event.object):
            opened.setdefault(each.gate, (event.t, each))
    gates = gates_of(events[0].object)
    return GatedPod(
        name=str((events[0].object.get("metadata") or {}).get("name")),
        gates=tuple(filter(is_balancers, gates)),
        up=next((event.t for event in events if _is_up(event.object)), None),
        opened={gate: found for gate, found in opened.items() if is_balancers(gate)},
    )


def _is_up(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "ContainersReady" and each.get("status") == "True" for each in conditions)
