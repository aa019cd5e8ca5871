"""Which endpoint a request through a Service's proxy goes to, and what is said where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.registry import Registry
from harness.sandbox.apiserver.resources import ENDPOINT_SLICES, SERVICES
from harness.sandbox.apiserver.serviceproxy import service_location
from harness.sandbox.apiserver.store import Store


def endpoint(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": {"ready": True, **conditions}, "nodeName": "node1"}


@pytest.fixture
def registry() -> Registry:
    """`web` with the ports http and metrics and one ready endpoint of two; `plain` with a port that has no name."""
    store = Store()
    for name, ports in (("web", {"http": 80, "metrics": 9090}), ("plain", {"": 80})):
        listed = [{"port": number, **({"name": text} if text else {})} for text, number in ports.items()]
        metadata = {"name": name, "namespace": "shop", "uid": name}
        store.put(SERVICES, {"metadata": {**metadata}, "spec": {"ports": listed}})
        labels = {"kubernetes.io/service-name": name}
        targets = [{"name": text, "port": number + 8000} for text, number in ports.items()]
        endpoints = [endpoint("10.244.1.2", ready=False), endpoint("10.244.1.3")]
        slice_ = {"metadata": {**metadata, "labels": labels}, "endpoints": endpoints, "ports": targets}
        store.put(ENDPOINT_SLICES, slice_)
    return Registry(store, lambda: 0.0)


@pytest.mark.parametrize(
    ("segment", "place"),
    [
        ("web:http", "10.244.1.3:8080"),
        ("web:80", "10.244.1.3:8080"),
        ("web:9090", "10.244.1.3:17090"),
        ("http:web:metrics", "10.244.1.3:17090"),
        ("plain", "10.244.1.3:8080"),
        ("http:plain:", "10.244.1.3:8080"),
    ],
)
def test_a_port_is_found_by_name_and_by_number(registry: Registry, segment: str, place: str) -> None:
    assert service_location(registry, "shop", segment) == ("node1", place)


@pytest.mark.parametrize(
    ("segment", "code", "message"),
    [
        ("web", 503, 'no endpoints available for service "web"'),
        ("web:81", 503, 'no service port 81 found for service "web"'),
        ("none", 404, 'services "none" not found'),
        ("a:b:c:d", 400, 'invalid service request "a:b:c:d"'),
        ("https:web:http", 501, "the sandbox does not do this: services/proxy as https:web:http"),
    ],
)
def test_what_leads_nowhere_is_refused_in_kubernetes_words(
    registry: Registry, segment: str, code: int, message: str
) -> None:
    with pytest.raises(StatusError) as refused:
        service_location(registry, "shop", segment)
    assert (refused.value.code, refused.value.message) == (code, message)
