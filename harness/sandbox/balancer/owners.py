"""Objects that ask for a balancer -> the fronts that it is to have: of layer 4 Services, of layer 7 Ingresses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from harness.sandbox.balancer import fronts, ingresses
from harness.sandbox.balancer.haproxy import PORT, backend_name
from harness.sandbox.balancer.settings import Targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.sandbox.balancer.fronts import Front
    from harness.sandbox.balancer.ingresses import Rule
    from harness.sandbox.balancer.settings import BalancerSettings, Check
    from harness.sandbox.balancer.targets import Place

Object = dict[str, Any]


class Cluster(Protocol):
    """What the API has, as far as the watches have shown it."""

    @property
    def services(self) -> Iterable[Object]: ...
    @property
    def slices(self) -> Iterable[Object]: ...
    @property
    def nodes(self) -> Iterable[Object]: ...


class Services:
    """Services of type LoadBalancer: a front a port."""

    path, component = "/api/v1/services", "service-controller"
    event, said = "SyncLoadBalancerFailed", "Error syncing load balancer: "
    done = ("EnsuredLoadBalancer", "Ensured load balancer")

    def __init__(self, settings: BalancerSettings) -> None:
        self._settings = settings

    def is_served(self, owner: Object) -> bool:
        """Whether this balancer is for it."""
        return fronts.is_served(owner, self._settings)

    def settings(self, owner: Object) -> BalancerSettings:
        """The balancer that it gets."""
        return fronts.served_as(owner, self._settings)

    def obstacle(self, owner: Object, cluster: Cluster) -> str:
        """Why it can have none, in words; empty where it can."""
        return fronts.obstacle(owner, self.settings(owner))

    def fronts(self, owner: Object, address: str, cluster: Cluster, admitted: frozenset[str]) -> dict[Place, Front]:
        """Its fronts, at the address that it has. `admitted`: pods that are targets although they are not ready."""
        found = fronts.fronts(owner, cluster.slices, cluster.nodes, self.settings(owner), admitted)
        return {(address, front.protocol, front.port): front for front in found}

    def rules(self, owner: Object) -> tuple[Rule, ...]:
        """None: a packet has neither host nor path."""
        return ()

    def check(self, owner: Object, front: Front) -> Check | None:
        """The health check of a front's targets."""
        settings = self.settings(owner)
        by_node = front.health_check_port and settings.targets is Targets.NODES
        return settings.local_check if by_node else settings.check

    def status(self, owner: Object, address: str) -> tuple[str, Object]:
        """The path of its status, and what stands there once it has its address."""
        metadata = owner["metadata"]
        entry = {"ip": address, "ipMode": "VIP" if self._settings.vip else "Proxy"}
        path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status"
        return path, entry


class Ingresses:
    """Ingresses of the balancer's classes: a front a backend."""

    path, component = "/apis/networking.k8s.io/v1/ingresses", "ingress"
    event, said = "FailedBuildModel", "Failed build model due to "
    done = ("SuccessfullyReconciled", "Successfully reconciled")

    def __init__(self, settings: BalancerSettings) -> None:
        self._settings = settings

    def is_served(self, owner: Object) -> bool:
        """Whether this balancer is for it."""
        return ingresses.is_served(owner, self._settings)

    def obstacle(self, owner: Object, cluster: Cluster) -> str:
        """Why it can have none, in words; empty where it can."""
        return ingresses.obstacle(owner, _beside(owner, cluster), self._settings)

    def settings(self, owner: Object) -> BalancerSettings:
        """The balancer that it gets."""
        return self._settings

    def fronts(self, owner: Object, address: str, cluster: Cluster, admitted: frozenset[str]) -> dict[Place, Front]:
        """Its fronts, at the address that it has."""
        found = ingresses.backends(owner, _beside(owner, cluster), cluster.slices, cluster.nodes, self._settings)
        return {
            (address, backend_name(backend), PORT): replace(front, uid=owner["metadata"]["uid"])
            for backend, front in found.items()
        }

    def rules(self, owner: Object) -> tuple[Rule, ...]:
        """What leads to which of its fronts."""
        return ingresses.rules(owner)

    def check(self, owner: Object, front: Front) -> Check | None:
        """The health check of a front's targets."""
        return ingresses.check(owner, self._settings)

    def status(self, owner: Object, address: str) -> tuple[str, Object]:
        """The path of its status, and what stands there once it has its address."""
        metadata = owner["metadata"]
        names = f"namespaces/{metadata['namespace']}/ingresses/{metadata['name']}"
        return f"/apis/networking.k8s.io/v1/{names}/status", {"ip": address}


def _beside(owner: Object, cluster: Cluster) -> Mapping[str, Object]:
    """By name, the Services of an object's namespace."""
    namespace = owner["metadata"]["namespace"]
    found = (service for service in cluster.services if service["metadata"]["namespace"] == namespace)
    return {service["metadata"]["name"]: service for service in found}
