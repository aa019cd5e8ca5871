"""How long things took beyond what the manifest promises."""

from __future__ import annotations

import pytest

from harness.traces.deployment_invariants import is_rolled_out
from harness.traces.durations import spans
from harness.traces.lifecycles import history
from harness.traces.promises import pre_stop_s, readiness_s, workload_promise
from tests.unit.traces.literal import Object, trace
from tests.unit.traces.test_invariants import ROLLING


def test_every_duration_is_measured() -> None:
    assert {
        what: tuple(round(value, 1) for value in values) for what, values in spans(history(trace(ROLLING))).items()
    } == {
        "pod created until scheduled": (0.1, 0.1),
        "scheduled until a container runs": (0.3, 0.2),
        "running until Ready, beyond the first probes": (0.0, 0.0),
        "Ready until its endpoint is ready": (0.1, 0.1),
        "deletion until its endpoint is terminating": (0.2,),
        "deletion until containers ended, beyond preStop": (0.3,),
        "containers ended until gone": (0.8,),
        "Ready until available, beyond minReadySeconds": (0.1, 0.1),
        "progress until its deadline is exceeded, beyond the deadline": (1.0,),
    }


@pytest.mark.parametrize(("ready", "beyond"), [("1.0", 0.0), ("10.9", 0.0), ("13.0", 2.0)])
def test_missing_the_first_probe_costs_a_period_by_chance(ready: str, beyond: float) -> None:
    text = f"0 pod a r1 period=10\n0.5 pod a scheduled\n1.0 pod a running\n{ready} pod a ready"
    assert spans(history(trace(text)))["running until Ready, beyond the first probes"] == (pytest.approx(beyond),)


@pytest.mark.parametrize(
    ("strategy", "replicas", "surge", "unavailable"),
    [
        ({}, 3, 1, 0),
        ({"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "50%"}}, 5, 3, 2),
        ({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}}, 4, 0, 1),
        ({"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 1}}, 4, 2, 1),
    ],
)
def test_surge_is_rounded_up_and_unavailable_down_and_never_are_both_zero(
    strategy: Object, replicas: int, surge: int, unavailable: int
) -> None:
    promise = workload_promise({"replicas": replicas, "strategy": strategy})
    assert (promise.max_surge, promise.max_unavailable) == (surge, unavailable)


@pytest.mark.parametrize(
    ("hook", "held_s"),
    [
        ({"sleep": {"seconds": 5}}, 5.0),
        ({"sleep": {"seconds": 50}}, 30.0),
        ({"exec": {"command": ["sleep", "3"]}}, 3.0),
        ({"exec": {"command": ["/bin/sh", "-c", "sleep 4 && nginx -s quit"]}}, 4.0),
        ({"exec": {"command": ["nginx", "-s", "quit"]}}, 0.0),
        ({"httpGet": {"path": "/stop", "port": 80}}, 0.0),
    ],
)
def test_a_hook_holds_a_pod_as_long_as_it_is_known_to_sleep(hook: Object, held_s: float) -> None:
    assert pre_stop_s({"containers": [{"lifecycle": {"preStop": hook}}]}) == held_s


def test_readiness_takes_a_delay_and_all_successes_but_the_first() -> None:
    probe = {"initialDelaySeconds": 2, "periodSeconds": 3, "successThreshold": 2}
    assert readiness_s({"containers": [{"readinessProbe": probe}, {}]}) == (5.0, 3.0)
    assert readiness_s({"containers": [{}]}) == (0.0, 0.0)


def stateful(partition: int, *, updated: int, current: str) -> Object:
    status = {"observedGeneration": 1, "updatedReplicas": updated, "availableReplicas": 3}
    status |= {"currentRevision": current, "updateRevision": "new"}
    spec = {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": partition}}}
    return {"kind": "StatefulSet", "metadata": {"generation": 1}, "spec": spec, "status": status}


def test_a_partitioned_stateful_set_is_complete_without_the_ordinals_below() -> None:
    assert is_rolled_out(stateful(1, updated=2, current="old"))
    assert not is_rolled_out(stateful(0, updated=3, current="old"))
    assert is_rolled_out(stateful(0, updated=3, current="new"))
