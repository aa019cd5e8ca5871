"""Which container serves, how long, and what its Ready means."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.readiness import is_probed, probed_ports, readiness_s
from harness.spec.serving import named_ports, serving_containers, serving_expectation, target_ports
from tests.unit.spec.objects import Object, hook


def test_serving_ends_with_the_grace_period() -> None:
    pod: Object = {"containers": [hook(sleep={"seconds": 60})]}
    assert serving_expectation(pod | {"terminationGracePeriodSeconds": 10}, ()).prestop_s == 10.0
    assert serving_expectation(pod, ()).prestop_s == 30.0


def test_a_sidecars_hook_does_not_hold_the_container_that_serves() -> None:
    web: Object = {"ports": [{"name": "http", "containerPort": 80}]}
    sidecar = hook(sleep={"seconds": 9})
    assert serving_expectation({"containers": [web, sidecar]}, ("http",)).prestop_s == 0.0
    assert serving_expectation({"containers": [web | hook(sleep={"seconds": 5}), sidecar]}, (80,)).prestop_s == 5.0
    assert serving_expectation({"containers": [hook(sleep={"seconds": 5}), sidecar]}, ()).prestop_s == 5.0


def test_a_native_sidecar_that_serves_is_held_by_the_hooks_of_the_main_containers() -> None:
    proxy: Object = {"restartPolicy": "Always", "ports": [{"containerPort": 80}]}
    bare, held = {"name": "app"}, hook(sleep={"seconds": 5})
    for main, own, prestop_s, untold_s in (
        ([held], {}, 5.0, 5.0),
        ([held, bare], {}, 5.0, 0.0),  # the one without a hook hears at once
        ([held], hook(sleep={"seconds": 2}), 5.0, 5.0),
        ([held], hook(sleep={"seconds": 9}), 9.0, 5.0),
        ([bare], {}, 0.0, 0.0),
    ):
        pod = {"containers": main, "initContainers": [proxy | own]}
        found = serving_expectation(pod, (80,))
        assert (found.prestop_s, found.untold_s) == (prestop_s, untold_s), pod


def test_where_none_declares_the_target_port_any_container_may_serve() -> None:
    first, second = {"name": "first"}, {"name": "second", "ports": [{"containerPort": 81}]}
    pod = {"containers": [first, second]}
    assert serving_containers(pod, (81,)) == (second,)
    assert serving_containers(pod, (80,)) == (first, second)


@pytest.mark.parametrize(
    ("probe", "listens"),
    [
        ({"httpGet": {"port": 80}}, True),
        ({"httpGet": {"port": "web"}}, True),
        ({"tcpSocket": {"port": 80}}, True),
        ({"grpc": {"port": 80}}, True),
        ({"httpGet": {"port": 9090}}, False),
        ({"exec": {"command": ["true"]}}, False),
        (None, False),
    ],
)
def test_ready_means_listening_only_where_the_probe_asks_the_services_port(probe: Any, listens: bool) -> None:
    container = {"ports": [{"name": "web", "containerPort": 80}], "readinessProbe": probe}
    for targets in (("web",), (80,)):
        assert serving_expectation({"containers": [container]}, targets).listens_when_ready is listens


def test_a_probes_port_name_is_its_own_containers_and_a_services_the_first_that_has_it() -> None:
    web: Object = {"ports": [{"name": "http", "containerPort": 80}]}
    metrics = {"ports": [{"name": "http", "containerPort": 9090}], "readinessProbe": {"httpGet": {"port": "http"}}}
    pod = {"containers": [web, metrics]}
    assert probed_ports(metrics) == (9090,)
    assert named_ports(pod) == {"http": 80}
    assert not serving_expectation(pod, ("http",)).listens_when_ready


def test_target_ports_default_to_the_port() -> None:
    service = {"kind": "Service", "spec": {"ports": [{"port": 80, "targetPort": "web"}, {"port": 81}]}}
    assert target_ports([service, {"kind": "Deployment"}, {"kind": "Service"}]) == ("web", 81)


def test_readiness_takes_a_delay_and_all_successes_but_the_first() -> None:
    probe = {"initialDelaySeconds": 2, "periodSeconds": 3, "successThreshold": 2}
    assert readiness_s({"containers": [{"readinessProbe": probe}, {}]}) == (5.0, 3.0)
    assert readiness_s({"containers": [{}]}) == (0.0, 0.0)
    assert readiness_s({"containers": [{"readinessProbe": {"httpGet": {"port": 80}}}]}) == (0.0, 10.0)


def test_an_empty_probe_is_none() -> None:
    assert not is_probed({"containers": [{"readinessProbe": {}}, {"readinessProbe": None}]})


def test_a_native_sidecar_serves_and_an_init_container_does_not() -> None:
    proxy = {"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "http", "containerPort": 8080}]}
    set_up = {"name": "set-up", "ports": [{"name": "http", "containerPort": 1}]}
    pod = {"containers": [{"name": "main"}], "initContainers": [set_up, proxy | hook(sleep={"seconds": 4})]}
    assert named_ports(pod) == {"http": 8080}
    assert [container["name"] for container in serving_containers(pod, ("http",))] == ["proxy"]
    assert serving_expectation(pod, ("http",)).prestop_s == 4.0


def test_ports_for_udp_lead_nowhere() -> None:
    quic = {"name": "quic", "port": 443, "protocol": "UDP", "targetPort": "quic"}
    https = {"name": "https", "port": 443, "targetPort": "https"}
    front = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [quic, https]}}
    assert target_ports([front]) == ("https",)
    assert named_ports({"containers": [{"ports": [{"name": "quic", "containerPort": 1, "protocol": "UDP"}]}]}) == {}
