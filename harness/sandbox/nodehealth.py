"""Services as kube-proxy knows them -> what a node tells load balancers of itself, over HTTP.

At a Service's healthCheckNodePort: whether the node has ready pods of it, for `externalTrafficPolicy: Local`
(pkg/proxy/healthcheck/service_health.go). Pods that terminate do not count, although the node still sends to them where
no other is ready (KEP-1669), so that a balancer turns away before they are gone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from harness.sandbox.proxyrules import ServicePort

Counts = dict[int, tuple[str, str, int]]


class NodeHealth:
    """One node's servers, a port a Service that wants one; none is opened, and nothing imported, where none does."""

    def __init__(self, node: str, address: str) -> None:
        self._node, self._address = node, address
        self._counts: Counts = {}
        self._runners: dict[int, web.AppRunner] = {}

    async def sync(self, ports: Iterable[ServicePort]) -> None:
        """Tell what the rules that were just put in place go by."""
        self._counts = local_endpoints(ports, self._node)
        for number in self._runners.keys() - self._counts.keys():
            await self._runners.pop(number).cleanup()
        for number in self._counts.keys() - self._runners.keys():
            self._runners[number] = await self._listening(number)

    async def _listening(self, number: int) -> web.AppRunner:
        from aiohttp import web

        async def told(request: web.Request) -> web.Response:  # whatever the path is
            status, body = answer(*self._counts[number])
            headers = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}
            return web.Response(status=status, text=body, headers=headers)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", told)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, self._address, number).start()
        return runner


def local_endpoints(ports: Iterable[ServicePort], node: str) -> Counts:
    """By health check port: the Service, and how many ready addresses it has on the node."""
    found: dict[int, tuple[str, str, set[str]]] = {}
    for port in ports:
        if port.health_check_port:
            known = found.setdefault(port.health_check_port, (port.namespace, port.name, set()))
            known[2].update(each.address for each in port.endpoints if each.node == node and each.ready)
    return {number: (namespace, name, len(addresses)) for number, (namespace, name, addresses) in found.items()}


def answer(namespace: str, name: str, count: int) -> tuple[int, str]:
    """Status and body: 200 where the node has an endpoint, else 503.

    >>> answer("shop", "web", 0)[0], json.loads(answer("shop", "web", 2)[1])["localEndpoints"]
    (503, 2)
    """
    told = {"service": {"namespace": namespace, "name": name}, "localEndpoints": count, "serviceProxyHealthy": True}
    return 200 if count else 503, json.dumps(told, indent="\t")
