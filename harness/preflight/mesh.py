"""A namespace, a pod template and what admission makes of it -> the service mesh through which its requests go."""

from __future__ import annotations

from collections.abc import Mapping

from harness.preflight.surroundings import Object

_SIDECARS = {
    "istio-proxy": "Istio", "linkerd-proxy": "Linkerd", "consul-dataplane": "Consul", "kuma-sidecar": "Kuma",
    "osm-envoy": "Open Service Mesh",
}  # fmt: skip
_ON = frozenset({"enabled", "true", "ingress", "ambient"})
_SWITCHES = {
    "istio-injection": "Istio", "sidecar.istio.io/inject": "Istio", "istio.io/dataplane-mode": "Istio",
    "linkerd.io/inject": "Linkerd", "consul.hashicorp.com/connect-inject": "Consul",
    "kuma.io/sidecar-injection": "Kuma",
}  # fmt: skip
_REVISION = "istio.io/rev"


def mesh(namespace: Object | None, template: Object, made: Object | None) -> str:
    """Its name; empty where nothing speaks of one. `made`: the pod as admission would make it."""
    spec = (made or {}).get("spec") or {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if container.get("name") in _SIDECARS:
            return _SIDECARS[container["name"]]
    own = _words(template)
    wished = {**_words(namespace), **own}
    if wished.get("sidecar.istio.io/inject") == "false" or own.get("linkerd.io/inject") == "disabled":
        return ""
    switched = (name for key, name in _SWITCHES.items() if wished.get(key) in _ON)
    return next(switched, "Istio" if wished.get(_REVISION) else "")


def _words(thing: Object | None) -> Mapping[str, str]:
    metadata: Object = (thing or {}).get("metadata") or {}
    return {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
