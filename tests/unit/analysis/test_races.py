"""What is drawn of a rollout, against what the kernel knew of every connection."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.analysis import judge
from harness.analysis.explanation import Explainer
from harness.model.race import Races
from harness.reporters.explanation import explanation_text
from harness.store.reader import read_run

from .literal import history

RECORDING = Path(__file__).parents[2] / "recordings" / "default-3replicas-sync1s"


@pytest.fixture(scope="module")
def found() -> Races:
    return judge(read_run(RECORDING)).races


def connections() -> dict[str, list[float]]:
    """When each pod was sent a new connection: by its answer, or by the conntrack of the node where there was none."""
    with (RECORDING / "truth.csv").open() as file:
        went = {(row["stream"], row["worker"], row["seq"]): row["sent_to_pod"] for row in csv.DictReader(file)}
    pods = defaultdict(list)
    with (RECORDING / "requests.csv").open() as file:
        for row in csv.DictReader(file):
            pod = row["pod"] or went.get((row["stream"], row["worker"], row["seq"]))
            if pod and row["started"] and row["reused"] != "1":
                pods[pod].append(float(row["started"]))
    return pods


def test_the_data_plane_s_interval_is_that_of_the_kernel(found: Races) -> None:
    true = connections()
    (race,) = found.races
    ended = [pod for pod in race.pods if pod.sent_until is not None]
    come = [pod for pod in race.pods if pod.sent_from is not None]
    assert (len(ended), len(come)) == (3, 3)
    for pod in ended:
        assert pod.sent_until is not None
        assert pod.sent_until.earliest - 0.001 <= max(true[pod.name]) <= pod.sent_until.latest
    for pod in come:
        assert pod.sent_from is not None
        assert pod.sent_from.earliest <= min(true[pod.name]) <= pod.sent_from.latest + 0.001


def test_every_lost_request_is_there_with_its_rule_and_is_counted_in_its_beat(found: Races) -> None:
    (race,) = found.races
    assert race.failed == len(race.lost) == 64
    assert sum(sum(beat.failed.values()) for beat in race.beats) == 64
    assert {lost.rule for lost in race.lost} == set(found.rules)
    assert all(lost.candidates for lost in race.lost)
    kept = [lost.earlier for lost in race.lost if lost.reused]
    assert all(before is not None and before.opened < before.last for before in kept)


def test_what_a_rollout_cut_is_drawn_and_explained_with_it_though_it_was_due_before() -> None:
    run = history("""
        update 8.0 complete 9.0 settled 9.5
        pod old-1 deleted 8.5 ended 8.8 gone 9.0
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..30 every 0.02 by old-2
        ok new 8.51..30 every 0.02 by new-1
        eof-mid-response slow 5 until 8.7 by old-1
    """)
    result = judge(run)
    (race,) = result.races.races
    assert (result.verdict, result.rollouts[0].window.failed, race.failed, len(race.lost)) == ("dropping", 1, 1, 1)
    assert race.start <= race.lost[0].scheduled <= race.lost[0].ended <= race.end
    asked = Explainer(run)
    assert asked.where(rollout=1) == [0]
    assert "due         5.000 s, 3.00 s before the update of rollout 1" in explanation_text(asked.explanation(0))


def test_what_balancers_found_is_drawn_of_a_pod_with_gates_and_of_no_other(found: Races) -> None:
    run = read_run(RECORDING)
    (plain,) = found.races
    came = next(pod for pod in plain.pods if pod.sent_from is not None)
    assert came.ready is not None
    gate, opened = "target-health.elbv2.k8s.aws/web", came.ready + 1.0
    timeline = [
        replace(event, object=with_gate(event.object, gate, is_open=event.t >= opened))
        if event.kind == "Pod" and event.object["metadata"]["uid"] == came.uid
        else event
        for event in run.timeline
    ]
    last = next(event for event in reversed(timeline) if event.object.get("metadata", {}).get("uid") == came.uid)
    told = replace(last, t=opened, object=with_gate(last.object, gate, is_open=True))
    (race,) = judge(replace(run, timeline=tuple(sorted((*timeline, told), key=lambda event: event.t)))).races.races
    gated = {pod.uid: (pod.up, pod.healthy) for pod in race.pods}
    assert gated.pop(came.uid) == (pytest.approx(came.ready, abs=0.5), opened)
    assert set(gated.values()) == {(None, None)}


def with_gate(pod: dict[str, Any], gate: str, *, is_open: bool) -> dict[str, Any]:
    """The pod as a balancer's webhook makes it, and as its controller marks it."""
    status = pod.get("status") or {}
    marked = [{"type": gate, "status": "True", "reason": "TargetHealthy"}] if is_open else []
    gates = {"spec": {**(pod.get("spec") or {}), "readinessGates": [{"conditionType": gate}]}}
    return pod | gates | {"status": {**status, "conditions": [*(status.get("conditions") or []), *marked]}}
