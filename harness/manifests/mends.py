"""A workload with a hazard -> the same without it, as the table of hazards says that it is mended.

Only what is wrong in the manifest and loses requests; seconds are the mitigations' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy

from harness.manifests.read import Manifest
from harness.model.run import MeasuredService
from harness.spec.hazards import HazardId
from harness.spec.serving import Port, serving_containers, target_ports
from harness.spec.workload import pod_spec, spec_of

Mend = Callable[[Manifest, Sequence[Port]], None]
"""Changes the workload that it is given; the target ports are those of the Service before it."""


def mended(workload: Manifest, service: Manifest, measured: MeasuredService, hazards: Iterable[str]) -> Manifest:
    """The workload without these hazards; the one that is passed in stays as it was."""
    changed = deepcopy(workload)
    targets = target_ports((service,), measured)
    for name in hazards:
        MENDS[HazardId(name)](changed, targets)
    return changed


def _rolling_update(workload: Manifest, _: Sequence[Port]) -> None:
    workload["spec"]["strategy"] = {"type": "RollingUpdate"}


def _one_more_first(workload: Manifest, _: Sequence[Port]) -> None:
    rolling = (spec_of(workload).get("strategy") or {}).get("rollingUpdate") or {}
    surge = rolling.get("maxSurge")
    kept = surge if surge not in (0, "0%") else 1
    rolling = {"maxUnavailable": 0} if kept is None else {"maxSurge": kept, "maxUnavailable": 0}
    workload["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}


def _two_replicas(workload: Manifest, _: Sequence[Port]) -> None:
    workload["spec"]["replicas"] = 2


def _probe_of_the_serving_port(workload: Manifest, targets: Sequence[Port]) -> None:
    """A connection to the port that serves is all that can be asked for without knowing the application."""
    for container in serving_containers(pod_spec(workload), targets):
        declared = [
            port for entry in container.get("ports") or () for port in (entry.get("name"), entry["containerPort"])
        ]
        port = next((target for target in targets if target in declared), next(iter(targets), None))
        if isinstance(port, str) and port not in declared:
            continue  # a name that no container gives to a port: no probe of it could ever succeed
        kept = container.get("readinessProbe") or {"periodSeconds": 1}
        handlers = ("httpGet", "tcpSocket", "grpc", "exec")
        timing = {key: value for key, value in kept.items() if key not in handlers}
        container["readinessProbe"] = {"tcpSocket": {"port": port}, **timing}


MENDS: dict[HazardId, Mend] = {
    HazardId.RECREATE: _rolling_update,
    HazardId.MAX_UNAVAILABLE_ALL: _one_more_first,
    HazardId.LONE_STATEFUL_POD: _two_replicas,
    HazardId.LONE_POD: _two_replicas,
    HazardId.NO_READINESS_PROBE: _probe_of_the_serving_port,
    HazardId.PROBE_ON_ANOTHER_PORT: _probe_of_the_serving_port,
}
"""What mends each; `Row.mend` says it in words."""
