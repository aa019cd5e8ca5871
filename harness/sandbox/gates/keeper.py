"""Services, their endpoints and pods -> which pods are targets before they are ready, and their gates opened in time.

The controller looks at a Service when its endpoints change, and `poll_s` later as long as a target of it is not healthy
or a pod with its gate is not up. That the containers of a gated pod are up changes no endpoint, so it is registered at
such a look, and found healthy at a later one. Source: aws-load-balancer-controller
pkg/targetgroupbinding/resource_manager.go (reconcileWithIPTargetType), pkg/backend/endpoint_resolver.go.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiclient import ApiError, PatchType
from harness.sandbox.apiserver.clock import rfc3339, seconds
from harness.sandbox.definitions import definition_of
from harness.sandbox.gates.conditions import Health, condition, is_same
from harness.sandbox.gates.naming import (
    BINDING_KIND,
    BINDING_VERSION,
    BINDINGS_PATH,
    NEG_GATE,
    binding_name,
    bindings,
    gate_of,
    gates_of,
    has_negs,
)
from harness.sandbox.gates.settings import Gates, Keeper

if TYPE_CHECKING:
    from harness.sandbox.apiclient import ApiClient

Object = dict[str, Any]
Key = tuple[str, int]
HealthOf = Callable[[Object, Key], Health]
"""Of a target of one port of a Service."""

AGENTS = {Keeper.AWS: "controller", Keeper.NEG: "glbc"}
"""As which each writes: the names of their programs, which client-go takes."""

_DEFINITIONS_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_AGAIN_S = 1.0
_GONE, _CONFLICT = 404, 409


@dataclass(slots=True)
class _Look:
    """At one Service: what it showed, when to look again, and which pods without being ready are targets since."""

    shape: tuple[Any, ...] = ()
    due: float = -math.inf
    fresh: bool = False
    admitted: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Binding:
    """The TargetGroupBindings of one Service. `due`: when they are made; infinite once they are."""

    namespace: str
    made: tuple[Object, ...]
    due: float
    names: list[str] = field(default_factory=list)


class GateKeeper:
    """The gates of all Services of one cluster."""

    def __init__(self, client: ApiClient, gates: Gates) -> None:
        self._client, self._gates = client, gates
        self.pods = client.informer("/api/v1/pods")
        self._looks: dict[str, _Look] = {}
        self._bindings: dict[str, _Binding] = {}
        self._defined = False

    def look(self, service: Object, slices: Iterable[Object], now: float) -> frozenset[str]:
        """The names of the Service's pods that are targets although they are not ready: only a gate keeps them."""
        look = self._looks.setdefault(service["metadata"]["uid"], _Look())
        endpoints = [endpoint for each in slices for endpoint in each.get("endpoints") or ()]
        shape = tuple(sorted(map(_shape, endpoints)))
        if shape != look.shape or look.due <= now:
            waiting = {_pod_name(each) for each in endpoints if not _is_ready(each) and not _is_terminating(each)}
            pods = self._pods(service["metadata"]["namespace"])
            gates = self._gates_of_service(service)
            held = (name for name in waiting if name in pods and gates & {*gates_of(pods[name])})
            look.shape, look.due, look.fresh = shape, math.inf, True
            look.admitted = frozenset(name for name in held if _containers_ready(pods[name]))
        return look.admitted

    async def tell(self, service: Object, slices: Iterable[Object], health_of: HealthOf, now: float) -> None:
        """Writes what a look found into the pods, and plans the next where something is not as it is to be."""
        look = self._looks.get(service["metadata"]["uid"])
        if look is None or not look.fresh:
            return
        look.fresh = False
        slices, pods = tuple(slices), self._pods(service["metadata"]["namespace"])
        again = any(
            _pod_name(endpoint) not in pods for each in slices for endpoint in each.get("endpoints") or ()
        )  # not in the cache yet
        for (name, gate), found in self._healths(service, slices, pods, health_of).items():
            again |= not (_containers_ready(pods[name]) and await self._write(pods[name], gate, found))
        if again:
            look.due = now + self._gates.poll_s

    def _healths(
        self, service: Object, slices: Iterable[Object], pods: dict[str, Object], health_of: HealthOf
    ) -> dict[tuple[str, str], list[tuple[Health, str]]]:
        """By pod and gate, how its targets are: one, or one a NEG."""
        found: dict[tuple[str, str], list[tuple[Health, str]]] = {}
        for port in service["spec"].get("ports") or ():
            group = binding_name(service, port)
            gate = gate_of(group) if self._gates.keeper is Keeper.AWS else NEG_GATE
            for each in slices:
                numbers = [p["port"] for p in each.get("ports") or () if (p.get("name") or "") == port.get("name", "")]
                for endpoint in each.get("endpoints") or ():
                    name = _pod_name(endpoint)
                    if _is_terminating(endpoint) or name not in pods or gate not in gates_of(pods[name]):
                        continue
                    keys = [(endpoint["addresses"][0], number) for number in numbers]
                    found.setdefault((name, gate), []).extend((health_of(port, key), group) for key in keys)
        return found

    async def _write(self, pod: Object, gate: str, found: list[tuple[Health, str]]) -> bool:
        """Whether the gate is open, when it has been written where it has to be."""
        health, group = next((each for each in found if each[0] is Health.HEALTHY), found[0])
        metadata = pod["metadata"]
        age_s = time.time() - seconds(metadata["creationTimestamp"])
        groups = dict.fromkeys((group, *(other for _, other in found)))
        wanted = condition(gate, health, self._gates, age_s=age_s, groups=groups)
        known = _conditions(pod).get(gate)
        if not is_same(known, wanted):
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
            conditions = [_changed(known or {}, wanted)]
            body = {"metadata": {"uid": metadata["uid"]}, "status": {"conditions": conditions}}
            try:
                await self._client.patch(path, body, PatchType.STRATEGIC)
            except ApiError as error:
                if error.status not in (_GONE, _CONFLICT):
                    raise
                return error.status == _GONE  # else it is another pod of that name, or was changed meanwhile
        return bool(wanted["status"] == "True")

    async def bind(self, services: dict[str, tuple[Object, str]], delay_s: Callable[[], float], now: float) -> None:
        """Makes the TargetGroupBindings of Services (by uid, with their target type); deletes those of gone ones."""
        self._looks = {uid: look for uid, look in self._looks.items() if uid in services}
        if self._gates.keeper is not Keeper.AWS:
            return
        for uid, (service, target_type) in services.items():
            if uid not in self._bindings:
                made = bindings(service, target_type)
                self._bindings[uid] = _Binding(service["metadata"]["namespace"], made, now + delay_s())
        for uid, binding in list(self._bindings.items()):
            if uid not in services:
                del self._bindings[uid]
                await self._unbind(binding)
            elif binding.due <= now:
                binding.due = math.inf if await self._made(binding) else now + _AGAIN_S

    async def _made(self, binding: _Binding) -> bool:
        if not self._defined:
            await self._define()
        for each in binding.made[len(binding.names) :]:
            try:
                await self._client.create(BINDINGS_PATH.format(binding.namespace), each)
            except ApiError as error:
                if error.status != _CONFLICT:  # the namespace is ending, or the kind not served yet
                    return False
            binding.names.append(each["metadata"]["name"])
        return True

    async def _define(self) -> None:
        definition = definition_of(BINDING_VERSION, BINDING_KIND)
        assert definition is not None
        try:
            await self._client.create(_DEFINITIONS_PATH, definition)
        except ApiError as error:
            if error.status != _CONFLICT:  # an experiment's manifests may have brought it
                raise
        self._defined = True

    async def _unbind(self, binding: _Binding) -> None:
        for name in binding.names:
            try:
                await self._client.delete(f"{BINDINGS_PATH.format(binding.namespace)}/{name}")
            except ApiError as error:
                if error.status != _GONE:
                    raise

    def next_due(self) -> float:
        """When something is due by itself; infinite where nothing is."""
        moments = [*(look.due for look in self._looks.values()), *(each.due for each in self._bindings.values())]
        return min(moments, default=math.inf)

    def _gates_of_service(self, service: Object) -> set[str]:
        if self._gates.keeper is Keeper.NEG:
            return {NEG_GATE} if has_negs(service) else set()
        return {gate_of(binding_name(service, port)) for port in service["spec"].get("ports") or ()}

    def _pods(self, namespace: str) -> dict[str, Object]:
        return {
            pod["metadata"]["name"]: pod
            for pod in self.pods.objects.values()
            if pod["metadata"]["namespace"] == namespace and not pod["metadata"].get("deletionTimestamp")
        }


def _changed(known: Object, wanted: Object) -> Object:
    """The strategic merge patch of a condition: with its time, and without what it had and is to have no more."""
    same = known.get("status") == wanted["status"]
    since = known.get("lastTransitionTime") if same else rfc3339(time.time())
    cleared: Object = {key: None for key in ("reason", "message") if key in known and key not in wanted}
    return {**wanted, **cleared, "lastTransitionTime": since}


def _shape(endpoint: Object) -> tuple[str, bool, bool, str]:
    return endpoint["addresses"][0], _is_ready(endpoint), _is_terminating(endpoint), _pod_name(endpoint)


def _pod_name(endpoint: Object) -> str:
    return str((endpoint.get("targetRef") or {}).get("name", ""))


def _is_ready(endpoint: Object) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _is_terminating(endpoint: Object) -> bool:
    return bool((endpoint.get("conditions") or {}).get("terminating"))


def _conditions(pod: Object) -> dict[str, Object]:
    return {each["type"]: each for each in (pod.get("status") or {}).get("conditions") or ()}


def _containers_ready(pod: Object) -> bool:
    return _conditions(pod).get("ContainersReady", {}).get("status") == "True"
