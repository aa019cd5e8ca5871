"""Ingresses, and the Services they lead to -> the rules of a balancer of layer 7, and the targets of each.

Host and path are matched as the Ingress API has it: the exact host before a wildcard before none, then an exact path
before a prefix, the longest first (https://kubernetes.io/docs/concepts/services-networking/ingress/). An
ImplementationSpecific path is a prefix, as the AWS Load Balancer Controller and GKE take it where it has no wildcard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.sandbox.balancer.fronts import fronts
from harness.sandbox.balancer.settings import BalancerSettings, Targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.sandbox.balancer.fronts import Front
    from harness.sandbox.balancer.settings import Check

Object = dict[str, Any]
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_ALB = "alb.ingress.kubernetes.io/"
_TARGET_TYPES = {"ip": Targets.PODS, "instance": Targets.NODES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What goes to one backend: `host` empty for any, `*.` for one more label; `exact`: the path alone, not below it.

    `backend`: the name of a Service and its port, as it stands in the Ingress.
    """

    host: str
    path: str
    exact: bool
    backend: tuple[str, str | int]

    @property
    def rank(self) -> tuple[bool, bool, int, bool]:
        """The more particular, the smaller."""
        return not self.host, self.host.startswith("*."), -len(self.path), not self.exact


def class_of(ingress: Object) -> str:
    """The class that it names, by its spec or by the annotation of old; empty where it names none."""
    annotations = ingress["metadata"].get("annotations") or {}
    return str(ingress["spec"].get("ingressClassName") or annotations.get(_CLASS_ANNOTATION) or "")


def is_served(ingress: Object, settings: BalancerSettings) -> bool:
    """Whether this balancer is for that Ingress."""
    if settings.http is None or ingress["metadata"].get("deletionTimestamp"):
        return False
    named = class_of(ingress)
    return named in settings.classes or (settings.http.unclassed and not named)


def rules(ingress: Object) -> tuple[Rule, ...]:
    """Its rules, the more particular first; the default backend is a rule for all."""
    spec = ingress["spec"]
    found = [
        Rule(
            host=rule.get("host") or "",
            path=path.get("path") or "/",
            exact=path.get("pathType") == "Exact",
            backend=_backend(path["backend"]),
        )
        for rule in spec.get("rules") or ()
        for path in (rule.get("http") or {}).get("paths") or ()
        if path["backend"].get("service")
    ]
    if (default := spec.get("defaultBackend")) and default.get("service"):
        found.append(Rule(host="", path="/", exact=False, backend=_backend(default)))
    return tuple(sorted(found, key=lambda rule: rule.rank))


def _backend(backend: Object) -> tuple[str, str | int]:
    service = backend["service"]
    port = service.get("port") or {}
    return service["name"], port.get("name") or port.get("number") or 0


def obstacle(
    ingress: Object, services: Mapping[str, Object], settings: BalancerSettings, *, drafted: bool = False
) -> str:
    """Why the Ingress can have no balancer, in words; empty where it can. `services`: those of its namespace.

    `drafted`: they are those of manifests, in which what is not there yet may be missing: other Services, node ports.
    """
    said = (ingress["metadata"].get("annotations") or {}).get(f"{_ALB}target-type")
    if said is not None and _TARGET_TYPES.get(said) != settings.targets:
        mine = "ip" if settings.targets is Targets.PODS else "instance"
        return f"annotation {_ALB}target-type is {said}, and this balancer ({settings.profile}) has targets by {mine}"
    for rule in rules(ingress):
        name, wanted = rule.backend
        service = services.get(name)
        if service is None and drafted:
            continue
        if service is None:
            return f"there is no Service {name}"
        port = port_of(service, wanted)
        if port is None:
            return f"Service {name} has no port {wanted}"
        kind = service["spec"].get("type") or "ClusterIP"
        lacks = kind == "ClusterIP" if drafted else not port.get("nodePort")
        if settings.targets is Targets.NODES and lacks:
            return f"targets are nodes, and Service {name} is of type {kind}: it must be NodePort or LoadBalancer"
    return "" if rules(ingress) else "it leads to no Service"


def port_of(service: Object, wanted: str | int) -> Object | None:
    """The port of a Service by its name or number."""
    ports: list[Object] = service["spec"].get("ports") or []
    return next((port for port in ports if wanted in (port.get("name"), port["port"])), None)


def backends(
    ingress: Object,
    services: Mapping[str, Object],
    slices: Iterable[Object],
    nodes: Iterable[Object],
    settings: BalancerSettings,
) -> dict[tuple[str, str | int], Front]:
    """By backend, the front of the Service's port that it names."""
    slices, nodes = tuple(slices), tuple(nodes)
    found: dict[tuple[str, str | int], Front] = {}
    for rule in rules(ingress):
        name, wanted = rule.backend
        service = services[name]
        port = port_of(service, wanted)
        every = fronts(service, slices, nodes, settings)
        found[rule.backend] = next(front for front in every if port is not None and front.port == port["port"])
    return found


_OF_CHECKS = {
    "healthcheck-interval-seconds": "interval_s",
    "healthcheck-timeout-seconds": "timeout_s",
    "healthy-threshold-count": "healthy",
    "unhealthy-threshold-count": "unhealthy",
}


def check(ingress: Object, settings: BalancerSettings) -> Check | None:
    """The health check of its targets: the balancer's, but for what the annotations of an Ingress of AWS say.

    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#health-check
    """
    if settings.check is None or "alb" not in settings.classes:
        return settings.check
    annotations = ingress["metadata"].get("annotations") or {}
    said: dict[str, Any] = {
        field: int(text)
        for name, field in _OF_CHECKS.items()
        if (text := annotations.get(f"{_ALB}{name}", "")).isdecimal() and int(text) > 0
    }
    if path := annotations.get(f"{_ALB}healthcheck-path"):
        said["path"] = path
    return replace(settings.check, **said)
