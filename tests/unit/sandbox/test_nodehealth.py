"""What a node says of itself to load balancers, as kube-proxy says it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import aiohttp
import pytest

from harness.sandbox.nodehealth import NodeHealth, local_endpoints
from tests.unit.sandbox.test_proxyrules import endpoint, one

if TYPE_CHECKING:
    from harness.sandbox.proxyrules import ServicePort


def balanced(*states: str, port: int = 31999) -> ServicePort:
    endpoints = [endpoint(f"10.244.1.{n}", state) for n, state in enumerate(states, start=2)]
    return one(*endpoints, type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=port)


def test_only_ready_pods_of_the_node_count() -> None:
    ports = [balanced("ready", "leaving", "starting")]
    assert local_endpoints(ports, "node1") == {31999: ("shop", "web", 1)}
    assert local_endpoints(ports, "node2") == {31999: ("shop", "web", 0)}


def test_a_service_that_is_not_local_has_no_such_port() -> None:
    port = one(endpoint("10.244.1.2"), type="LoadBalancer", healthCheckNodePort=31999)
    assert local_endpoints([port], "node1") == {}


@pytest.fixture
def port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.anyio
async def test_it_answers_200_then_503_and_closes_the_port(port: int) -> None:
    health = NodeHealth("node1", "127.0.0.1")
    url = f"http://127.0.0.1:{port}/healthz"
    async with aiohttp.ClientSession() as session:
        seen = []
        for state in ("ready", "leaving"):
            await health.sync([balanced(state, port=port)])
            async with session.get(url) as response:
                seen.append((response.status, json.loads(await response.text())["localEndpoints"]))
        assert seen == [(200, 1), (503, 0)]
        await health.sync([])
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)
