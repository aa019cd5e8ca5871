"""Manifests -> the workload that is rolled, and the Service and port that are called, where no choice is left open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.manifests.read import Manifest
from harness.model.target_kinds import not_a_target
from harness.spec.readiness import probed_ports
from harness.spec.serving import named_ports, target_port, tcp_ports
from harness.spec.workload import WORKLOAD_KINDS, containers, pod_spec, selects, services, spec_of, workload_name

# Names of ports and of Services that are there to be scraped, not to be called.
_ASIDE = re.compile(r"(^|[-_])(metrics?|monitoring|telemetry|prometheus|exporter)($|[-_])")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and how whoever asks would write it: "--target NAME", "target=NAME"."""

    target: str | None = None
    service: str | None = None
    written: str = "--{} {}"

    def hint(self, name: str, value: str) -> str:
        """How to choose, as the end of an error."""
        return f"Give one as {self.written.format(name, value)}."


def chosen_target(manifests: Sequence[Manifest], asked: Asked) -> Manifest:
    """The workload that is named (`deployment/web`, or `web` where that is one), or the only one with a Service.

    Raises:
        UsageError: there is no such one, or more than one would do.
    """
    workloads = [manifest for manifest in manifests if manifest["kind"] in WORKLOAD_KINDS]
    have = ", ".join(map(workload_name, workloads)) or "no Deployment and no StatefulSet"
    if (wanted := asked.target) is not None:
        found = [each for each in workloads if wanted.lower() in (workload_name(each), each["metadata"]["name"])]
        seen = (
            not_a_target(_by_kind(manifests, wanted)) or f"there is {have}"
            if not found
            else f"there are {len(found)} of that name"
        )
    else:
        found = [workload for workload in workloads if _candidates(manifests, workload)]
        seen = f"{len(found)} have a Service with a ClusterIP in front of them; there is {have}"
    if len(found) != 1:
        raise UsageError(f"looking for the target {wanted or ''}".strip(), seen, asked.hint("target", "KIND/NAME"))
    return found[0]


def _by_kind(manifests: Sequence[Manifest], wanted: str) -> str:
    """The target with its kind, also where only a name was given that something among the manifests has."""
    names = (workload_name(each) for each in manifests)
    return wanted if "/" in wanted else next((name for name in names if name.endswith(f"/{wanted}")), wanted)


def chosen_front(manifests: Sequence[Manifest], workload: Manifest, asked: Asked) -> tuple[str, int | str]:
    """The name of the Service before the workload and its port to call, as `NAME` or `NAME:PORT` asks for them.

    Raises:
        UsageError: there is no such one, more than one would do, or it has no such port.
    """
    name, _, port = (asked.service or "").partition(":")
    would_do = found = _candidates(manifests, workload)
    if name:
        found = [service for service in found if service["metadata"]["name"] == name]
    clear = _clear(found, workload)
    if clear is None:
        tried = f"looking for the Service {name or f'of {workload_name(workload)}'}"
        have = ", ".join(service["metadata"]["name"] for service in would_do)
        if not found and would_do:
            seen = f"none of that name with a ClusterIP selects the pods of {workload_name(workload)}, but {have}"
            raise UsageError(tried, seen, asked.hint("service", "NAME"))
        seen = f"several would do: {have}" if found else "none with a ClusterIP and a TCP port selects its pods"
        do = asked.hint("service", "NAME") if found else "A client needs one to call; a headless Service is none."
        raise UsageError(tried, seen, do)
    return clear["metadata"]["name"], _port_asked(clear, port) if port else _port(clear, pod_spec(workload))


def _candidates(manifests: Iterable[Manifest], workload: Manifest) -> list[Manifest]:
    labels = ((spec_of(workload).get("template") or {}).get("metadata") or {}).get("labels") or {}
    return [
        service
        for service in services(manifests)
        if selects(spec_of(service).get("selector") or {}, labels)
        and spec_of(service).get("clusterIP") != "None"
        and spec_of(service).get("type") != "ExternalName"
        and tcp_ports(service)
    ]


def _clear(found: Sequence[Manifest], workload: Manifest) -> Manifest | None:
    """The only one, the only one that is not there for metrics, or the one with the workload's name."""
    serving = [service for service in found if not _is_aside(service)]
    named = [service for service in found if service["metadata"]["name"] == workload["metadata"]["name"]]
    return next((some[0] for some in (found, serving, named) if len(some) == 1), None)


def _is_aside(service: Manifest) -> bool:
    ports = [str(port.get("name") or "") for port in tcp_ports(service)]
    return bool(_ASIDE.search(service["metadata"]["name"])) or all(map(_ASIDE.search, ports))


def _port_asked(service: Manifest, asked: str) -> int | str:
    """The port of that number or name."""
    ports = tcp_ports(service)
    if any(asked in (str(port["port"]), port.get("name")) for port in ports):
        return int(asked) if asked.isdigit() else asked
    have = ", ".join(f"{port['port']} ({port['name']})" if port.get("name") else str(port["port"]) for port in ports)
    name = service["metadata"]["name"]
    raise UsageError(f"looking for port {asked} of Service {name}", f"it has {have}", "Name one of its own.")


def _port(service: Manifest, pod: dict[str, Any]) -> int:
    """The port called http, or 80, or the one that a readiness probe looks at, or the first that is not for metrics."""
    ports, names = tcp_ports(service), named_ports(pod)
    probed = {port for container in containers(pod) for port in probed_ports(container)}
    chosen = (
        [port for port in ports if port.get("name") == "http"],
        [port for port in ports if port["port"] == 80],
        [port for port in ports if names.get(str(target_port(port)), target_port(port)) in probed],
        [port for port in ports if not _ASIDE.search(str(port.get("name") or ""))],
        ports,
    )
    return int(next(some[0] for some in chosen if some)["port"])
