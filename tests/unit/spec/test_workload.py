"""Which workload is judged, and what is read of it."""

from __future__ import annotations

from harness.spec.workload import judged_workload, pod_selector, pod_spec, selects
from tests.unit.spec.objects import service, workload


def test_the_first_deployment_or_stateful_set_is_judged() -> None:
    first, second = workload("StatefulSet"), workload("Deployment")
    assert judged_workload([service(), {"kind": "Job"}, first, second]) is first
    assert judged_workload([second, first]) is second
    assert judged_workload([service()]) is None


def test_what_is_missing_or_null_is_empty() -> None:
    for bare in (None, {}, {"spec": None}, {"spec": {"template": None, "selector": None}}):
        assert (pod_spec(bare), pod_selector(bare)) == ({}, {})


def test_a_selector_without_labels_selects_nothing() -> None:
    assert selects({"app": "web"}, {"app": "web", "tier": "front"})
    assert not selects({"app": "web"}, {"app": "shop"})
    assert not selects({}, {"app": "web"})
