"""The numbers of a workload, ReplicaSet or EndpointSlice -> lines that are the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from harness.spec.endpoints import conditions
from harness.spec.rolling import wanted_replicas
from harness.traces.lifecycles import Lifecycle
from harness.traces.stable_names import StableNames
from harness.traces.transitions import Lines


def scaling_steps(life: Lifecycle, before: float, *, certain: bool) -> Lines:
    """The sizes that were asked of a ReplicaSet; where several steps are possible, only from where which way to where.

    Which way it goes first, and the first step, are no chance: the controller takes it before any pod can answer.
    """
    sizes = [wanted_replicas(change.spec) for change in life.changes if change.place < before]
    steps = [size for index, size in enumerate(sizes) if index == 0 or sizes[index - 1] != size]
    if certain or len(steps) <= 3:
        return (" > ".join(map(str, steps)),) if steps else ()
    turns = [steps[0], steps[1], *_turns(steps[1:]), steps[-1]]
    return (" > ".join(str(turn) for turn in turns),)


def _turns(steps: list[int]) -> Iterator[str]:
    ways = ["up" if after > size else "down" for size, after in pairwise(steps)]
    for index, way in enumerate(ways):
        if index == 0 or ways[index - 1] != way:
            yield way


def status_lines(life: Lifecycle, place: float, names: StableNames) -> Lines:
    """A workload's or ReplicaSet's status at that place: the numbers, and whether they are current."""
    now = life.at(place)
    if now is None:
        return ("not there",)
    current = now.status.get("observedGeneration") == now.object["metadata"].get("generation")
    lines = [f"size {now.spec.get('replicas')}, {'current' if current else 'not current'}"]
    lines += [f"{key} {now.status[key]}" for key in sorted(now.status) if key.lower().endswith("replicas")]
    lines += [f"{key} {names.within(str(now.status[key]))}" for key in sorted(now.status) if key.endswith("Revision")]
    annotations = now.object["metadata"].get("annotations") or {}
    mine = (key for key in sorted(annotations) if key.startswith("deployment.kubernetes.io/"))
    return (*lines, *(f"{key.partition('/')[2]} {annotations[key]}" for key in mine))


def counts_told(life: Lifecycle, before: float) -> Lines:
    """The numbers that a status ever gave, and whether they were ever 0 or more: how often each changed is chance."""
    seen: dict[str, set[bool]] = {}
    for change in life.changes:
        for key, value in change.status.items() if change.place < before else ():
            if key.lower().endswith("replicas"):
                seen.setdefault(key, set()).add(bool(value))
    words = {frozenset({True}): "more than 0", frozenset({False}): "0", frozenset({True, False}): "0 and more"}
    return tuple(f"{key} {words[frozenset(values)]}" for key, values in sorted(seen.items()))


def slice_lines(slices: Iterable[Lifecycle], place: float) -> Lines:
    """What a Service's slices held at that place: endpoints, and ports."""
    now = [change for life in slices if (change := life.at(place))]
    found = [conditions(endpoint) for change in now for endpoint in change.object.get("endpoints") or ()]
    ports = {f"{p.get('port')}/{p.get('protocol')}" for change in now for p in change.object.get("ports") or ()}
    types = sorted({str(change.object.get("addressType")) for change in now})
    ready = sum(said.ready for said in found)
    return (f"{len(found)} endpoints, {ready} of them ready", *types, *(f"port {port}" for port in sorted(ports)))
