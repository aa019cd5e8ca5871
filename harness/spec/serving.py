"""A pod spec and the Services before it -> which container serves, until when, and whether Ready means that it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.model.run import MeasuredService
from harness.spec.hooks import serves_on_s
from harness.spec.readiness import probed_ports
from harness.spec.termination import grace_period_s
from harness.spec.workload import Object, containers, main_containers, services, spec_of

Port = int | str
"""A number, or the name that a container gives to one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingExpectation:
    """What a pod's own spec lets one expect of it while it serves.

    `prestop_s`: it surely goes on serving that long after its deletion; 0 where nothing is said, which does not mean
    that it stops at once: a spec may be known in part only. `untold_s`: for that long none of its containers hears that
    it is to stop; one beside the one that serves may be what calls pass through, or need. `listens_when_ready`: its
    readiness or startup probe connects to the port to which the Service sends, so that a Ready pod has listened.
    `probed`: the ports to which those connect.
    """

    prestop_s: float = 0.0
    untold_s: float = 0.0
    listens_when_ready: bool = False
    probed: tuple[Port, ...] = ()


def serving_expectation(pod: Object, targets: Iterable[Port]) -> ServingExpectation:
    """What the pod spec lets one expect; `targets` are the target ports of the Services before it.

    Only the hook of the container that serves holds the listener. Where it cannot be told which does, any may, and what
    they all hold is expected.
    """
    targets = tuple(targets)
    serving = serving_containers(pod, targets)
    held_s, untold_s = all_held_s(pod, serving), all_held_s(pod, (*serving, *main_containers(pod)))
    grace_s = grace_period_s(pod)
    return ServingExpectation(
        prestop_s=min(held_s, grace_s),
        untold_s=min(untold_s, grace_s),
        listens_when_ready=listens_when_ready(pod, targets),
        probed=tuple(dict.fromkeys(port for container in containers(pod) for port in probed_ports(container))),
    )


def all_held_s(pod: Object, of: Sequence[Object]) -> float:
    """How long all of these containers surely go on serving after their pod's deletion."""
    return min((serves_on_s(pod, container) or 0.0 for container in of), default=0.0)


def target_ports(manifests: Iterable[Object], measured: MeasuredService | None = None) -> tuple[Port, ...]:
    """The target ports of the Services among the manifests; with `measured` those of its port alone."""
    found = services(manifests, measured)
    entries = (entry for service in found for entry in tcp_ports(service))
    wanted = None if measured is None else measured.port
    return tuple(target_port(entry) for entry in entries if entry.get("port") and wanted in (None, entry["port"]))


def tcp_ports(service: Object) -> tuple[Object, ...]:
    """The ports of a Service on which TCP is spoken: UDP and SCTP may have the same numbers."""
    return tuple(entry for entry in spec_of(service).get("ports") or () if _is_tcp(entry))


def target_port(entry: Object) -> Port:
    """Where a port of a Service leads: its targetPort, by default the port itself."""
    port: Port = entry.get("targetPort") or entry["port"]
    return port


def serving_containers(pod: Object, targets: Sequence[Port]) -> tuple[Object, ...]:
    """The containers that declare a target port; all where none does."""
    return tuple(c for c in containers(pod) if _declares(c, targets)) or containers(pod)


def named_ports(pod: Object) -> dict[str, int]:
    """The TCP ports that the pod's containers give a name to; of several the first, as pkg/api/v1/pod, FindPort."""
    named = [(port.get("name"), port.get("containerPort")) for c in containers(pod) for port in _ports(c)]
    return {name: number for name, number in reversed(named) if name and number is not None}


def listens_when_ready(pod: Object, targets: Sequence[Port]) -> bool:
    """Whether a readiness or startup probe connects to a target port (to any port, where no target is known)."""
    names = named_ports(pod)
    wanted = {names.get(target, target) if isinstance(target, str) else target for target in targets}
    return any(not wanted or port in wanted for container in containers(pod) for port in probed_ports(container))


def _declares(container: Object, targets: Sequence[Port]) -> bool:
    return any(port.get("name") in targets or port.get("containerPort") in targets for port in _ports(container))


def _ports(container: Object) -> tuple[Object, ...]:
    return tuple(port for port in container.get("ports") or () if _is_tcp(port))


def _is_tcp(port: Object) -> bool:
    return (port.get("protocol") or "TCP") == "TCP"
