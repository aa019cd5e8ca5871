"""Whether a readiness gate opened because a balancer found its target healthy, and who set it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.observers.gate_writers import keep_gate_writers
from harness.spec.readiness_gates import NEG_GATE, asked_for, is_balancers, openings

Object = dict[str, Any]
AWS_GATE = "target-health.elbv2.k8s.aws/k8s-shop-web-0a1b2c3d4e"


def pod(gate: str, *, up: str = "True", by: tuple[str, ...] = ("controller",), **condition: str) -> Object:
    conditions = [{"type": "ContainersReady", "status": up}, {"type": gate, "status": "True", **condition}]
    return {
        "metadata": {"name": "web-1", "managedFields": [{"manager": each} for each in by]},
        "spec": {"readinessGates": [{"conditionType": gate}]},
        "status": {"conditions": conditions},
    }


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        (pod(AWS_GATE), ""),
        (pod(AWS_GATE, message="Target Group Binding is deleted"), "its TargetGroupBinding had been deleted"),
        (pod(AWS_GATE, by=("controller", "kubectl-edit")), "it was set by hand (kubectl-edit)"),
        (pod(AWS_GATE, up="False"), "it was open before the containers were ready"),
        (pod(NEG_GATE, reason="LoadBalancerNegReady", message='Pod has become Healthy in NEG "a"'), ""),
        (pod(NEG_GATE, reason="LoadBalancerNegTimeout"), "GKE gave up waiting for the load balancer after 10 minutes"),
        (
            pod(NEG_GATE, reason="LoadBalancerNegReady", message="Pod does not belong to any NEG. Marking"),
            "it was in no network endpoint group",
        ),
        (pod("example.com/warm"), ""),
    ],
)
def test_an_open_gate_says_why_it_is_open(shown: Object, wrong: str) -> None:
    (found,) = openings(shown)
    assert found.wrong == wrong
    assert found.by[0] == "controller"


def test_a_gate_that_is_closed_or_unset_is_not_open() -> None:
    assert openings(pod(AWS_GATE, status="False")) == ()
    assert openings({"spec": {"readinessGates": [{"conditionType": AWS_GATE}]}}) == ()
    assert [is_balancers(gate) for gate in (AWS_GATE, NEG_GATE, "example.com/warm")] == [True, True, False]


def test_what_counts_on_gates_is_told_in_words() -> None:
    labels = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}
    home = {"kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}
    template = {"spec": {"readinessGates": [{"conditionType": AWS_GATE}]}}
    workload = {"kind": "Deployment", "spec": {"template": template}}
    assert asked_for([home], None) == "the namespace's label elbv2.k8s.aws/pod-readiness-gate-inject"
    assert asked_for([workload], workload) == f"the pod template's readinessGates ({AWS_GATE})"
    labels["elbv2.k8s.aws/pod-readiness-gate-inject"] = "disabled"
    assert asked_for([home], {"kind": "Deployment", "spec": {"template": {"spec": {}}}}) == ""


def test_of_who_wrote_a_pod_those_are_kept_that_set_a_gate() -> None:
    def entry(manager: str, *, kind: str = AWS_GATE, field: str = "f:status") -> Object:
        condition = {f'k:{{"type":"{kind}"}}': {".": {}, field: {}}}
        return {"manager": manager, "fieldsV1": {"f:status": {"f:conditions": condition}}}

    shown = pod(AWS_GATE)
    shown["metadata"]["managedFields"] = [
        entry("kubelet", kind="Ready"),
        entry("controller", field="f:lastTransitionTime"),  # it lost the status to the next
        entry("kubectl-edit"),
        {"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {}}},
    ]
    keep_gate_writers(shown)
    assert [each["manager"] for each in shown["metadata"]["managedFields"]] == ["kubectl-edit"]
    without = {"metadata": {"managedFields": [entry("controller")]}, "spec": {}}
    keep_gate_writers(without)
    assert without == {"metadata": {}, "spec": {}}
