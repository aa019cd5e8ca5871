"""Endpoints of a Service's pods, and slices of Endpoints that people keep."""

from __future__ import annotations

from typing import Any

from harness.sandbox.controllers.endpointslicemirroring import mirrored
from harness.sandbox.controllers.subsets import subsets_of


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web"}, "spec": {"ports": list(ports), **spec}}


def pod(name: str, ip: str, *, ready: bool = True, going: bool = False, port: int = 80) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}"} | ({"deletionTimestamp": "x"} if going else {})
    container = {"name": "c", "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}]}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    spec = {"containers": [container], "nodeName": "node1"}
    return {"metadata": metadata, "spec": spec, "status": {"podIP": ip, "phase": "Running", "conditions": conditions}}


def shown(subsets: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(ready, not ready, ports) of each."""
    return [
        (
            " ".join(item["ip"] for item in subset.get("addresses", ())),
            " ".join(item["ip"] for item in subset.get("notReadyAddresses", ())),
            " ".join(f"{port.get('name', '-')}:{port['port']}" for port in subset.get("ports", ())),
        )
        for subset in subsets
    ]


WEB = {"name": "web", "port": 80, "targetPort": 80}
METRICS = {"name": "metrics", "port": 9090, "targetPort": 80}


def test_ready_pods_stand_apart_from_those_that_are_not_and_those_that_end_are_gone() -> None:
    pods = [
        pod("b", "10.0.0.2"),
        pod("a", "10.0.0.1"),
        pod("c", "10.0.0.3", ready=False),
        pod("d", "10.0.0.4", going=True),
    ]
    assert shown(subsets_of(service(WEB, METRICS), pods)) == [("10.0.0.1 10.0.0.2", "10.0.0.3", "metrics:80 web:80")]
    every = service(WEB, publishNotReadyAddresses=True)
    assert shown(subsets_of(every, pods)) == [("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4", "", "web:80")]


def test_pods_whose_named_port_is_another_number_are_another_subset() -> None:
    pods = [pod("a", "10.0.0.1", port=80), pod("b", "10.0.0.2", port=8080)]
    named = {"port": 80, "targetPort": "http"}
    assert shown(subsets_of(service(named), pods)) == [("10.0.0.1", "", "-:80"), ("10.0.0.2", "", "-:8080")]


def test_a_headless_service_without_ports_has_addresses_alone() -> None:
    assert shown(subsets_of(service(clusterIP="None"), [pod("a", "10.0.0.1")])) == [("10.0.0.1", "", "")]


def test_an_address_says_whose_it_is() -> None:
    (subset,) = subsets_of(service(WEB), [pod("a", "10.0.0.1")])
    target = {"kind": "Pod", "namespace": "shop", "name": "a", "uid": "uid-a"}
    assert subset["addresses"] == [{"ip": "10.0.0.1", "targetRef": target, "nodeName": "node1"}]


def test_kept_endpoints_become_a_slice_for_each_subset_and_family() -> None:
    subset = {
        "addresses": [{"ip": "192.0.2.1"}, {"ip": "2001:db8::1"}],
        "notReadyAddresses": [{"ip": "192.0.2.2"}],
        "ports": [{"port": 5432}],
    }
    metadata = {"name": "db", "namespace": "shop", "uid": "u", "labels": {"app": "db"}, "annotations": {"team": "data"}}
    made = mirrored({"kind": "Endpoints", "apiVersion": "v1", "metadata": metadata, "subsets": [subset]})
    found = {
        item["addressType"]: [(e["addresses"], e["conditions"]["ready"]) for e in item["endpoints"]] for item in made
    }
    assert found == {"IPv4": [(["192.0.2.1"], True), (["192.0.2.2"], False)], "IPv6": [(["2001:db8::1"], True)]}
    assert made[0]["ports"] == [{"name": "", "protocol": "TCP", "port": 5432}]
    assert made[0]["metadata"]["labels"] == {
        "app": "db",
        "kubernetes.io/service-name": "db",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    assert made[0]["metadata"]["annotations"] == {"team": "data"}
    assert made[0]["metadata"]["ownerReferences"][0]["kind"] == "Endpoints"
