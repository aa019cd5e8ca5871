"""Readiness gates in the sandbox: who is given one, when it opens, and what is written in the pod then."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.resources import NAMESPACES, SERVICES
from harness.sandbox.apiserver.store import Store
from harness.sandbox.gates import injection
from harness.sandbox.gates.conditions import Health, condition
from harness.sandbox.gates.injection import inject
from harness.sandbox.gates.keeper import GateKeeper
from harness.sandbox.gates.naming import INJECT_LABEL, NEG_ANNOTATION, NEG_GATE, binding_name, bindings, gate_of
from harness.sandbox.gates.settings import AWS_GATES, NEG_GATES, FailurePolicy, Gates

Object = dict[str, Any]
LEGACY = "target-health.alb.ingress.k8s.aws/web_web_80"


def service(**annotations: str) -> Object:
    metadata = {"name": "web", "namespace": "shop", "uid": "s", "annotations": annotations}
    spec = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


GATE = gate_of(binding_name(service(), {"port": 80}))


def pod(*gates: str, **labels: str) -> Object:
    metadata = {"name": "web-1", "namespace": "shop", "uid": "p", "labels": labels or {"app": "web"}}
    return {"metadata": metadata, "spec": {"readinessGates": [{"conditionType": gate} for gate in gates]}}


def cluster(*others: Object, label: str = "enabled", target_type: str = "ip", front: Object | None = None) -> Store:
    store = Store()
    home = {"metadata": {"name": "shop", "labels": {INJECT_LABEL: label}}}
    store.put(NAMESPACES, home)
    front = front or service()
    store.put(SERVICES, front)
    for binding in bindings(front, target_type):
        store.put(injection._BINDINGS, binding)
    return store


def given(store: Store, wanting: Object, gates: Gates = AWS_GATES) -> list[str]:
    inject(store, "shop", wanting, gates)
    return [gate["conditionType"] for gate in wanting["spec"].get("readinessGates") or ()]


def test_a_gate_comes_from_a_binding_by_ip_of_a_service_that_selects_the_pod_in_a_labelled_namespace() -> None:
    assert given(cluster(), pod()) == [GATE]
    assert given(cluster(), pod(LEGACY, "other.example.com/up")) == ["other.example.com/up", GATE]
    assert given(cluster(), pod(GATE)) == [GATE]
    assert given(cluster(label="disabled"), pod()) == []
    assert given(cluster(target_type="instance"), pod()) == []
    assert given(cluster(), pod(app="other")) == []
    own = {"app": "web", "app.kubernetes.io/name": "aws-load-balancer-controller"}
    assert given(cluster(), pod(**own)) == []
    early = cluster()
    early.remove(SERVICES, "shop", "web")  # the Service goes, or comes only after the pod
    assert given(early, pod()) == []


def test_where_the_webhook_does_not_answer_its_failure_policy_decides() -> None:
    away = replace(AWS_GATES, webhook=False)
    with pytest.raises(StatusError, match='failed calling webhook "mpod') as refused:
        given(cluster(), pod(), away)
    assert refused.value.code == 500
    assert given(cluster(), pod(), replace(away, failure_policy=FailurePolicy.IGNORE)) == []
    assert given(cluster(label="no"), pod(), away) == []


def test_gke_gives_its_gate_to_pods_of_services_with_network_endpoint_groups() -> None:
    with_negs = service(**{NEG_ANNOTATION: '{"ingress": true}'})
    assert given(cluster(label="no", front=with_negs), pod(), NEG_GATES) == [NEG_GATE]
    for said in ('{"ingress": false}', "{", "[1]"):
        assert given(cluster(front=service(**{NEG_ANNOTATION: said})), pod(), NEG_GATES) == []


def test_gke_opens_its_gate_after_ten_minutes_whatever_became_of_the_target() -> None:
    def at(age_s: float, health: Health = Health.INITIAL, groups: tuple[str, ...] = ("neg",)) -> tuple[str, str]:
        found = condition(NEG_GATE, health, NEG_GATES, age_s=age_s, groups=groups)
        return found["status"], found["reason"]

    assert at(599.0) == ("False", "LoadBalancerNegNotReady")
    assert at(601.0) == ("True", "LoadBalancerNegTimeout")
    assert at(1.0, Health.HEALTHY) == ("True", "LoadBalancerNegReady")
    assert at(1.0, groups=()) == ("True", "LoadBalancerNegReady")
    assert condition(GATE, Health.INITIAL, AWS_GATES, age_s=6000.0)["status"] == "False"


class Written:
    """A client that keeps what is patched, in the pods of its informer."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}

    def informer(self, path: str) -> Written:
        assert path == "/api/v1/pods"
        return self

    async def patch(self, path: str, body: Object, kind: str) -> None:
        assert path.endswith("/pods/web-1/status")
        (new,) = body["status"]["conditions"]
        status = self.objects["p"].setdefault("status", {})
        status["conditions"] = [c for c in status.get("conditions") or () if c["type"] != new["type"]] + [
            {key: value for key, value in new.items() if value is not None}
        ]


def slices(*, ready: bool = False, terminating: bool = False) -> list[Object]:
    conditions = {"ready": ready, "terminating": terminating}
    endpoint = {"addresses": ["10.244.0.2"], "conditions": conditions, "targetRef": {"kind": "Pod", "name": "web-1"}}
    return [{"ports": [{"port": 8080}], "endpoints": [endpoint]}]


def test_a_pod_with_a_closed_gate_is_registered_at_a_look_and_its_gate_opened_at_a_later_one() -> None:
    client = Written()
    keeper = GateKeeper(client, AWS_GATES)  # type: ignore[arg-type]
    gated = pod(GATE)
    gated["metadata"]["creationTimestamp"] = rfc3339(time.time())
    health = {"now": Health.REGISTERING}

    def at(now: float, seen: list[Object]) -> tuple[set[str], Object]:
        admitted = keeper.look(service(), seen, now)
        healthy: Callable[[Object, tuple[str, int]], Health] = lambda port, key: health["now"]  # noqa: E731
        anyio.run(keeper.tell, service(), seen, healthy, now)
        told = {c["type"]: c for c in (client.objects.get("p", {}).get("status") or {}).get("conditions") or ()}
        return set(admitted), told.get(GATE, {})

    assert at(0.0, slices()) == (set(), {})  # the pod is not in the cache yet
    client.objects["p"] = gated
    gated["status"] = {"conditions": [{"type": "ContainersReady", "status": "True"}]}
    assert at(14.9, slices()) == (set(), {})  # no endpoint has changed
    admitted, told = at(15.0, slices())
    assert (admitted, told["status"], told["reason"]) == ({"web-1"}, "False", "Elb.RegistrationInProgress")
    health["now"] = Health.HEALTHY
    assert at(29.9, slices())[1]["status"] == "False"
    assert keeper.next_due() == 30.0
    admitted, told = at(30.0, slices())
    assert (admitted, told["status"], "reason" in told) == ({"web-1"}, "True", False)
    assert keeper.next_due() == float("inf")
    assert at(30.2, slices(ready=True))[0] == set()
    assert at(90.0, slices(terminating=True))[0] == set()
