"""Watch events of real rollouts, recorded without load: lives and takers of their pods."""

from __future__ import annotations

import json

import pytest

from harness.analysis.observed.controllers import controllers
from harness.analysis.observed.endpoints import endpoints
from harness.analysis.observed.ownership import ownership
from harness.analysis.observed.pod_endings import takers
from harness.analysis.observed.pods import Life, lives
from harness.model.observation import Observation
from harness.model.result import Taker
from harness.model.run import RunInfo

from .recordings import SHARED, needs

TRACES = SHARED / "traces"
NAMES = sorted(path.stem for path in TRACES.glob("*.jsonl"))
ANYBODY = ownership(None, {}, ())
INFO = RunInfo(experiment="trace", scenario="trace", variant="trace")

pytestmark = needs(NAMES, TRACES)


def trace(name: str) -> tuple[Observation, ...]:
    rows = [json.loads(line) for line in (TRACES / f"{name}.jsonl").read_text().splitlines()]
    seen = (Observation(t=r["t"], kind=r["kind"], type=r["type"], object=r["object"] or {}) for r in rows)
    return tuple(sorted(seen, key=lambda one: one.t))


def marks(timeline: tuple[Observation, ...], name: str) -> list[float]:
    return [seen.t for seen in timeline if seen.kind == "Mark" and seen.type == name]


def told(name: str) -> tuple[tuple[Observation, ...], tuple[Life, ...]]:
    timeline = trace(name)
    return timeline, lives(INFO, timeline, ANYBODY)


@pytest.mark.parametrize("name", NAMES)
def test_pods_that_go_after_the_update_are_taken_by_the_rollout(name: str) -> None:
    timeline, pods = told(name)
    end = min(marks(timeline, "delete"), default=float("inf")) - 1.0
    took = takers(pods, controllers(timeline, ANYBODY, marks(timeline, "update")))
    gone = [pod for pod in pods if pod.deletion is not None and pod.deletion < end]
    assert {took[pod.uid] for pod in gone} <= {Taker.ROLLOUT}


@pytest.mark.parametrize("name", NAMES)
def test_moments_of_a_life_are_in_order(name: str) -> None:
    for pod in told(name)[1]:
        moments = [pod.first_seen, pod.ready, pod.deletion, pod.ended, pod.gone]
        known = [moment for moment in moments if moment is not None]
        assert known == sorted(known)
        assert not pod.crashes


@pytest.mark.parametrize("name", NAMES)
def test_a_pod_is_listed_only_while_it_lives(name: str) -> None:
    timeline, pods = told(name)
    listed = endpoints(INFO, timeline, pods).listed
    for pod in pods:
        for start, end in listed.get(pod.uid, ()):
            assert pod.ready is not None
            assert start >= pod.ready - 0.1
            assert end <= (pod.ended or float("inf")) + 0.1


def test_all_pods_of_a_recreated_deployment_go_before_new_ones_come() -> None:
    timeline, pods = told("recreate-2")
    empty = endpoints(INFO, timeline, pods).empty
    assert len(empty) == 2  # the rollout, and the deletion at the end
