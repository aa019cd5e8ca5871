"""Manifests without an experiment -> the experiment that rolls one workload of them, as its file would say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from harness.errors import UsageError
from harness.manifests.read import Manifest
from harness.model.duration import duration
from harness.spec.readiness import probed_ports, readiness_s
from harness.spec.rollout_shape import rollout_s, rollout_shape
from harness.spec.serving import named_ports, target_port
from harness.spec.termination import grace_period_s, hooks_take_s
from harness.spec.workload import WORKLOAD_KINDS, containers, pod_spec, selects, services, spec_of, workload_name

_LOAD = {"new": {"rate": 100}, "kept": {"rate": 50, "connections": 10}, "pod_header": "X-Pod"}
_ROLLOUTS = 3
_CONTROL_S = 5.0
_LEAST_TIMEOUT_S, _START_S = 120.0, 5.0
# Names of ports and of Services that are there to be scraped, not to be called.
_ASIDE = re.compile(r"(^|[-_])(metrics?|monitoring|telemetry|prometheus|exporter)($|[-_])")


def described_experiment(
    manifests: Sequence[Manifest],
    *,
    target: str | None,
    service: str | None,
    stand_in: str | None,
    latency_s: float | None,
) -> dict[str, Any]:
    """What the experiment's file would hold, but for `manifests`; `service`: "NAME" or "NAME:PORT".

    Raises:
        UsageError: there is no such target or Service, or more than one would do.
    """
    workload = _target(manifests, target)
    front, port = _front(manifests, workload, service)
    name = re.sub(r"[^a-z0-9-]", "-", workload["metadata"]["name"])[:50].strip("-")
    described: dict[str, Any] = {
        "version": 1,
        "name": name,
        "target": workload_name(workload),
        "service": {"name": front["metadata"]["name"], "port": port},
        "others": "skip",
        "update": "restart",
        "rollouts": _ROLLOUTS,
        "control": duration(_CONTROL_S),
        "rollout_timeout": duration(_timeout_s(manifests, workload)),
        "load": _LOAD,
        "variants": {"as-it-is": {"expect": "seamless"}},
    }
    if stand_in is not None:
        described["images"] = {"*": stand_in_entry(stand_in, latency_s)}
    return described


def stand_in_entry(stand_in: str, latency_s: float | None) -> dict[str, str]:
    """An entry of `images:` for a stand-in."""
    return {"stand_in": stand_in, **({} if latency_s is None else {"latency": duration(latency_s)})}


def _target(manifests: Sequence[Manifest], wanted: str | None) -> Manifest:
    workloads = [manifest for manifest in manifests if manifest["kind"] in WORKLOAD_KINDS]
    have = ", ".join(map(workload_name, workloads)) or "no Deployment and no StatefulSet"
    if wanted is not None:
        found = [workload for workload in workloads if workload_name(workload) == wanted.lower()]
        seen = f"there is {have}" if not found else f"there are {len(found)} of that name"
    else:
        found = [workload for workload in workloads if _candidates(manifests, workload)]
        seen = f"{len(found)} have a Service with a ClusterIP in front of them; there is {have}"
    if len(found) != 1:
        raise UsageError(f"looking for the target {wanted or ''}".strip(), seen, "Give one as --target KIND/NAME.")
    return found[0]


def _front(manifests: Sequence[Manifest], workload: Manifest, wanted: str | None) -> tuple[Manifest, int]:
    """The Service in front of the workload, and its port to call."""
    name, _, number = (wanted or "").partition(":")
    found = _candidates(manifests, workload)
    if name:
        found = [service for service in found if service["metadata"]["name"] == name]
    clear = _clear(found, workload)
    if clear is None:
        tried = f"looking for the Service {name or f'of {workload_name(workload)}'}"
        have = ", ".join(service["metadata"]["name"] for service in found)
        seen = f"several would do: {have}" if found else "none with a ClusterIP and a TCP port selects its pods"
        do = "Give one as --service NAME." if found else "A client needs one to call; a headless Service is none."
        raise UsageError(tried, seen, do)
    if number and not number.isdigit():
        raise UsageError(f"reading --service {wanted}", f"{number!r} is no port", "Give NAME:PORT with its number.")
    return clear, int(number) if number else _port(clear, pod_spec(workload))


def _candidates(manifests: Iterable[Manifest], workload: Manifest) -> list[Manifest]:
    labels = ((spec_of(workload).get("template") or {}).get("metadata") or {}).get("labels") or {}
    return [
        service
        for service in services(manifests)
        if selects(spec_of(service).get("selector") or {}, labels)
        and spec_of(service).get("clusterIP") != "None"
        and spec_of(service).get("type") != "ExternalName"
        and _tcp_ports(service)
    ]


def _clear(found: Sequence[Manifest], workload: Manifest) -> Manifest | None:
    """The only one, the only one that is not there for metrics, or the one with the workload's name."""
    serving = [service for service in found if not _is_aside(service)]
    named = [service for service in found if service["metadata"]["name"] == workload["metadata"]["name"]]
    return next((some[0] for some in (found, serving, named) if len(some) == 1), None)


def _is_aside(service: Manifest) -> bool:
    ports = [str(port.get("name") or "") for port in _tcp_ports(service)]
    return bool(_ASIDE.search(service["metadata"]["name"])) or all(map(_ASIDE.search, ports))


def _tcp_ports(service: Manifest) -> list[dict[str, Any]]:
    return [port for port in spec_of(service).get("ports") or () if (port.get("protocol") or "TCP") == "TCP"]


def _port(service: Manifest, pod: dict[str, Any]) -> int:
    """The port called http, or 80, or the one that a readiness probe looks at, or the first that is not for metrics."""
    ports, names = _tcp_ports(service), named_ports(pod)
    probed = {port for container in containers(pod) for port in probed_ports(container)}
    chosen = (
        [port for port in ports if port.get("name") == "http"],
        [port for port in ports if port["port"] == 80],
        [port for port in ports if names.get(str(target_port(port)), target_port(port)) in probed],
        [port for port in ports if not _ASIDE.search(str(port.get("name") or ""))],
        ports,
    )
    return int(next(some[0] for some in chosen if some)["port"])


def _timeout_s(manifests: Sequence[Manifest], workload: Manifest) -> float:
    """Twice what a rollout takes that goes well, so that a slow one is not taken for a stuck one."""
    shape, pod = rollout_shape(manifests, workload_name(workload)), pod_spec(workload)
    least_s, period_s = readiness_s(pod)
    stop_s = max(hooks_take_s(pod), grace_period_s(pod))
    takes_s = rollout_s(shape, start_s=least_s + period_s + _START_S, min_ready_s=shape.min_ready_s, stop_s=stop_s)
    return max(_LEAST_TIMEOUT_S, float(round(2 * takes_s)))
