"""Target ports by name are found on containers and on native sidecars, each for its own protocol."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.controllers.endpoints import grouped


def port(name: str, number: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"name": name, "containerPort": number, "protocol": protocol}


@pytest.mark.parametrize(
    ("initial", "main", "number"),
    [
        ({"restartPolicy": "Always", "ports": [port("http", 8080)]}, {}, 8080),
        ({"ports": [port("http", 8080)]}, {}, None),  # it has ended when the pod serves
        ({"restartPolicy": "Always", "ports": [port("http", 8080)]}, {"ports": [port("http", 80)]}, 80),
        ({"restartPolicy": "Always", "ports": [port("http", 8080)]}, {"ports": [port("http", 80, "UDP")]}, 8080),
    ],
)
def test_a_name_is_looked_for_in_containers_and_then_in_native_sidecars(
    initial: dict[str, Any], main: dict[str, Any], number: int | None
) -> None:
    pod = {
        "metadata": {"name": "web", "namespace": "a", "uid": "1"},
        "spec": {"containers": [main], "initContainers": [initial]},
        "status": {"podIP": "10.0.0.1", "phase": "Running"},
    }
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": "http"}]}}
    (ports,) = grouped(service, [pod])
    assert [each.number for each in ports] == ([] if number is None else [number])
