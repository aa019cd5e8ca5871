"""A balancer's settings on their way, what it makes of the API's objects, its rules and its checks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import anyio
import anyio.abc
import pytest

from harness.clusters.sandbox_balancer import balancer, balancer_facts
from harness.model.balancer_settings import BalancerProfile
from harness.model.balancer_settings import BalancerSettings as Asked
from harness.sandbox.balancer.checks import passes
from harness.sandbox.balancer.fronts import Front, fronts, is_served, obstacle
from harness.sandbox.balancer.network import rules
from harness.sandbox.balancer.profiles import PROFILES
from harness.sandbox.balancer.settings import Check, Delay
from harness.sandbox.settings import Settings
from tests.unit.sandbox.test_proxyrules import endpoint, endpoint_slice

BY_IP, BY_NODE, ANNOUNCED = PROFILES["aws-nlb-ip"], PROFILES["aws-nlb-instance"], PROFILES["none"]


def service(**spec: Any) -> dict[str, Any]:
    fields = {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}], **spec}
    return {"metadata": {"name": "web", "namespace": "shop", "uid": "u"}, "spec": fields}


def node(name: str, address: str, *, ready: bool = True, **labels: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    addresses = [{"type": "InternalIP", "address": address}]
    return {"metadata": {"name": name, "labels": labels}, "status": {"conditions": conditions, "addresses": addresses}}


NODES = [node("node1", "10.201.0.1"), node("node2", "10.201.0.2")]
SLICE = endpoint_slice(endpoint("10.244.16.2"), endpoint("10.244.32.2", "leaving", "node2"))


def test_every_profile_can_be_named_and_travels_with_the_settings() -> None:
    assert set(get_args(BalancerProfile)) == set(PROFILES)
    for name, profile in PROFILES.items():
        assert profile.profile == name
        assert Settings.from_json(Settings(balancer=profile).to_json()).balancer == profile


def test_an_experiment_changes_what_it_names_and_the_run_keeps_what_it_came_to() -> None:
    text = (
        '{"profile": "aws-nlb-ip", "deregistration": {"from": "2s", "to": "4s"}, "controller": "1s", "interval": "3s"}'
    )
    made = balancer(Asked.model_validate(json.loads(text)))
    assert (made.deregistration, made.controller) == (Delay(2.0, 4.0), Delay.of(1.0))
    assert made.check == replace(
        BY_IP.check or Check(interval_s=1, timeout_s=1, healthy=1, unhealthy=1), interval_s=3.0
    )
    facts = balancer_facts(made)
    assert facts is not None
    assert facts.removal is not None
    assert (facts.removal.least_s, facts.removal.most_s) == (3.0, 5.0)
    assert facts.settings["seed"] == "0"  # something is drawn


@pytest.mark.parametrize(
    ("spec", "served"),
    [
        ({}, True),
        ({"type": "NodePort"}, False),
        ({"loadBalancerClass": "service.k8s.aws/nlb"}, True),
        ({"loadBalancerClass": "acme/lb"}, False),
    ],
)
def test_it_serves_its_own_class_and_none(spec: dict[str, Any], served: bool) -> None:
    assert is_served(service(**spec), BY_IP) == served


def made(settings: Any, nodes: Any = NODES, **spec: Any) -> Front:
    (front,) = fronts(service(**spec), [SLICE], nodes, settings)
    return front


def test_targets_are_the_pods_that_are_ready_or_the_nodes_that_are() -> None:
    assert made(BY_IP).targets == (("10.244.16.2", 8080),)
    others = [*NODES, node("node3", "10.201.0.3", ready=False)]
    others.append(node("node4", "10.201.0.4", **{"node.kubernetes.io/exclude-from-external-load-balancers": ""}))
    assert made(BY_NODE, others).targets == (("10.201.0.1", 30080), ("10.201.0.2", 30080))


def test_an_address_that_is_announced_is_one_nodes_and_with_local_one_that_has_pods() -> None:
    assert made(ANNOUNCED).targets == (("10.201.0.1", 30080),)
    moved = [node("node1", "10.201.0.9"), node("node0", "10.201.0.8")]
    assert made(ANNOUNCED, moved).targets == (("10.201.0.8", 30080),)
    assert made(ANNOUNCED, moved, externalTrafficPolicy="Local").targets == (("10.201.0.9", 30080),)


def test_nodes_cannot_be_targets_without_node_ports() -> None:
    without = service(ports=[{"port": 80}])
    assert "no node ports" in obstacle(without, BY_NODE)
    assert not obstacle(without, BY_IP)


def test_only_fronts_with_targets_are_translated() -> None:
    text = rules({("10.202.0.1", "tcp", 80): [("10.0.0.1", 8080), ("10.0.0.2", 8080)], ("10.202.0.2", "tcp", 80): []})
    choice = "dnat ip to numgen random mod 2 map { 0 : 10.0.0.1 . 8080, 1 : 10.0.0.2 . 8080 }"
    assert f"ip daddr 10.202.0.1 tcp dport 80 {choice}" in text
    assert "10.202.0.2" not in text


CHECK = Check(interval_s=1.0, timeout_s=30.0, healthy=1, unhealthy=1)


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "good"), [(b"200 OK", True), (b"302 Found", True), (b"503 No", False)])
async def test_a_check_connects_and_with_a_path_wants_a_good_answer(status: bytes, good: bool) -> None:
    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            if await stream.receive():
                await stream.send(b"HTTP/1.0 " + status + b"\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        assert await passes(replace(CHECK, path="/healthz"), "127.0.0.1", port) == good
        tasks.cancel_scope.cancel()
    assert not await passes(CHECK, "127.0.0.1", port)
