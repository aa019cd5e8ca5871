"""GET /readyz, /livez, /healthz -> ok, or with `verbose` every check by name, as an API server of 1.36 lists them.

The server answers as soon as all of it is there, so each check holds when it is asked for: what a check's name stands
for in the real server may be one of many parts there and no part here. Source: apiserver `pkg/server/healthz`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOOKS = (
    "start-apiserver-admission-initializer",
    "generic-apiserver-start-informers",
    "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter",
    "storage-object-count-tracker-hook",
    "start-apiextensions-informers",
    "start-apiextensions-controllers",
    "crd-informer-synced",
    "start-system-namespaces-controller",
    "peer-endpoint-reconciler-controller",
    "start-cluster-authentication-info-controller",
    "start-kube-apiserver-identity-lease-controller",
    "start-kube-apiserver-identity-lease-garbage-collector",
    "storage-readiness",
    "start-legacy-token-tracking-controller",
    "start-service-ip-repair-controllers",
    "rbac/bootstrap-roles",
    "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer",
    "bootstrap-controller",
    "start-kubernetes-service-cidr-controller",
    "aggregator-reload-proxy-client-cert",
    "start-kube-aggregator-informers",
    "apiservice-status-local-available-controller",
    "apiservice-status-remote-available-controller",
    "apiservice-registration-controller",
    "apiservice-wait-for-first-sync",
    "apiservice-discovery-controller",
    "kube-apiserver-autoregistration",
)
_LAST_HOOKS = ("apiservice-openapi-controller", "apiservice-openapiv3-controller")
_CHECKS = (
    *(f"poststarthook/{name}" for name in _HOOKS),
    "autoregister-completion",
    *(f"poststarthook/{name}" for name in _LAST_HOOKS),
)
_LIVE = ("ping", "log", *_CHECKS)
_OF_PATH = {"readyz": ("ping", "log", "informer-sync", *_CHECKS, "shutdown"), "livez": _LIVE, "healthz": _LIVE}


def answer(request: web.BaseRequest) -> web.Response | None:
    """The answer to a question about health; None where the path asks another one."""
    name, _, check = request.path.strip("/").partition("/")
    if name not in _OF_PATH or request.method not in ("GET", "HEAD"):
        return None
    if check:
        known = check in _OF_PATH[name]
        return web.Response(text="ok" if known else "404 page not found\n", status=200 if known else 404)
    excluded = set(request.query.getall("exclude", ()))
    if "verbose" not in request.query:
        return web.Response(text="ok")
    return web.Response(text="".join(_lines(name, excluded)))


def _lines(name: str, excluded: set[str]) -> Iterator[str]:
    for check in _OF_PATH[name]:
        yield f"[+]{check} excluded: ok\n" if check in excluded else f"[+]{check} ok\n"
    if unknown := sorted(excluded - set(_OF_PATH[name])):
        quoted = ", ".join(f'"{item}"' for item in unknown)
        yield f"warn: some health checks cannot be excluded: no matches for {quoted}\n"
    yield f"{name} check passed\n"
