"""What stands in a cluster -> how it is called: Service and port, path, host and scheme, where the choice is clear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.manifests.read import Manifest
from harness.model.duration import duration
from harness.model.run import MeasuredService
from harness.runner.choice import Asked, chosen_front, chosen_target
from harness.runner.from_manifests import described_experiment, rollout_timeout_s
from harness.spec.readiness import probed_ports
from harness.spec.serving import named_ports, target_ports
from harness.spec.workload import Object, containers, pod_spec, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """How an application that is there is called; `request`: those keys of an experiment's `request` that are clear."""

    service: dict[str, Any]
    request: dict[str, str]
    rollout_timeout: str


def called(manifests: Sequence[Manifest], asked: Asked) -> Called:
    """How the target is called, by its Services, its readiness probe and the Ingresses before it.

    Raises:
        UsageError: there is no such target or Service, or more than one would do.
    """
    workload = chosen_target(manifests, asked)
    front, port = chosen_front(manifests, workload, asked)
    entry = _entry(manifests, front, port)
    probe = _probe(pod_spec(workload), manifests, MeasuredService(name=front, port=int(entry["port"])))
    request: dict[str, str] = {}
    if (path := str(probe.get("path") or "/")) != "/":
        request["path"] = path
    if host := _host(probe) or _only_host(manifests, front, entry):
        request["host"] = host
    return Called(
        service={"name": front, "port": port},
        request=request,
        rollout_timeout=duration(rollout_timeout_s(manifests, workload)),
    )


_DONE = ("update", "disruption", "rollouts")
"""The keys of an experiment that say what is done to it."""


def described_there(
    manifests: Sequence[Manifest],
    *,
    target: str,
    namespace: str,
    service: str | None,
    done: Mapping[str, Any],
    cluster: dict[str, Any],
) -> dict[str, Any]:
    """What the file of an experiment on an application that is there would hold; `done`: its keys of what is done.

    Raises:
        UsageError: as for `called`.
    """
    found = called(manifests, Asked(target, service))
    usual = described_experiment(manifests, target=target, service=service, stand_in=None, latency_s=None)
    del usual["others"]
    described = {"version": 1, "name": usual["name"], "target": usual["target"], "namespace": namespace}
    described |= {"service": found.service, "cluster": cluster, **done}
    return (
        described
        | ({"request": found.request} if found.request else {})
        | {key: value for key, value in usual.items() if key not in (*described, *_DONE)}
    )


def _entry(manifests: Iterable[Manifest], front: str, port: int | str) -> Object:
    """The port of a Service with that number or name."""
    entries: Iterator[Object] = (
        entry
        for service in manifests
        if service["kind"] == "Service" and service["metadata"]["name"] == front
        for entry in spec_of(service).get("ports") or ()
    )
    return next(entry for entry in entries if port in (entry.get("port"), entry.get("name")))


def _probe(pod: Object, manifests: Sequence[Manifest], measured: MeasuredService) -> Object:
    """The HTTP readiness probe of the port to which the Service sends; empty where there is none."""
    names = named_ports(pod)
    wanted = {names.get(str(port), port) for port in target_ports(manifests, measured)}
    for container in containers(pod):
        if any(port in wanted for port in probed_ports(container)):
            probe: Object = (container.get("readinessProbe") or {}).get("httpGet") or {}
            return probe
    return {}


def _host(probe: Object) -> str:
    headers = {str(header.get("name")).lower(): str(header.get("value")) for header in probe.get("httpHeaders") or ()}
    return headers.get("host") or str(probe.get("host") or "")


def _only_host(manifests: Iterable[Manifest], front: str, entry: Object) -> str:
    """The host under which Ingresses lead to the Service, where there is one alone."""
    hosts = {
        str(rule.get("host") or "")
        for ingress in manifests
        if ingress["kind"] == "Ingress"
        for rule in spec_of(ingress).get("rules") or ()
        for path in (rule.get("http") or {}).get("paths") or ()
        if _leads_to((path.get("backend") or {}).get("service") or {}, front, entry)
    }
    (host,) = hosts if len(hosts) == 1 else ("",)
    return "" if host.startswith("*") else host


def _leads_to(backend: Object, front: str, entry: Object) -> bool:
    port = backend.get("port") or {}
    by_name = port.get("name") is not None and port.get("name") == entry.get("name")
    return backend.get("name") == front and (by_name or port.get("number") == entry.get("port"))
