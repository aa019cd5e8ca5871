"""The yardstick itself: a real cluster keeps every rule, and a recording that was tampered with is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.traces.comparison import compare
from harness.traces.invariants import broken
from harness.traces.lifecycles import lifecycles
from harness.traces.trace import Change, Trace, read_trace

RECORDINGS = Path(__file__).parents[3] / "shared" / "traces"
FILES = sorted(RECORDINGS.glob("*.jsonl"))
RUNS = sorted(RECORDINGS.parent.glob("rich/*/timeline.jsonl"))

pytestmark = pytest.mark.skipif(not FILES, reason=f"recordings are not here: {RECORDINGS.name} beside the checkout")
recordings = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.mark.parametrize("file", [*FILES, *RUNS], ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_real_cluster_keeps_every_rule(file: Path) -> None:
    assert not any(broken(lifecycles(read_trace(file))).values())


@recordings
def test_a_recording_is_the_same_as_itself(file: Path) -> None:
    assert compare(read_trace(file), read_trace(file)).differences == ()


def without(holds: Callable[[Change], bool]) -> Callable[[Trace], Trace]:
    return lambda trace: replace(trace, changes=tuple(change for change in trace.changes if not holds(change)))


def changed(holds: Callable[[Change], bool], change: Callable[[Change], Change]) -> Callable[[Trace], Trace]:
    return lambda trace: replace(trace, changes=tuple(change(c) if holds(c) else c for c in trace.changes))


def _event(reason: str) -> Callable[[Change], bool]:
    return lambda change: change.kind == "Event" and change.object["reason"] == reason


def _later(change: Change) -> Change:
    return replace(change, t=change.t + 3.0)


def _always_ready(change: Change) -> Change:
    obj = copy.deepcopy(change.object)
    for endpoint in obj.get("endpoints") or ():
        endpoint["conditions"] = {"ready": True, "serving": True, "terminating": False}
    return replace(change, object=obj)


def _scheduled(change: Change) -> Change:
    obj = copy.deepcopy(change.object)
    obj["spec"]["nodeName"] = "node1"
    return replace(change, object=obj)


TAMPERED: dict[str, Callable[[Trace], Trace]] = {
    "no Killing events": without(_event("Killing")),
    "no Scheduled events": without(_event("Scheduled")),
    "pods gone three seconds later": changed(lambda c: c.kind == "Pod" and c.gone, _later),
    "pods never seen ended": without(lambda c: c.kind == "Pod" and c.status.get("phase") == "Succeeded"),
    "pods never seen unscheduled": changed(lambda c: c.kind == "Pod", _scheduled),
    "endpoints ready from the start": changed(lambda c: c.kind == "EndpointSlice", _always_ready),
    "the workload never seen with its pods": without(
        lambda c: c.kind in ("Deployment", "StatefulSet") and bool(c.status.get("readyReplicas"))
    ),
    "a pod that was never told of": lambda trace: without(
        lambda c: c.uid == next(change.uid for change in trace.changes if change.kind == "Pod")
    )(trace),
}


@recordings
@pytest.mark.parametrize("how", TAMPERED)
def test_a_recording_that_was_tampered_with_is_found(file: Path, how: str) -> None:
    trace = read_trace(file)
    assert compare(trace, TAMPERED[how](trace)).differences
