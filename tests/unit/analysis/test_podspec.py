"""What a pod's spec promises, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from harness.analysis.podspec import prestop_seconds, promise, service_targets


def hook(**handler: Any) -> dict[str, Any]:
    return {"lifecycle": {"preStop": handler}}


@pytest.mark.parametrize(
    ("container", "seconds"),
    [
        ({}, None),
        (hook(sleep={"seconds": 5}), 5.0),
        (hook(exec={"command": ["sleep", "12"]}), 12.0),
        (hook(exec={"command": ["/bin/sleep", "2m"]}), 120.0),
        (hook(exec={"command": ["sh", "-c", "sleep 7; nginx -s quit"]}), 7.0),
        (hook(exec={"command": ["/bin/sh", "-ec", "exec sleep 1.5"]}), 1.5),
        (hook(exec={"command": ["sh", "-c", "nginx -s quit; sleep 7"]}), 0.0),
        (hook(exec={"command": ["/usr/local/bin/drain"]}), 0.0),
        (hook(httpGet={"path": "/drain", "port": 80}), 0.0),
    ],
)
def test_only_a_sleep_that_comes_first_is_a_promise(container: dict[str, Any], seconds: float | None) -> None:
    assert prestop_seconds(container) == seconds


def test_prestop_ends_with_the_grace_period() -> None:
    spec = {"terminationGracePeriodSeconds": 10, "containers": [hook(sleep={"seconds": 60})]}
    assert promise(spec, ()).prestop_s == 10.0


def test_a_sidecars_hook_does_not_hold_the_container_that_serves() -> None:
    web: dict[str, Any] = {"ports": [{"name": "http", "containerPort": 80}]}
    sidecar = hook(sleep={"seconds": 9})
    assert promise({"containers": [web, sidecar]}, ("http",)).prestop_s == 0.0
    assert promise({"containers": [web | hook(sleep={"seconds": 5}), sidecar]}, (80,)).prestop_s == 5.0
    assert promise({"containers": [hook(sleep={"seconds": 5}), sidecar]}, ()).prestop_s == 5.0


@pytest.mark.parametrize(
    ("probe", "listens"),
    [
        ({"httpGet": {"port": 80}}, True),
        ({"httpGet": {"port": "web"}}, True),
        ({"tcpSocket": {"port": 80}}, True),
        ({"httpGet": {"port": 9090}}, False),
        ({"exec": {"command": ["true"]}}, False),
        (None, False),
    ],
)
def test_ready_means_listening_only_where_the_probe_asks_the_services_port(probe: Any, listens: bool) -> None:
    container = {"ports": [{"name": "web", "containerPort": 80}], "readinessProbe": probe}
    assert promise({"containers": [container]}, ("web",)).listens_when_ready is listens
    assert promise({"containers": [container]}, (80,)).listens_when_ready is listens


def test_target_ports_default_to_the_port() -> None:
    service = {"kind": "Service", "spec": {"ports": [{"port": 80, "targetPort": "web"}, {"port": 81}]}}
    assert service_targets([service, {"kind": "Deployment"}]) == ("web", 81)
