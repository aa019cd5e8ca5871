"""The next step of a DaemonSet, its status, and the pods that it makes.

A history is one word a node, with a pod a `+`: `-` no pod, `1` or `2` an available pod of that revision (2 is the
present one), with `?` not ready, with `x` on its way out, with `!` failed. `t` before it: the node has a NoSchedule
taint; `e`: a NoExecute taint; `n`: the node is not the selector's.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.controllers.daemonsetpods import pod_for, target_node
from harness.sandbox.controllers.daemonsetsteps import Situation, next_step, status

STAMP = "2026-01-01T00:00:00Z"
MARKS = {"t": "NoSchedule", "e": "NoExecute"}


def daemon_set(**rates: Any) -> dict[str, Any]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0, **rates}}
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": {"nodeSelector": {"kind": "worker"}}}
    metadata = {"name": "agent", "uid": "u", "generation": 2}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata,
        "spec": {"updateStrategy": strategy, "template": template},
    }


def situation(words: str, daemons: dict[str, Any]) -> Situation:
    nodes, pods = [], []
    for n, word in enumerate(words.split()):
        mark, rest = (word[0], word[1:]) if word[0] in "ten" else ("", word)
        taints = [{"key": "k", "effect": MARKS[mark]}] if mark in MARKS else []
        labels = {"kind": "other" if mark == "n" else "worker"}
        nodes.append({"metadata": {"name": f"node{n}", "labels": labels}, "spec": {"taints": taints}})
        pods += [pod(f"{n}{m}", f"node{n}", each) for m, each in enumerate(rest.split("+")) if each != "-"]
    return Situation(daemon_set=daemons, nodes=tuple(nodes), pods=tuple(pods), revision_hash="2", now_s=2e9)


def pod(name: str, node: str, word: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "creationTimestamp": STAMP,
        "labels": {"controller-revision-hash": word[0]},
    }
    if "x" in word:
        metadata["deletionTimestamp"] = STAMP
    ready = {"type": "Ready", "status": "False" if set(word) & set("?!") else "True", "lastTransitionTime": STAMP}
    state = {"phase": "Failed" if "!" in word else "Running", "conditions": [ready]}
    return {"metadata": metadata, "spec": {"nodeName": node}, "status": state}


def drawn(words: str, **rates: Any) -> str:
    step = next_step(situation(words, daemon_set(**rates)))
    created = [f"+{node.removeprefix('node')}" for node in step.create]
    return " ".join([*created, *(f"-{item['metadata']['name']}" for item in step.delete)])


SURGE = {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize(
    ("words", "rates", "step"),
    [
        ("- - 2", {}, "+0 +1"),
        ("n- t- e- -", {}, "+3"),
        ("n2 t2 e2", {}, "-00 -20"),  # NoSchedule alone does not drive away
        ("2x", {}, ""),  # a node is full until the old pod is gone
        ("2! 2", {}, "-00"),
        ("2+2 2", {}, "-01"),
        ("1 1 1", {}, "-00"),
        ("1 1 1", {"maxUnavailable": "50%"}, "-00 -10"),  # rounded up
        ("2? 1 1", {}, ""),
        ("2? 1 1", {"maxUnavailable": 2}, "-10"),
        ("1? 1 1", {}, "-00"),  # what is unavailable already goes first, and counts
        ("1x 1 1", {}, ""),
        ("2 2 1", {}, "-20"),
        ("1 1", SURGE, "+0"),
        ("1+2? 1", SURGE, ""),
        ("1+2 1", SURGE, "-00"),
        ("1?+2? 1", SURGE, "-00"),
        ("1x+2 1", SURGE, "+1"),
        ("1x 1", SURGE, "+0"),  # the node of a pod that goes gets its successor at once
        ("1? 1? 1", SURGE, "+0 +1 +2"),  # an unavailable pod's successor costs no surge
        ("1 1 1 1", {"maxSurge": "50%", "maxUnavailable": 0}, "+0 +1"),
    ],
)
def test_the_next_step(words: str, rates: dict[str, Any], step: str) -> None:
    assert drawn(words, **rates) == step


def test_nothing_is_replaced_on_delete() -> None:
    daemons = daemon_set()
    daemons["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert not next_step(situation("1 1", daemons))
    assert next_step(situation("1 -", daemons)).create == ["node1"]


def test_a_pod_that_no_node_will_ever_take_goes() -> None:
    daemons = daemon_set()
    lost = pod_for(daemons, "gone", "2")
    lost["metadata"] |= {"name": "lost", "creationTimestamp": STAMP}
    at = Situation(daemon_set=daemons, nodes=(), pods=(lost,), revision_hash="2", now_s=2e9)
    assert next_step(at).delete == [lost]


def test_the_status_counts_nodes() -> None:
    counted = status(situation("2 1 2? - n2", daemon_set()), observed=True)
    assert counted == {
        "desiredNumberScheduled": 4,
        "currentNumberScheduled": 3,
        "numberMisscheduled": 1,
        "numberReady": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": 2,
        "numberUnavailable": 2,
        "observedGeneration": 2,
    }


def test_a_pod_is_for_its_node_alone_and_stays_on_troubled_ones() -> None:
    daemons = daemon_set()
    daemons["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "3"}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": []}]}}
    daemons["spec"]["template"]["spec"] |= {"affinity": {"nodeAffinity": required}, "hostNetwork": True}
    made = pod_for(daemons, "node7", "abc")
    assert target_node(made) == "node7"
    assert made["metadata"]["labels"] == {
        "app": "agent",
        "controller-revision-hash": "abc",
        "pod-template-generation": "3",
    }
    tolerated = {(one["key"].rpartition("/")[2], one["effect"]) for one in made["spec"]["tolerations"]}
    assert tolerated >= {
        ("not-ready", "NoExecute"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    }
